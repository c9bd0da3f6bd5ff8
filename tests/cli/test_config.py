"""`config check` names every mistake, or what is in effect"""

import json

from tests.settings.configuration import SECRET, changed, toml


def test_a_right_configuration_is_shown_with_the_redirect_uri(run, folder):
    result = run("config", "check")
    assert result.exit_code == 0
    assert "is valid" in result.stdout
    assert "https://auth.example.com/callback" in result.stdout
    assert "Looser" not in result.stdout


def test_what_is_loosened_is_shown(run, folder):
    (folder / "authserver.toml").write_text(toml(changed({"rate_limits/register_in_all": 0})))
    assert "  - rate_limits.register_in_all: no limit" in run("config", "check").stdout
    found = json.loads(run("config", "check", "--json").stdout)
    assert found["loosened"] == ["rate_limits.register_in_all: no limit"]


def test_a_program_gets_json(run, folder):
    result = run("config", "check", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["valid"]) == (0, True)
    assert found["in_effect"]["issuer"] == "https://auth.example.com"
    assert found["loosened"] == []


def test_a_program_gets_the_mistakes_as_json(run, folder):
    (folder / "authserver.toml").write_text(toml(changed({"isuer": 1, "keys/signing_alg": "none"})))
    result = run("config", "check", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["valid"], result.stderr) == (1, False, "")
    assert {each["key"] for each in found["problems"]} == {"isuer", "keys.signing_alg"}
    assert all(set(each) == {"key", "message", "remedy"} for each in found["problems"])


def test_no_secret_is_printed(run, folder, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://user:db-pass-word@db/auth?password=db-pass-word")
    (folder / "authserver.toml").write_text(toml(changed({"database/url": "env:DB"})))
    output = run("config", "check").output + run("config", "check", "--json").output
    sealing = (folder / "sealing.key").read_bytes()
    for secret in (SECRET, "db-pass-word", sealing.hex(), repr(sealing)[2:-1]):
        assert secret not in output


def test_it_touches_no_database(run, folder):
    run("config", "check")
    assert sorted(path.name for path in folder.iterdir()) == ["authserver.toml", "sealing.key"]
