"""The command as a whole: what it lists, how it exits, what it loads"""

import subprocess
import sys

import click
import pytest

import authserver
from authserver.cli import main

COMMANDS = [
    ("init",),
    ("demo",),
    ("serve",),
    ("config", "check"),
    ("config", "diff"),
    ("db", "upgrade"),
    ("db", "status"),
    ("db", "rekey-upstream", "--users", "keep"),
    ("keys", "list"),
    ("keys", "rotate"),
    ("keys", "status"),
    ("keys", "check"),
    ("keys", "reseal"),
    ("keys", "forget", "0a1b2c3d", "--yes"),
    ("clients", "block", "mcp-1"),
    ("clients", "unblock", "mcp-1"),
    ("login",),
]
WITH_CONFIG = [each for each in COMMANDS if each[0] not in ("init", "demo", "login")]


def test_the_commands_are_those_of_the_documentation():
    found: set[tuple[str, ...]] = set()
    for name, command in main.commands.items():
        below = command.commands if isinstance(command, click.Group) else {}
        found |= {(name, each) for each in below} or {(name,)}
    assert found == {command[:2] for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_explains_itself(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 4


def test_it_says_its_version(run):
    assert authserver.__version__ in run("--version").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_called_wrongly_it_exits_with_2(run, command):
    assert run(*command, "--nonsense").exit_code == 2
    assert run(*command, "nonsense").exit_code == 2


@pytest.mark.parametrize("arguments", [("nonsense",), ("db", "nonsense"), ("keys", "delete")])
def test_an_unknown_command_exits_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", WITH_CONFIG)
def test_without_a_configuration_it_says_no(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTHSERVER_CONFIG", raising=False)
    result = run(*command)
    assert result.exit_code == 1
    assert "authserver.toml does not exist" in result.stderr
    assert "authserver init" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", WITH_CONFIG)
def test_every_mistake_in_the_configuration_is_told_by_every_command(run, folder, command):
    (folder / "bad.toml").write_text('issuer = "https://Auth.example.com"\nisuer = 1\n')
    result = run(*command, "--config", folder / "bad.toml")
    assert result.exit_code == 1
    assert "The configuration has 4 mistakes:" in result.stderr
    for key in ("issuer:", "isuer:", "upstream:", "resources:"):
        assert f"\n{key}" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_variable_names_the_configuration(run, folder, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert run("config", "check").exit_code == 1
    monkeypatch.setenv("AUTHSERVER_CONFIG", str(folder / "authserver.toml"))
    assert run("config", "check").exit_code == 0
    assert run("config", "check", "--config", folder / "nowhere.toml").exit_code == 1


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from authserver.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'flask', 'sqlalchemy', 'pydantic', 'cryptography', 'gunicorn', 'requests'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_python_m_is_the_same_command(folder):
    command = [sys.executable, "-m", "authserver", "config", "check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "https://auth.example.com/callback" in result.stdout
    assert subprocess.run([*command, "x"], capture_output=True, check=False).returncode == 2
