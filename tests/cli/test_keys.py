"""`keys` lists the signing keys and makes the next one"""

import json
import os
import time

from authserver.build import prepare
from authserver.settings import load
from authserver.storage.store import Store


def test_keys_need_the_schema(run, folder, monkeypatch):
    monkeypatch.setattr(Store, "schema_is_current", lambda _: False)
    result = run("keys", "list")
    assert result.exit_code == 1
    assert "run authserver db upgrade" in result.stderr


def test_before_the_first_start_there_is_none(run, folder):
    run("db", "upgrade")
    assert "no key yet" in run("keys", "list").stdout
    assert json.loads(run("keys", "list", "--json").stdout) == []


def test_rotating_publishes_a_key_that_signs_later(run, folder):
    prepare(load(folder / "authserver.toml"), int(time.time()))
    (first,) = json.loads(run("keys", "list", "--json").stdout)
    assert first["state"] == "active"
    assert "signs from" in run("keys", "rotate").stdout
    found = json.loads(run("keys", "list", "--json").stdout)
    assert [each["state"] for each in found] == ["active", "next"]
    assert found[0]["kid"] == first["kid"]
    assert found[1]["active_at"] - time.time() > 23 * 3600
    assert run("keys", "list").stdout.count("signs from") == 2


def test_rotating_twice_makes_one_key(run, folder):
    prepare(load(folder / "authserver.toml"), int(time.time()))
    run("keys", "rotate")
    run("keys", "rotate")
    assert len(json.loads(run("keys", "list", "--json").stdout)) == 2


def test_a_lost_sealing_key_is_a_mistake_and_never_a_new_signing_key(run, folder):
    prepare(load(folder / "authserver.toml"), int(time.time()))
    (folder / "sealing.key").write_bytes(os.urandom(32))
    for command in ("rotate", "list"):
        result = run("keys", command)
        assert result.exit_code == 1
        assert "no sealing key with the id" in result.stderr


def test_no_private_key_is_printed(run, folder):
    run("db", "upgrade")
    run("keys", "rotate")
    output = run("keys", "list").output + run("keys", "list", "--json").output
    assert '"d"' not in output
    assert "sealed" not in output
