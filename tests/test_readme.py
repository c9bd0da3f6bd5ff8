"""README.md shows a configuration that loads, code that runs and modules that exist."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from authserver.cli import main
from authserver.resource_server.asgi import ProtectedApplication
from authserver.settings import load

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def block(readme, language):
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def test_the_minimal_configuration_is_enough(readme, tmp_path, monkeypatch):
    [minimal] = block(readme, "toml")
    monkeypatch.setenv("UPSTREAM_CLIENT_SECRET", "a secret of the provider")
    (tmp_path / "sealing.key").write_bytes(bytes(range(32)))
    (tmp_path / "authserver.toml").write_text(minimal)
    settings = load(tmp_path / "authserver.toml")
    assert f"`{settings.redirect_uri}`" in readme


def test_the_lines_for_an_mcp_server_protect_it(readme):
    [lines] = block(readme, "python")
    names: dict[str, object] = {}
    exec(compile(lines, "README.md", "exec"), names)  # noqa: S102 - our own README
    assert isinstance(names["app"], ProtectedApplication)


def test_every_module_in_the_map_exists(readme):
    named = re.findall(r"`([a-z_/]+\.py|[a-z_]+/)`", readme.partition("| need |")[2])
    assert len(named) > 20
    missing = [name for name in named if not _exists(name)]
    assert not missing


def test_every_command_exists(readme):
    used = {
        tuple(re.sub(r" -.*", "", line).split())
        for text in block(readme, "sh")
        for line in re.findall(r"(?<=bin/authserver )[a-z -]+", text)
    }
    assert {("init",), ("config", "check"), ("serve",)} == used
    for path in used:
        assert CliRunner().invoke(main, [*path, "--help"]).exit_code == 0


def _exists(name):
    return (ROOT / "authserver" / name).exists()
