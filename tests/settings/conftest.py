"""A folder with a sealing key, and a way to load a spoiled configuration from it"""

import os

import pytest

from authserver.settings import SettingsError, load
from tests.settings.configuration import SECRET, VARIABLE, changed, toml


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the right configuration with changes (or a text) and return its path."""
    monkeypatch.setenv(VARIABLE, SECRET)
    (tmp_path / "sealing.key").write_bytes(os.urandom(32))
    (tmp_path / "sealing.key").chmod(0o600)

    def write(changes):
        path = tmp_path / "authserver.toml"
        path.write_text(changes if isinstance(changes, str) else toml(changed(changes)))
        return path

    return write


@pytest.fixture
def settings(write):
    """Load the right configuration with changes."""
    return lambda changes=(): load(write(dict(changes)))


@pytest.fixture
def problems(write):
    """Load a configuration that must be refused and return its problems."""

    def problems(changes):
        with pytest.raises(SettingsError) as caught:
            load(write(changes))
        return caught.value.problems

    return problems
