"""`keys status`, `check`, `reseal`, `forget`: the life of a sealing key as its operator sees it"""

import json
import os
import time

import pytest

from authserver.build import prepare
from authserver.keys import VaultCipher
from authserver.sealing import Sealer
from authserver.settings import load
from authserver.storage.store import Store
from tests.settings.configuration import changed, toml
from tests.storage.values import a_grant, some_tokens

CANARY = "canary-upstream-token"


def configure(folder, *names, **keys):
    seal = [f"file:{name}" for name in names]
    (folder / "authserver.toml").write_text(toml(changed({"keys": {"seal": seal, **keys}})))
    return load(folder / "authserver.toml")


@pytest.fixture
def filled(folder):
    """An installation with a signing key, a user's upstream tokens and a refresh token."""
    (folder / "second.key").write_bytes(os.urandom(32))
    settings = configure(folder, "sealing.key")
    now = int(time.time())
    prepare(settings, now)
    cipher = VaultCipher(Sealer(settings.sealing_keys))
    sealed = {
        column: cipher.seal(CANARY, column, "tokens-1")
        for column in ("access_token", "refresh_token")
    }
    store = Store.open(settings.database_url)
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens(**sealed, id_token=None))
        tx.add_grant(
            a_grant(
                refresh_kid=settings.sealing_keys[0].kid,
                expires_at=now + 99,
                idle_expires_at=now + 99,
            )
        )
    yield folder, store, settings.sealing_keys[0].kid
    store.close()


def documents(run, command):
    result = run("keys", command, "--json")
    return json.loads(result.stdout), result.exit_code


def test_status_counts_what_needs_each_key(run, filled):
    folder, _, first = filled
    second = configure(folder, "second.key", "sealing.key").sealing_keys[0].kid
    found, _ = documents(run, "status")
    assert [(each["kid"], each["role"]) for each in found["keys"]] == [
        (second, "seals"), (first, "opens"),
    ]  # fmt: skip
    counts = {name: found["keys"][1][name] for name in ("signing_keys", "upstream_tokens")}
    assert counts == {"signing_keys": 1, "upstream_tokens": 2}
    assert found["keys"][1]["refresh_tokens"] == 1
    assert (found["plaintext"], found["refresh_tokens_of_unknown_key"]) == (0, 0)
    said = run("keys", "status").stdout
    assert f"{first}  opens    held by 0 running, needed by 1 signing key, 2 upstream" in said


def test_reseal_moves_everything_but_refresh_tokens_to_the_first_key(run, filled):
    folder, store, first = filled
    second = configure(folder, "second.key", "sealing.key").sealing_keys[0].kid
    done, _ = documents(run, "reseal")
    assert (done["signing_keys"], done["upstream_tokens"]["resealed"]) == (1, 2)
    found, _ = documents(run, "status")
    assert [each["upstream_tokens"] for each in found["keys"]] == [2, 0]
    assert [each["refresh_tokens"] for each in found["keys"]] == [0, 1]
    verdict, code = documents(run, "check")
    assert (verdict["removable"], code) == ([], 0)
    with store.write() as tx:
        tx.revoke_grant("grant-1", int(time.time()))
    assert documents(run, "check")[0]["removable"] == [first]
    configure(folder, "second.key")
    assert documents(run, "check")[1] == 0
    assert second in run("keys", "status").stdout
    assert "Sealed anew: 0 signing keys" in run("keys", "reseal").stdout


def test_check_names_what_is_wrong_and_exits_with_1(run, filled):
    folder, store, first = filled
    configure(folder, "second.key")
    result = run("keys", "check")
    assert result.exit_code == 1
    assert f"The key {first} is not configured" in result.stdout
    configure(folder, "sealing.key")
    assert "Every sealed value opens in its place." in run("keys", "check").stdout
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens(access_token=CANARY, id_token=None))
    result = run("keys", "check")
    assert result.exit_code == 1
    assert "1 upstream token not sealed" in result.stdout
    assert CANARY not in result.output + run("keys", "status").output
    assert "1 upstream tokens are not sealed" in run("keys", "status").stdout


def test_accepted_plaintext_is_sealed_until_none_is_left(run, filled):
    folder, store, _ = filled
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens(access_token=CANARY, refresh_token=None, id_token=None))
    configure(folder, "sealing.key", accept_plaintext=True)
    assert documents(run, "check")[0]["vault"]["plaintext"] == 1
    assert documents(run, "check")[1] == 0
    assert documents(run, "reseal")[0]["upstream_tokens"]["resealed"] == 1
    assert documents(run, "check")[0]["vault"]["plaintext"] == 0
    assert "accept_plaintext" in run("config", "check").stdout


def test_a_server_does_not_start_without_a_key_that_is_needed(run, filled):
    folder, _, first = filled
    configure(folder, "second.key")
    result = run("serve", "--bind", "127.0.0.1:0")
    assert result.exit_code == 1
    assert f"{first} is not configured, but needed by 1 signing key" in result.stderr
    assert f"authserver keys forget {first}" in result.stderr


def test_a_lost_key_is_given_up_only_when_asked_twice(run, filled):
    folder, store, first = filled
    refused = run("keys", "forget", first, "--yes")
    assert refused.exit_code == 1
    assert "nothing of it is lost" in refused.stderr
    configure(folder, "second.key")
    assert run("keys", "forget", first).exit_code == 1
    assert documents(run, "check")[1] == 1
    given_up = run("keys", "forget", first, "--yes")
    assert "1 signing key, 1 user's upstream tokens, 1 grant" in given_up.stdout
    assert documents(run, "check")[1] == 0
    with store.read() as reads:
        assert reads.grant("grant-1").revoked_at is not None
    prepare(load(folder / "authserver.toml"), int(time.time()))


def test_no_secret_is_printed(run, filled):
    for command in ("status", "check", "reseal"):
        printed = run("keys", command).output + run("keys", command, "--json").output
        assert CANARY not in printed
        assert "v1:" not in printed
