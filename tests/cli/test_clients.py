"""`clients block` and `unblock`, for every kind of client that registers"""

import time

import pytest

from authserver.build import open_store
from authserver.oauth import client as clients
from authserver.oauth import command_line, signed_client
from authserver.sealing import client_id_keys
from authserver.settings import load
from tests.settings.configuration import changed, toml
from tests.storage.values import a_client


@pytest.fixture
def settings(folder):
    found = load(folder / "authserver.toml")
    with open_store(found).write() as tx:
        tx.add_client(a_client())
    return found


def _is_blocked(settings, client_id):
    store = open_store(settings)
    try:
        with store.read() as reads:
            found = reads.registration(client_id)
            return found is not None and found.blocked
    finally:
        store.close()


def test_a_client_that_registered_is_blocked_and_unblocked(run, settings):
    result = run("clients", "block", "client-1")
    assert (result.exit_code, _is_blocked(settings, "client-1")) == (0, True)
    assert "Zürich ☕ editor is blocked" in result.stdout

    assert run("clients", "unblock", "client-1").exit_code == 0
    assert not _is_blocked(settings, "client-1")
    again = run("clients", "unblock", "client-1")
    assert again.exit_code == 1
    assert "No client with this id is blocked" in again.stderr


def test_a_signed_id_is_blocked_before_anybody_agreed_to_it(run, settings):
    now = int(time.time())
    parsed = clients.parse({"redirect_uris": ["http://127.0.0.1/cb"]}, settings.registration)
    keys = client_id_keys(settings.sealing_keys)
    signed = signed_client.issue(
        keys, settings.issuer, parsed, nonce="n", now=now, expires_at=now + 3600
    )

    assert run("clients", "block", signed.client_id).exit_code == 0
    assert _is_blocked(settings, signed.client_id)


@pytest.mark.parametrize(
    ("client_id", "says"),
    [
        ("nobody", "There is no client"),
        ("mcps1.00000000.AAAA." + "A" * 43, "There is no client"),
        ("https://app.example/client.json", "denied_domains"),
        (f"https://auth.example.com{command_line.PATH}", "our own command line"),
        ("nightly", "stands in the configuration"),
    ],
)
def test_what_cannot_be_blocked_here_says_where(run, settings, client_id, says, monkeypatch):
    monkeypatch.setenv("NIGHTLY", "n" * 40)
    table = {
        "client_secrets": ["env:NIGHTLY"],
        "grant_types": ["client_credentials"],
        "targets": ["issues"],
        "scopes": ["issues:read"],
    }
    (settings.config_path).write_text(toml(changed({"clients": {"nightly": table}})))
    result = run("clients", "block", client_id)
    assert result.exit_code == 1
    assert says in result.stderr
