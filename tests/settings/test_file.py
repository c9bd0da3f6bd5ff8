"""Where the file is, and what is said of one that cannot be read"""

import pytest

from authserver.settings import SettingsError, load, locate


def test_the_environment_changes_nothing_but_where_the_file_is(settings, monkeypatch, tmp_path):
    for name in ("ISSUER", "AUTHSERVER_ISSUER", "DATABASE_URL", "AUTHSERVER_DATABASE__URL"):
        monkeypatch.setenv(name, "https://evil.example.com")
    found = settings()
    assert found.issuer == "https://auth.example.com"
    assert found.database_url.startswith("sqlite:")


def test_the_file_is_the_one_named_else_the_variable_else_the_one_here(monkeypatch):
    monkeypatch.delenv("AUTHSERVER_CONFIG", raising=False)
    assert str(locate()) == "authserver.toml"
    monkeypatch.setenv("AUTHSERVER_CONFIG", "/etc/a.toml")
    assert str(locate()) == "/etc/a.toml"
    assert str(locate("b.toml")) == "b.toml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'issuer = "https://a.example.com', "is not TOML"),
        (b"issuer = 1\nissuer = 2\n", "is not TOML"),
        (b"issuer = \xff\n", "is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"a = " + b"9" * 5000, "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_one_problem(tmp_path, content, message):
    path = tmp_path / "authserver.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.remedy


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(SettingsError, match="does not exist") as caught:
        load(tmp_path / "nowhere.toml")
    assert "authserver init" in caught.value.problems[0].remedy


def test_a_folder_is_no_configuration_file(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)
