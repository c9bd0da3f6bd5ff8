"""What users are known by: written down once, compared at each start, changed only on purpose"""

import pytest

from authserver.oauth import epoch
from authserver.settings.fingerprint import UpstreamFingerprint
from authserver.upstream.change import Doubles, UpstreamChanged, carry_out, check, describe, plan
from tests.storage.values import NOW

OLD = UpstreamFingerprint("oidc", "https://old.example", "mcp", "sub of the ID token")
MOVED = UpstreamFingerprint("oidc", "https://new.example", "mcp", "sub of the ID token")
CLIENT = UpstreamFingerprint("oidc", "https://old.example", "other", "sub of the ID token")
CLAIM = UpstreamFingerprint("oidc", "https://old.example", "mcp", "oid of the ID token")
PLAIN = UpstreamFingerprint("oauth2", "https://old.example", "mcp", "id of https://old.example/me")
TENANTS = UpstreamFingerprint("oidc", "https://ms/{tenantid}/v2.0", "mcp", "oid of the ID token")


def _user(store, subject="u1", issuer=OLD.issuer):
    with store.write() as tx:
        return tx.save_user(
            issuer, subject, name=None, email=None, email_verified=False, claims={}, now=NOW,
            new_sub=f"usr-{issuer}-{subject}",
        ).sub  # fmt: skip


def _rekey(store, configured, users):
    with store.write() as tx:
        stored = tx.upstream_identity()
        found = plan(tx, stored, configured, users)
        carry_out(tx, found, configured, NOW + 9)
    return found


def _issuer(store, sub):
    with store.read() as reads:
        return reads.user(sub).upstream_issuer


def test_the_first_start_writes_it_down_and_later_ones_find_it(store):
    check(OLD, store, NOW)
    _user(store)
    check(OLD, store, NOW + 1)
    with store.read() as reads:
        assert reads.upstream_identity() == OLD


@pytest.mark.parametrize("changed", [MOVED, CLIENT, CLAIM, PLAIN, TENANTS])
def test_a_change_of_any_part_stops_the_start_and_names_what_changed(store, changed):
    check(OLD, store, NOW)
    sub = _user(store)
    with pytest.raises(UpstreamChanged) as refused:
        check(changed, store, NOW)
    said = str(refused.value)
    assert all(line in said for line in describe(OLD, changed))
    assert "authserver db rekey-upstream --users keep" in said
    assert _issuer(store, sub) == OLD.issuer
    with store.read() as reads:
        assert reads.upstream_identity() == OLD


def test_every_part_that_differs_is_said_with_both_values():
    assert describe(OLD, PLAIN) == (
        "  - upstream.type: oidc -> oauth2",
        "  - where the subject comes from: sub of the ID token -> id of https://old.example/me",
    )


def test_without_users_a_change_is_taken_as_it_comes(store):
    check(OLD, store, NOW)
    check(MOVED, store, NOW)
    with store.read() as reads:
        assert reads.upstream_identity() == MOVED


def test_users_who_are_kept_are_the_same_at_the_new_issuer(store):
    check(OLD, store, NOW)
    sub = _user(store)
    found = _rekey(store, MOVED, "keep")
    assert (found.kept, found.retired) == (1, 0)
    assert _user(store, issuer=MOVED.issuer) == sub
    check(MOVED, store, NOW)
    with store.read() as reads:
        assert reads.epoch_sum([epoch.user(sub)]) == 0


@pytest.mark.parametrize("changed", [MOVED, CLIENT, CLAIM, PLAIN])
def test_nobody_who_signs_in_is_a_user_who_was_retired(store, changed):
    check(OLD, store, NOW)
    subs = [_user(store, "u1"), _user(store, "u2")]
    found = _rekey(store, changed, "new")
    assert (found.kept, found.retired) == (0, 2)
    check(changed, store, NOW)
    with store.write() as tx:
        again = tx.save_user(
            changed.issuer, "u1", name=None, email=None, email_verified=False, claims={},
            now=NOW, new_sub="usr-somebody-else",
        )  # fmt: skip
        assert again.sub == "usr-somebody-else"
        assert [tx.epoch_sum([epoch.user(sub)]) for sub in subs] == [1, 1]
        assert tx.count_users() == {changed.issuer: 1}


def test_a_new_client_keeps_its_users_where_that_is_said(store):
    check(OLD, store, NOW)
    sub = _user(store)
    _rekey(store, CLIENT, "keep")
    assert _user(store) == sub


def test_no_two_users_become_one(store):
    check(OLD, store, NOW)
    subs = [_user(store), _user(store, issuer=MOVED.issuer)]
    with pytest.raises(Doubles, match="1 users"):
        _rekey(store, MOVED, "keep")
    assert [_issuer(store, sub) for sub in subs] == [OLD.issuer, MOVED.issuer]
    with store.read() as reads:
        assert reads.upstream_identity() == OLD


def test_from_one_tenant_to_many_everybody_stays_and_back_the_others_go(store):
    one = UpstreamFingerprint("oidc", "https://ms/t1/v2.0", "mcp", "oid of the ID token")
    check(one, store, NOW)
    first = _user(store, issuer="https://ms/t1/v2.0")
    assert _rekey(store, TENANTS, "keep").kept == 1
    second = _user(store, issuer="https://ms/t2/v2.0")

    found = _rekey(store, one, "keep")

    assert (found.kept, found.retired) == (1, 1)
    assert _issuer(store, first) == "https://ms/t1/v2.0"
    assert _issuer(store, second).startswith("retired:")


def test_users_of_an_issuer_that_is_no_tenants_are_not_kept_silently(store):
    check(OLD, store, NOW)
    _user(store)
    with store.read() as reads:
        found = plan(reads, OLD, TENANTS, "keep")
    assert (found.kept, found.retired) == (0, 1)
