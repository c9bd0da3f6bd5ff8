"""What the provider refuses, what it only fails to do; rotated tokens are stored first"""

import pytest

from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault import NoUpstreamToken
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.spoiled_server import Spoiled
from tests.vault.conftest import refreshes


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
