import dataclasses
import secrets
from typing import Any

import pytest

from authserver.oauth import epoch
from authserver.oauth.interaction import RememberedConsent
from authserver.oauth.user import User
from tests.storage.values import NOW, RESOURCE, a_code, a_grant

PROFILE: dict[str, Any] = {"name": "Alice", "email": "alice@example.com", "email_verified": True}
CONSENT = ("user-1", "client-1", "https://app.example/callback", RESOURCE)


def _login(tx, issuer="https://idp.example", subject="u1", new_sub="sub-1", now=NOW, **changes):
    profile = {**PROFILE, "claims": {"groups": ["a", "b"], "level": 3}, **changes}
    return tx.save_user(issuer, subject, now=now, new_sub=new_sub, **profile)


def test_a_user_not_seen_before_is_stored_under_the_new_sub(store):
    with store.write() as tx:
        saved = _login(tx)
    assert saved == User(
        sub="sub-1",
        upstream_issuer="https://idp.example",
        upstream_subject="u1",
        **PROFILE,
        claims={"groups": ["a", "b"], "level": 3},
        created_at=NOW,
        last_login_at=NOW,
        described_at=NOW,
    )
    with store.read() as reads:
        assert reads.user("sub-1") == saved
        assert reads.user("sub-2") is None


def test_a_user_who_returns_keeps_the_sub_and_has_the_new_profile(store):
    with store.write() as tx:
        first = _login(tx)
        again = _login(tx, new_sub="sub-2", now=NOW + 9, name=None, email_verified=False, claims={})
        assert tx.user("sub-2") is None
    assert again == dataclasses.replace(
        first, name=None, email_verified=False, claims={}, last_login_at=NOW + 9,
        described_at=NOW + 9,
    )  # fmt: skip


def test_a_sign_in_always_counts_whatever_was_said_in_between(store):
    with store.write() as tx:
        first = _login(tx)
        tx.describe_user(dataclasses.replace(first, name="Later", described_at=NOW + 99))
        again = _login(tx, now=NOW + 9, name="At the sign-in", claims={"iat": NOW + 7})
    assert (again.name, again.described_at, again.last_login_at) == (
        "At the sign-in", NOW + 7, NOW + 9,
    )  # fmt: skip


def test_who_is_described_first_is_made_once(store):
    with store.write() as tx:
        first = _login(tx)
        other = dataclasses.replace(first, sub="sub-2", name="Quicker by a hair")
        assert tx.add_user(other) == first
        assert tx.locked_user_of(first.upstream_issuer, first.upstream_subject) == first


def test_one_subject_at_two_issuers_is_two_users_even_with_one_email_address(store):
    with store.write() as tx:
        first = _login(tx)
        second = _login(tx, issuer="https://other.example", new_sub="sub-2")
    assert (first.sub, second.sub) == ("sub-1", "sub-2")


def test_saving_a_user_is_one_statement(store):
    with store.write() as tx, store.counting() as count:
        _login(tx)
    assert len(count.statements) == 1


def test_a_consent_is_returned_as_it_was_given(store):
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=("a", "b"), client_digest="d1", epochs=0, now=NOW)
    with store.read() as reads:
        assert reads.consent(*CONSENT) == RememberedConsent(("a", "b"), "d1", NOW)


def test_the_newest_decision_replaces_the_one_before_and_does_not_add_to_it(store):
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=("a", "b"), client_digest="d1", epochs=0, now=NOW)
        tx.remember_consent(*CONSENT, scope=("b",), client_digest="d2", epochs=0, now=NOW + 1)
        assert tx.consent(*CONSENT) == RememberedConsent(("b",), "d2", NOW + 1)


def test_a_consent_holds_for_exactly_its_user_client_redirect_uri_and_resource(store):
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=(), client_digest="d", epochs=0, now=NOW)
        for position in range(4):
            other = list(CONSENT)
            other[position] += "/"
            assert tx.consent(*other) is None
        assert tx.consent(*CONSENT).scope == ()


def test_a_consent_to_the_longest_identifiers_is_remembered(store):
    """PostgreSQL's index entries are shorter than these together."""
    key = [f"https://{secrets.token_hex(1000)}.example" for _ in CONSENT]
    with store.write() as tx:
        tx.remember_consent(*key, scope=("a",), client_digest="d", epochs=0, now=NOW)
        assert tx.consent(*key) is not None


def test_a_code_and_a_grant_are_read_with_their_user_as_known_now(store):
    with store.write() as tx:
        user = _login(tx)
        code = a_code(sub=user.sub)
        grant = a_grant(sub=user.sub)
        tx.add_code(code)
        tx.add_grant(grant)
        assert tx.code_and_user("code-1") == (code, user)
        user = _login(tx, now=NOW + 9, email_verified=False, claims={"groups": []})
    with store.read() as reads:
        assert reads.code_and_user("code-1") == (code, user)
        assert reads.grant_and_user(grant.handle) == (grant, user)
        assert reads.code_and_user("code-2") is reads.grant_and_user("grant-1") is None


def test_a_code_and_a_grant_of_nobody_are_read_without_a_user(store):
    with store.write() as tx:
        tx.add_code(a_code())
        tx.add_grant(a_grant())
        assert tx.code_and_user("code-1") == (a_code(), None)
        assert tx.grant_and_user(a_grant().handle) == (a_grant(), None)


@pytest.mark.parametrize("revoked", [0, 1, 2])
def test_a_consent_is_forgotten_with_its_user_client_or_itself(store, revoked):
    sub, client_id, _, resource = CONSENT
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=("a",), client_digest="d", epochs=0, now=NOW)
        tx.bump_epoch(epoch.of_consent(sub, client_id, resource)[revoked])

    with store.read() as reads:
        assert reads.consent(*CONSENT) is None
