"""The token for the API behind an MCP server: fresh, refreshed once by whoever holds the lease"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from authserver.oauth.resource import Resource
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault import NoUpstreamToken
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.spoiled_server import Spoiled
from tests.vault.conftest import Vault


def refreshes(idp):
    return [seen for seen in idp.asked("/token") if seen.params["grant_type"] == "refresh_token"]


@pytest.fixture
def expired(kept):
    kept.deployment.wait(300)
    return kept


def test_a_token_is_handed_out_as_long_as_it_is_good_for_a_minute(kept, idp):
    first = kept.token()
    kept.deployment.wait(239)
    assert kept.token() == first
    assert refreshes(idp) == []
    assert first.scope[-2:] == ("api:read", "offline_access")
    assert "canary" not in repr(first)


@pytest.mark.spec("RFC 6749", "6")
def test_a_token_that_ends_soon_is_refreshed(kept, idp):
    first = kept.token()
    kept.deployment.wait(240)
    second = kept.token()
    assert second.access_token != first.access_token
    assert idp.access_tokens[second.access_token] == "user-1"
    assert second.expires_at == kept.deployment.clock.now + 300
    assert kept.token() == second
    (asked,) = refreshes(idp)
    assert asked.params.keys() == {"grant_type", "refresh_token"}
    assert kept.deployment.last("upstream_token.refreshed")["sub"] == kept.sub


def test_a_rotated_refresh_token_replaces_the_old_one(expired, idp):
    for _ in range(3):
        expired.token()
        expired.deployment.wait(300)
    assert len({seen.params["refresh_token"] for seen in refreshes(idp)}) == 3


def test_without_a_new_refresh_token_the_old_one_is_carried_forward(expired, idp):
    idp.rotates = False
    for _ in range(3):
        expired.token()
        expired.deployment.wait(300)
    assert len({seen.params["refresh_token"] for seen in refreshes(idp)}) == 1


def test_a_provider_that_wants_the_scope_at_every_request_gets_it(start, idp, monkeypatch):
    found = Vault(start())
    found.connect()
    client: Any = found.deployment.server.upstream._upstream  # type: ignore[attr-defined]
    monkeypatch.setattr(client, "_settings", replace(client._settings, token_request_scope=True))
    found.deployment.wait(300)
    found.token()
    assert refreshes(idp)[0].params["scope"] == "openid profile email api:read offline_access"


def test_what_the_answer_does_not_say_stays(expired, idp):
    before = expired.row()
    expired.token()
    after = expired.row()
    assert (after.scope, after.id_token) == (before.scope, before.id_token)
    assert (after.obtained_at, after.requested_scope) == (
        before.obtained_at, before.requested_scope,
    )  # fmt: skip
    assert after.lease is after.lease_expires_at is None


def test_a_token_without_a_stated_end_is_refreshed_within_the_hour_if_it_can_be(start, idp):
    idp.token_answer = {"expires_in": ABSENT}
    found = Vault(start())
    found.connect()
    found.deployment.wait(3539)
    found.token()
    assert refreshes(idp) == []
    found.deployment.wait(1)
    found.token()
    assert len(refreshes(idp)) == 1


def test_a_token_that_never_ends_and_cannot_be_refreshed_is_handed_out(start, idp):
    """The shape of GitHub's OAuth Apps."""
    idp.token_answer = {"expires_in": ABSENT, "refresh_token": ABSENT}
    found = Vault(start())
    found.connect()
    found.deployment.wait(10 * 365 * 86400)
    assert found.token().expires_at is None


def test_tokens_that_are_never_good_for_a_minute_are_refreshed_each_time_and_used(start, idp):
    idp.refresh_answer = {"id_token": ABSENT, "expires_in": 20}
    found = Vault(start())
    found.connect()
    found.deployment.wait(300)
    assert found.token().expires_at == found.deployment.clock.now + 20
    assert len(refreshes(idp)) == 1


def test_without_a_refresh_token_it_is_good_until_its_end(start, idp):
    idp.token_answer = {"refresh_token": ABSENT}
    found = Vault(start())
    found.connect()
    found.deployment.wait(299)
    found.token()
    found.deployment.wait(1)
    with pytest.raises(NoUpstreamToken, match="expired"):
        found.token()


def test_nobody_gets_a_token_of_a_resource_that_asks_for_none(kept):
    other = replace(kept.resource, upstream_token="none", upstream_scopes=())
    from authserver import vault

    with pytest.raises(NoUpstreamToken, match="not_kept"):
        vault.upstream_token(kept.deployment.server, kept.sub, other, kept.deployment.clock.now)


@pytest.mark.parametrize("who", ["another resource", "another user", "nobody"])
def test_a_user_without_tokens_there_is_told_to_connect(kept, who):
    from authserver import vault

    resource, sub = kept.resource, kept.sub
    if who == "another resource":
        resource = Resource("x", "https://x.example/mcp", "X", upstream_token="exchange")
    else:
        sub = "usr-nobody"
    with pytest.raises(NoUpstreamToken, match="no_tokens"):
        vault.upstream_token(kept.deployment.server, sub, resource, kept.deployment.clock.now)


# --- two instances ---


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


# --- what the provider refuses, and what it only fails to do ---


def test_invalid_grant_ends_the_grants_that_depend_on_it_and_no_other(kept, idp):
    issues = kept.client
    tokens = issues.redeem(issues.code()).json
    idp.refresh_tokens.clear()
    kept.deployment.wait(300)
    with pytest.raises(NoUpstreamToken, match="refused"):
        kept.token()
    assert kept.row() is None
    assert issues.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    event = kept.deployment.last("upstream_token.refused")
    assert (event["reason"], event["clients_ended"]) == ("invalid_grant", 1)
    with pytest.raises(NoUpstreamToken, match="no_tokens"):
        kept.token()
    kept.connect()
    assert kept.token().access_token in idp.access_tokens


def test_a_code_on_its_way_ends_with_the_tokens(kept, idp):
    code = kept.client.code()
    kept.change(expires_at=0)
    idp.refresh_tokens.clear()
    with pytest.raises(NoUpstreamToken, match="refused"):
        kept.token()
    assert kept.client.redeem(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize("error", ["interaction_required", "login_required", "consent_required"])
def test_where_the_user_has_to_be_there_the_tokens_go_and_the_grants_stay(expired, idp, error):
    tokens = expired.connect()
    expired.deployment.wait(300)
    idp.spoiled["/token"] = Spoiled(400, f'{{"error": "{error}"}}'.encode())
    with pytest.raises(NoUpstreamToken, match="refused"):
        expired.token()
    idp.spoiled.clear()
    assert expired.row() is None
    assert expired.client.refresh(tokens["refresh_token"]).status_code == 200


FAILURES = {
    "down": Spoiled(503, b""),
    "html": Spoiled(200, b"<html>"),
    "busy": Spoiled(429, b'{"error": "invalid_grant"}'),
    "dropped": Spoiled(200, b"", {"Content-Length": "9", "Connection": "close"}),
    "our secret": Spoiled(401, b'{"error": "invalid_client"}'),
    "our scope": Spoiled(400, b'{"error": "invalid_scope"}'),
    "nonsense": Spoiled(400, b'{"error": "canary"}'),
    "no token": Spoiled(200, b'{"token_type": "Bearer"}'),
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
def test_a_failure_ends_nothing(kept, idp, answer):
    tokens = kept.connect()
    kept.deployment.wait(250)
    idp.spoiled["/token"] = answer
    assert kept.token().expires_at == kept.deployment.clock.now + 50
    kept.deployment.wait(50)
    with pytest.raises(UpstreamUnavailable) as failure:
        kept.token()
    assert "canary" not in str(failure.value)
    assert kept.row().lease is None
    idp.spoiled.clear()
    assert kept.token().access_token in idp.access_tokens
    assert kept.client.refresh(tokens["refresh_token"]).status_code == 200


def test_tokens_of_another_client_of_ours_are_never_refreshed(kept, idp):
    kept.change(upstream_client_id="the one that we were before")
    kept.deployment.wait(299)
    kept.token()
    kept.deployment.wait(1)
    with pytest.raises(NoUpstreamToken, match="expired"):
        kept.token()
    assert refreshes(idp) == []


# --- the rotated token is stored before anything is verified ---


def _with_id_token(idp, **claims):
    idp.refresh_answer = {}
    idp.claims = claims


@pytest.mark.spec("OpenID Connect Core", "12.2")
def test_an_id_token_that_comes_along_is_verified_and_kept(expired, idp):
    before = expired.row()
    _with_id_token(idp)
    assert expired.token().id_token.count(".") == 2
    assert expired.row().id_token != before.id_token


@pytest.mark.spec("OpenID Connect Core", "12.2")
@pytest.mark.parametrize("claims", [{"aud": "x"}, {"iat": 1}, {"at_hash": "x"}, {"exp": 1}])
def test_a_bad_id_token_costs_the_answer_and_not_the_rotated_token(expired, idp, claims):
    _with_id_token(idp, **claims)
    for attempt in (1, 2):
        with pytest.raises(UpstreamUnavailable, match="id_token"):
            expired.token()
        assert len(refreshes(idp)) == attempt
    idp.claims = {}
    assert expired.token().access_token in idp.access_tokens
    assert len({seen.params["refresh_token"] for seen in refreshes(idp)}) == 3


def test_keys_that_cannot_be_fetched_cost_the_answer_and_not_the_rotated_token(expired, idp):
    _with_id_token(idp)
    idp.rotate("key-2")
    idp.spoiled["/jwks"] = Spoiled(503, b"")
    with pytest.raises(UpstreamUnavailable):
        expired.token()
    (used,) = refreshes(idp)
    assert used.params["refresh_token"] not in idp.refresh_tokens
    idp.spoiled.clear()
    _with_id_token(idp)
    idp.refresh_answer = {"id_token": ABSENT}
    assert expired.token().access_token in idp.access_tokens


@pytest.mark.spec("OpenID Connect Core", "12.2")
def test_tokens_of_another_user_are_never_handed_out(expired, idp):
    _with_id_token(idp, sub="mallory")
    with pytest.raises(NoUpstreamToken, match="refused"):
        expired.token()
    assert expired.row() is None


def test_tokens_that_are_stored_and_not_verified_are_not_handed_out(expired, idp, monkeypatch):
    """An instance that dies in between leaves the rotated token, and the next one goes on."""
    _with_id_token(idp)

    class Died(BaseException):
        pass

    def die(*_, **__):
        raise Died

    upstream = expired.deployment.server.upstream._upstream
    with monkeypatch.context() as patched:
        patched.setattr(upstream, "check_refreshed", die)
        with pytest.raises(Died):
            expired.token()
    assert expired.row().expires_at == 0
    expired.deployment.wait(60)
    idp.now = expired.deployment.clock.now
    assert expired.token().access_token in idp.access_tokens
    assert len({seen.params["refresh_token"] for seen in refreshes(idp)}) == 2
