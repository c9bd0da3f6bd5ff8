"""Each command names the database file that it cannot use, and what to do"""

import os
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from authserver.storage.store import Store
from tests.settings.configuration import changed, toml

COMMANDS = [("db", "status"), ("db", "upgrade"), ("keys", "list"), ("keys", "rotate"), ("serve",)]


def refusal(run, command):
    result = run(*command)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_file_of_something_else(run, folder, command):
    (folder / "authserver.db").write_bytes(os.urandom(10_000))
    said = refusal(run, command)
    assert str(folder / "authserver.db") in said
    assert "name another file in [database] url" in said


@pytest.mark.parametrize("command", COMMANDS[1:], ids=" ".join)
def test_a_folder_that_is_not_there(run, folder, command):
    (folder / "authserver.toml").write_text(toml(changed({"database/url": "sqlite:///no/a.db"})))
    said = refusal(run, command)
    assert str(folder / "no" / "a.db") in said
    assert "make the folder, or mount what should be there" in said


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_in_its_place(run, folder, command):
    (folder / "authserver.db").mkdir()
    assert f"{folder / 'authserver.db'} cannot be opened: Is a directory" in refusal(run, command)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("place", ["authserver.db", ""], ids=["file", "folder"])
def test_what_cannot_be_written(run, folder, command, place, monkeypatch):
    """As on a file system that is read-only; who runs the tests may be allowed everything."""
    assert run("db", "upgrade").exit_code == 0
    protected, opened, access = folder / place, os.open, os.access

    def refuse(path, flags, *args, **kwargs):
        if Path(os.fsdecode(path)) == protected and flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(30, os.strerror(30), path)
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "access", lambda p, mode: Path(p) != protected and access(p, mode))
    said = refusal(run, command)
    assert str(folder / "authserver.db") in said
    assert "let authserver" in said


def test_a_table_that_is_gone(run, folder):
    assert run("db", "upgrade").exit_code == 0
    with closing(Store.open(f"sqlite:///{folder / 'authserver.db'}")) as store, store.write() as tx:
        tx._connection.execute(text("DROP TABLE consents"))
    for command in COMMANDS:
        if command != ("db", "upgrade"):
            assert "lacks consents: restore it from a backup" in refusal(run, command)
