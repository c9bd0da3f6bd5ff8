"""`db` says where the schema is and brings it here"""

import json

from authserver.storage import migrate
from tests.cli.served import free_port
from tests.settings.configuration import changed, toml


def test_an_empty_database_is_behind_and_asking_makes_no_file(run, folder):
    result = run("db", "status")
    assert result.exit_code == 1
    assert "the database is empty" in result.stdout
    assert "authserver db upgrade" in result.stdout
    assert not list(folder.glob("*.db*"))
    assert json.loads(run("db", "status", "--json").stdout) == {
        "revision": None, "newest": migrate.head(), "current": False,
    }  # fmt: skip


def test_upgrade_brings_it_here_and_may_run_again(run, folder):
    for _ in range(2):
        result = run("db", "upgrade")
        assert (result.exit_code, result.stdout) == (0, f"The schema is at {migrate.head()}.\n")
    result = run("db", "status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["current"]) == (0, True)
    assert run("db", "status").stdout == f"The schema is at {migrate.head()}.\n"


def test_a_database_out_of_reach_is_said_without_its_address(run, folder, monkeypatch):
    monkeypatch.setenv("DB", f"postgresql://user:db-pass-word@127.0.0.1:{free_port()}/auth")
    (folder / "authserver.toml").write_text(toml(changed({"database/url": "env:DB"})))
    for command in (("db", "upgrade"), ("db", "status"), ("keys", "list")):
        result = run(*command)
        assert result.exit_code == 1
        assert "the database does not answer" in result.stderr
        assert "db-pass-word" not in result.output
        assert "Traceback" not in result.output
