"""The command, and a folder with a configuration that works"""

import os

import pytest
from click.testing import CliRunner

from tests.settings.configuration import SECRET, VARIABLE, changed, toml


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a configuration and a sealing key, which is the current one."""
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.delenv("AUTHSERVER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sealing.key").write_bytes(os.urandom(32))
    (tmp_path / "sealing.key").chmod(0o600)
    (tmp_path / "authserver.toml").write_text(toml(changed({})))
    return tmp_path


@pytest.fixture
def run():
    """Run the command in this process; the result has exit_code, stdout and stderr."""
    from authserver.cli import main

    def run(*arguments):
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        unexpected = not isinstance(result.exception, SystemExit | None)
        assert not unexpected, result.exception
        return result

    return run
