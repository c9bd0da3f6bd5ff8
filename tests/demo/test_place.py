"""The demo's directory: secrets only for their owner, nothing of somebody else overwritten."""

import pytest

from authserver.demo.place import NotOurs, Place
from authserver.settings import load


@pytest.fixture
def place(tmp_path):
    return Place(
        tmp_path / "demo",
        "http://127.0.0.1:9100",
        "http://127.0.0.1:9102",
        "http://127.0.0.1:9101/mcp",
    )


def test_the_configuration_is_one_that_the_server_takes(place):
    place.furnish("a-secret-of-the-upstream")
    settings = load(place.config)
    assert settings.issuer == place.issuer
    assert settings.upstream.issuer == place.upstream
    assert settings.upstream.client_secret == "a-secret-of-the-upstream"
    [resource] = settings.resources
    assert resource.url == place.mcp_url
    assert list(resource.scopes) == ["issues:read", "issues:write"]


def test_every_file_is_for_its_owner_alone_and_nothing_unfinished_stays(place):
    place.furnish("secret")
    files = {path.name: path.stat().st_mode & 0o777 for path in place.directory.iterdir()}
    assert files == dict.fromkeys(("authserver.toml", "sealing.key", "upstream.secret"), 0o600)


def test_the_sealing_key_stays_and_the_rest_is_written_again(place):
    place.furnish("first")
    key = (place.directory / "sealing.key").read_bytes()
    place.furnish("second")
    assert (place.directory / "sealing.key").read_bytes() == key
    assert (place.directory / "upstream.secret").read_text() == "second"
    assert len(key) == 32


def test_a_configuration_of_somebody_else_is_not_touched(place):
    place.directory.mkdir()
    place.config.write_text('issuer = "https://auth.example.com"\n')
    with pytest.raises(NotOurs, match=r"authserver\.toml was not written by the demo"):
        place.furnish("secret")
    assert [path.name for path in place.directory.iterdir()] == ["authserver.toml"]
    assert place.config.read_text() == 'issuer = "https://auth.example.com"\n'


def test_a_write_that_is_interrupted_leaves_nothing(place, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.furnish("secret")
    assert list(place.directory.iterdir()) == []
