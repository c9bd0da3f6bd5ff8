"""Two instances, one refresh token that works once: a lease in the database decides"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.upstream.errors import UpstreamUnavailable
from tests.vault.conftest import Vault, refreshes


def test_of_two_instances_one_refreshes_and_both_get_the_token(expired, start, idp):
    other = Vault(start(), expired.sub)
    idp.delay = 0.2
    together = threading.Barrier(6)

    def ask(vault):
        together.wait(30)
        return vault.token().access_token

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(ask, [expired, other] * 3))
    assert len(found) == 1
    assert len(refreshes(idp)) == 1
    assert idp.access_tokens.keys() >= found


def test_while_another_refreshes_the_last_seconds_of_the_old_one_are_used(kept, start):
    kept.deployment.wait(250)
    row = kept.row()
    with kept.deployment.server.store.write() as tx:
        assert tx.take_lease(row, "another", kept.deployment.clock.now + 30, 0)

    def no_sleep(_):
        raise AssertionError

    assert kept.token(sleep=no_sleep).expires_at == row.expires_at


def test_who_waits_gives_up_and_what_a_dead_instance_left_is_taken_over(expired, idp):
    row, now = expired.row(), expired.deployment.clock.now
    with expired.deployment.server.store.write() as tx:
        assert tx.take_lease(row, "of an instance that died", now + 40, now)
    slept: list[float] = []
    with pytest.raises(UpstreamUnavailable, match="takes too long"):
        expired.token(sleep=slept.append)
    assert 4 < sum(slept) <= 6
    assert refreshes(idp) == []
    expired.deployment.wait(40)
    assert expired.token().access_token in idp.access_tokens


def test_a_sign_in_during_a_refresh_wins(expired, idp, monkeypatch):
    server = expired.deployment.server
    call = server.upstream._upstream.refresh

    def refresh(*args, **kwargs):
        answer = call(*args, **kwargs)
        expired.change(
            access_token=server.vault_cipher.seal("newer", "access_token", expired.row().digest),
            expires_at=expired.deployment.clock.now + 300,
            lease=None,
            lease_expires_at=None,
        )
        return answer

    monkeypatch.setattr(server.upstream._upstream, "refresh", refresh)
    assert expired.token().access_token == "newer"


def test_a_refusal_that_a_sign_in_has_overtaken_ends_nothing(expired, idp, monkeypatch):
    server = expired.deployment.server
    call = server.upstream._upstream.refresh

    def refresh(*args, **kwargs):
        expired.change(expires_at=expired.deployment.clock.now + 300, lease=None)
        return call(*args, **kwargs)

    idp.refresh_tokens.clear()
    monkeypatch.setattr(server.upstream._upstream, "refresh", refresh)
    assert expired.token().access_token
    assert not [each for each in expired.deployment.events if "refused" in each["event"]]
