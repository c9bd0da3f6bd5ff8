"""Sealing keys that do not fit what is stored, or what other instances hold, do not start"""

import pytest

from authserver.keys import Agreement, KeyInUse, KeysDisagree, SigningKeys, VaultCipher
from authserver.keys.usage import SEEN, count
from authserver.keys.verdict import judge
from authserver.sealing import Sealer, SealingKey, UnknownKey
from tests.keys.test_vault_cipher import NEW, OLD, sealed_tokens
from tests.storage.values import DAY, NOW, a_grant

THIRD = SealingKey.from_secret(b"a third sealing key of these tests")


def instance(store, *keys):
    return Agreement(store, Sealer(keys))


def usages(store, *keys, now=NOW):
    found = count(store, Sealer(keys), now)
    return [
        (each.kid, each.role, each.signing_keys, each.upstream_tokens, each.refresh_tokens)
        for each in found
    ]


def signing_keys(store, *keys):
    return SigningKeys(store, Sealer(keys), longest_token_lifetime=900)


def test_everything_that_depends_on_a_key_is_counted(store):
    signing_keys(store, OLD).prepare(NOW)
    with store.write() as tx:
        tx.keep_upstream_tokens(sealed_tokens())
        tx.add_grant(a_grant(refresh_kid=OLD.kid))
    expected = (OLD.kid, "opens", 1, 3, 1)
    assert usages(store, NEW, OLD) == [(NEW.kid, "seals", 0, 0, 0), expected]
    assert usages(store, NEW) == [(NEW.kid, "seals", 0, 0, 0), (OLD.kid, "missing", *expected[2:])]


@pytest.mark.parametrize("what", ["a signing key", "an upstream token", "a refresh token"])
def test_a_key_that_is_in_use_is_not_removed(store, what):
    if what == "a signing key":
        signing_keys(store, OLD).prepare(NOW)
    with store.write() as tx:
        if what == "an upstream token":
            tx.keep_upstream_tokens(sealed_tokens(refresh_token=None, id_token=None))
        if what == "a refresh token":
            tx.add_grant(a_grant(refresh_kid=OLD.kid))
    with pytest.raises(
        KeyInUse, match=f"(?s){OLD.kid} is not configured, but needed by 1 .*keys reseal"
    ) as refused:
        instance(store, NEW).join(NOW)
    assert refused.value.usage.total == 1
    with store.read() as reads:
        assert reads.instances(0) == ()


def test_a_key_of_an_expired_signing_key_or_an_ended_grant_may_go(store):
    keys = signing_keys(store, OLD)
    keys.prepare(NOW)
    later = keys.rotate(NOW)
    end = later + 3 * DAY
    signing_keys(store, NEW, OLD).prepare(later)
    signing_keys(store, NEW, OLD).reseal(end)
    with store.write() as tx:
        tx.add_grant(a_grant(refresh_kid=OLD.kid, idle_expires_at=NOW + DAY))
    with pytest.raises(KeyInUse):
        instance(store, NEW).check(NOW)
    instance(store, NEW).join(end)


def test_a_key_is_promoted_only_when_all_that_run_hold_it(store):
    one, two = instance(store, OLD), instance(store, OLD)
    one.join(NOW)
    two.join(NOW)
    with pytest.raises(KeysDisagree, match=f"{NEW.kid} is the first here, but 2 instances run"):
        instance(store, NEW, OLD).join(NOW + 60)
    two.leave()
    two_again = instance(store, OLD, NEW)
    two_again.join(NOW + 60)
    with pytest.raises(KeysDisagree, match="one instance runs"):
        instance(store, NEW, OLD).join(NOW + 60)
    one.leave()
    instance(store, NEW, OLD).join(NOW + 60)


def test_a_key_with_which_another_one_seals_is_not_removed(store):
    other = instance(store, OLD, NEW)
    other.join(NOW)
    with pytest.raises(KeysDisagree, match=f"{OLD.kid}, which is not configured"):
        instance(store, NEW).join(NOW)
    other.leave()
    instance(store, NEW).join(NOW)


def test_an_instance_that_was_killed_binds_nobody_for_long(store):
    instance(store, OLD).announce(NOW)
    with pytest.raises(KeysDisagree):
        instance(store, NEW, OLD).join(NOW + SEEN - 1)
    instance(store, NEW, OLD).join(NOW + SEEN)


def test_of_two_that_disagree_and_start_at_once_not_both_start(store):
    """Each says what it holds before it looks: whoever looks last sees the other."""
    one, two = instance(store, OLD), instance(store, NEW)
    one.announce(NOW)
    two.announce(NOW)
    for each in (one, two):
        with pytest.raises(KeysDisagree):
            each.check(NOW)


def test_an_instance_does_not_disagree_with_itself(store):
    one = instance(store, OLD)
    one.join(NOW)
    one.join(NOW + 60)


def test_a_missing_key_is_the_mistake_in_the_configuration_that_it_always_was(store):
    signing_keys(store, OLD).prepare(NOW)
    with pytest.raises(UnknownKey) as refused:
        instance(store, NEW).check(NOW)
    assert refused.value.kid == OLD.kid


def verdict(store, *keys, accept_plaintext=False):
    sealer = Sealer(keys)
    cipher = VaultCipher(sealer, accept_plaintext=accept_plaintext)
    return judge(store, sealer, cipher, NOW, accept_plaintext=accept_plaintext)


def test_the_verdict_names_what_is_wrong(store):
    signing_keys(store, OLD).prepare(NOW)
    with store.write() as tx:
        moved = sealed_tokens("elsewhere").refresh_token
        tx.keep_upstream_tokens(sealed_tokens(refresh_token=moved, id_token="gho_plain"))
    found = verdict(store, NEW)
    assert len(found.problems) == 2
    assert any(OLD.kid in each and "not configured" in each for each in found.problems)
    assert any("not sealed" in each for each in found.problems)
    found = verdict(store, NEW, OLD, accept_plaintext=True)
    assert [each[:24] for each in found.problems] == ["1 damaged upstream token"]
    assert "canary" not in repr(found)
    assert "gho_plain" not in repr(found)


def test_a_damaged_signing_key_is_a_problem(store):
    signing_keys(store, OLD).prepare(NOW)
    with store.write() as tx:
        (row,) = tx.signing_keys()
        changed = row.sealed[:-3] + ("AAA" if not row.sealed.endswith("AAA") else "BBB")
        tx.reseal_signing_key(row.kid, old=row.sealed, new=changed)
    found = verdict(store, OLD)
    assert found.damaged_signing_keys == 1
    assert any("keys list" in each for each in found.problems)


def test_the_verdict_says_which_key_may_go(store):
    signing_keys(store, NEW).prepare(NOW)
    assert verdict(store, NEW, OLD).removable == (OLD.kid,)
    assert verdict(store, NEW, OLD).problems == ()
    with store.write() as tx:
        tx.add_grant(a_grant(refresh_kid=OLD.kid))
    assert verdict(store, NEW, OLD).removable == ()


def test_a_refresh_token_of_an_unknown_key_may_be_of_any(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
    found = verdict(store, NEW, OLD)
    assert found.removable == ()
    assert any("1 refresh token of unknown keys" in each for each in found.remarks)


def test_a_key_with_which_an_instance_seals_may_not_go(store):
    instance(store, OLD, NEW).join(NOW)
    found = verdict(store, NEW, OLD, THIRD)
    assert found.removable == (THIRD.kid,)
    assert any(OLD.kid in each and "still seals" in each for each in found.remarks)
    assert any(THIRD.kid in each and "0 of 1" in each for each in found.remarks)
