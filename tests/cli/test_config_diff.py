"""`config diff` says what changed since the last start, and who would be hit; never a value"""

import json
import os
import time

from authserver.build import prepare
from authserver.cli.gunicorn_server import GunicornServer
from authserver.settings import load
from tests.actors import write_config
from tests.settings.configuration import SECRET, VARIABLE, changed, toml
from tests.taking_out import connected, without_wiki


def take(folder):
    prepare(load(folder / "authserver.toml"), int(time.time()))


def test_nothing_changed_exits_with_0(run, folder):
    take(folder)
    result = run("config", "diff")
    assert (result.exit_code, result.stdout) == (0, "Nothing changed.\n")
    assert json.loads(run("config", "diff", "--json").stdout) == []


def test_before_the_first_start_everything_is_new(run, folder):
    result = run("config", "diff")
    assert result.exit_code == 1
    assert "upstream: added" in result.stdout.splitlines()


def test_each_change_is_named_by_its_section_and_shows_no_value(run, folder, monkeypatch):
    take(folder)
    monkeypatch.setenv(VARIABLE, "another-" + SECRET)
    text = toml(changed({"tokens/authorization_code_lifetime": "31s"}))
    (folder / "authserver.toml").write_text(text)

    result = run("config", "diff")
    assert result.exit_code == 1
    assert set(result.stdout.splitlines()) == {
        "tokens: added",
        "upstream: the content of its secret changed",
    }
    found = json.loads(run("config", "diff", "--json").stdout)
    assert {"section": "tokens", "what": "added", "referrers": None} in found
    assert SECRET not in result.output


def test_with_the_sealing_key_away_it_is_said(run, folder):
    take(folder)
    (folder / "sealing.key").write_bytes(os.urandom(32))
    assert "upstream: not to be compared" in run("config", "diff").stdout


def test_the_commands_say_who_is_in_the_way_and_serve_ends_what_it_is_told_to(
    run, tmp_path, sqlite_url, idp, monkeypatch
):
    config = write_config(tmp_path, sqlite_url, idp.issuer)
    deployment, _, _ = connected(config, idp)
    monkeypatch.setattr(GunicornServer, "run", lambda _: None)
    monkeypatch.setattr("time.time", lambda: deployment.clock.now)
    without_wiki(config)

    said = run("config", "diff", "--config", config)
    in_use = "2 live grants, of 1 users and 2 clients"
    assert said.stdout == f"resources.wiki: removed; {in_use} refer to what it was\n"
    refused = run("serve", "--config", config)
    assert refused.exit_code == 1
    assert f"resources.wiki: {in_use}" in refused.stderr
    started = run("serve", "--config", config, "--revoke")
    assert started.exit_code == 0
    assert f"resources.wiki was taken out: {in_use} ended" in started.stderr
    assert run("config", "diff", "--config", config).exit_code == 0
