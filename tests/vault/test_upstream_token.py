"""The token for the API behind an MCP server: handed out while it is good, refreshed in time"""

from dataclasses import replace
from typing import Any

import pytest

from authserver.oauth.resource import Resource
from authserver.vault import NoUpstreamToken
from tests.upstream.hostile_idp import ABSENT
from tests.vault.conftest import Vault, refreshes


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
