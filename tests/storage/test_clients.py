import dataclasses
import json

import pytest
from sqlalchemy import text

from authserver.oauth.client import Client
from tests.storage.values import NOW, RESOURCE, SUBJECTS, a_client, a_grant


def test_a_client_is_returned_as_it_was_registered(store):
    with store.write() as tx:
        tx.add_client(a_client())
    with store.read() as reads:
        assert reads.client("client-1") == a_client()


def test_the_sample_client_leaves_no_optional_member_at_its_default():
    """So that the test before sees a member that storage forgets."""
    least = Client(client_id="", redirect_uris=())
    same = {
        field.name
        for field in dataclasses.fields(Client)
        if getattr(least, field.name) == getattr(a_client(preregistered=True), field.name)
    }
    assert same == {
        "response_types",
        "further_secret_digests",
        "keys",
        "resources",
    }  # the file's alone


def test_a_public_client_without_a_name_is_returned_so(store):
    public = Client(client_id="public", redirect_uris=("https://app.example/callback",))
    with store.write() as tx:
        tx.add_client(public)
    with store.read() as reads:
        assert reads.client("public") == public
        assert reads.client("public").secret_digest is None


def test_an_unknown_client_is_none(store):
    with store.read() as reads:
        assert reads.client("nobody") is None


def test_clients_are_counted(store):
    with store.write() as tx:
        assert tx.client_count() == 0
        tx.add_client(a_client("one"))
        tx.add_client(a_client("two"))
        assert tx.client_count() == 2


@pytest.mark.parametrize(
    "hostile",
    ["' OR '1'='1", "%", "x" * 100_000, "emoji ☕ 𐍈", "line\nbreak", "back\\slash :colon"],
)
def test_an_identifier_of_any_shape_is_only_ever_a_value(store, hostile):
    with store.write() as tx:
        tx.add_client(a_client(hostile))
    with store.read() as reads:
        assert reads.client(hostile) == a_client(hostile)
        assert reads.client("nobody") is None


def test_a_member_that_only_a_newer_version_knows_is_ignored(store):
    with store.write() as tx:
        tx.add_client(a_client())
        document = json.loads(tx._scalar(text("SELECT document FROM clients"), {}))
        document |= {"post_logout_redirect_uris": [], "client_secret": "new meaning"}
        tx._changed(text("UPDATE clients SET document = :d"), {"d": json.dumps(document)})
    with store.read() as reads:
        assert reads.client("client-1") == a_client()


def test_a_member_that_an_older_version_did_not_write_has_its_default(store):
    with store.write() as tx:
        tx.add_client(a_client())
        document = json.dumps({"redirect_uris": ["https://app.example/callback"]})
        tx._changed(text("UPDATE clients SET document = :d"), {"d": document})
    with store.read() as reads:
        client = reads.client("client-1")
    assert client.grant_types == ("authorization_code", "refresh_token")
    assert client.redirect_uris == ("https://app.example/callback",)
    assert client.secret_digest == a_client().secret_digest


def test_deleting_a_client_ends_its_grants_and_forgets_what_users_decided(store):
    key = ("user-1", "client-1", "https://app.example/callback", RESOURCE)
    with store.write() as tx:
        tx.add_client(a_client())
        tx.add_grant(a_grant())
        tx.remember_consent(*key, scope=("issues:read",), client_digest="d", epochs=0, now=NOW)
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW)
        assert tx.delete_client("client-1") is True
    with store.write() as tx:
        assert tx.client("client-1") is None
        assert tx.consent(*key) is None
        assert not tx.grant_is_live("grant-1", SUBJECTS, NOW)
        assert tx.rotate("handle-of-grant-1", 0, NOW, NOW + 1, SUBJECTS) is None
        assert tx.delete_client("client-1") is False


# --- blocked, kept, renewed ---


def test_a_client_that_was_blocked_manages_its_registration_no_more(store):
    with store.write() as tx:
        tx.add_client(a_client(), "digest")
        assert tx.managed_client("client-1", "digest")
        tx.block_client(a_client(), NOW)
        tx.unblock_client("client-1")
        assert tx.client("client-1")
        assert tx.managed_client("client-1", "digest") is None


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_blocked_client_is_none_until_it_is_unblocked(store, is_stored):
    with store.write() as tx:
        if is_stored:
            tx.add_client(a_client())
        tx.block_client(a_client(), NOW)
        assert tx.client("client-1") is None
        assert tx.registration("client-1").blocked
    with store.write() as tx:
        assert tx.unblock_client("client-1")
        assert not tx.unblock_client("client-1")
        assert not tx.unblock_client("nobody")
        assert tx.client("client-1") == a_client()


def test_blocking_a_client_ends_what_it_was_given_and_what_users_decided(store):
    with store.write() as tx:
        tx.add_client(a_client())
        before = tx.epoch_sum(SUBJECTS)
        tx.add_grant(a_grant())
        tx.remember_consent(
            "user-1", "client-1", "https://app.example/callback", RESOURCE,
            scope=("issues:read",), client_digest="d", epochs=0, now=NOW,
        )  # fmt: skip
        tx.block_client(a_client(), NOW)
        assert tx.epoch_sum(SUBJECTS) == before + 1
        assert tx.consent("user-1", "client-1", "https://app.example/callback", RESOURCE) is None
        assert tx.rotate("handle-of-grant-1", 0, NOW + 1, NOW + 60, SUBJECTS) is None


def test_a_client_is_kept_once_and_stays_what_it_is(store):
    other = a_client(client_name="Other", registered_at=NOW + 5)
    with store.write() as tx:
        tx.keep_client(a_client())
        tx.keep_client(other)
        assert tx.client("client-1") == a_client()
        assert tx.client_count() == 1


def test_a_renewed_client_is_as_young_as_its_newest_registration(store):
    with store.write() as tx:
        assert tx.renew_client(a_client()).client == a_client()
        assert tx.renew_client(a_client(registered_at=NOW + 5)).client.registered_at == NOW + 5
        assert tx.renew_client(a_client(registered_at=NOW)).client.registered_at == NOW + 5
        assert tx.client_count() == 1


def test_a_blocked_client_is_not_renewed(store):
    with store.write() as tx:
        tx.block_client(a_client(), NOW)
        found = tx.renew_client(a_client(registered_at=NOW + 5))
    assert found.blocked
    assert found.client.registered_at == NOW


def test_a_registration_is_changed_once_for_each_token(store):
    with store.write() as tx:
        tx.add_client(a_client(), "first")
        changed = dataclasses.replace(a_client(), client_name="Another")
        assert tx.managed_client("client-1", "first") == a_client()
        assert tx.update_client(changed, "first", "second") is True
        assert tx.update_client(changed, "first", "third") is False
        assert tx.managed_client("client-1", "first") is None
        assert tx.managed_client("client-1", "second") == changed
        assert tx.delete_managed_client("client-1", "first") is False
        assert tx.delete_managed_client("client-1", "second") is True
        assert tx.client("client-1") is None
        assert tx.delete_managed_client("client-1", "second") is False


def test_a_blocked_client_cannot_be_managed(store):
    with store.write() as tx:
        tx.add_client(a_client(), "token")
        tx.block_client(a_client(), 5)
        assert tx.managed_client("client-1", "token") is None
        assert tx.update_client(a_client(), "token", "next") is False
        assert tx.delete_managed_client("client-1", "token") is False


def test_whatever_ends_a_client_locks_its_row_first(store):
    """Two of them at once take turns there; in two orders, each would wait for the other."""
    ends = (
        lambda tx: tx.delete_managed_client("client-1", "token"),
        lambda tx: tx.delete_client("client-1"),
        lambda tx: tx.block_client(a_client(), NOW),
    )
    for end in ends:
        with store.write() as tx:
            tx.delete_client("client-1")
            tx.add_client(a_client(), "token")
        with store.counting() as count, store.write() as tx:
            end(tx)
        tables = [text.split()[2] for text in count.statements]
        assert tables == ["clients", "epochs", "consents"]
