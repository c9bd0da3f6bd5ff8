"""The upstream logs users out: what ends, what stays, what is answered"""

from dataclasses import replace

import pytest

from authserver.settings import OAuth2Upstream, load
from tests.actors import Browser, Deployment, McpClient, claims_of, response_of, write_config
from tests.attacks.visiting import callback, consent_page, count, decide, is_sign_in_page
from tests.upstream.hostile_idp import ABSENT, NOW
from tests.upstream.logging_out import logout_token
from tests.upstream.spoiled_server import Spoiled

PATH = "/backchannel-logout"
BY = {"sid": {"sub": ABSENT}, "sub": {"sid": ABSENT}, "both": {}}


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def log_out(deployment, header=None, **claims):
    return send(deployment, logout_token(deployment.idp, header, **claims))


def send(deployment, token, **more):
    return deployment.http().post(PATH, data={"logout_token": token, **more})


def _is_refused(answer):
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert answer.headers["Cache-Control"] == "no-store"


def _is_over(client, tokens):
    answer = client.refresh(tokens["refresh_token"])
    return (answer.status_code, answer.json.get("error")) == (400, "invalid_grant")


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.8")
def test_a_logout_is_answered_with_200_and_not_stored(deployment, client):
    client.connect()

    answer = log_out(deployment)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.7")
@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_ends_refresh(deployment, client, by):
    tokens = client.connect()
    later = client.refresh(tokens["refresh_token"]).json

    assert log_out(deployment, **by).status_code == 200

    assert _is_over(client, later)
    assert _is_over(client, tokens)


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_ends_a_code_that_is_out(deployment, client, by):
    code = client.code()

    log_out(deployment, **by)

    answer = client.redeem(code)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert count(deployment, "grants") == 0


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_ends_the_session_and_the_consent_page_that_is_open(
    deployment, client, browser, by
):
    page = consent_page(client, browser)

    log_out(deployment, **by)

    assert is_sign_in_page(decide(browser, page, "approve"))
    assert is_sign_in_page(browser.get(client.authorize_url()))
    assert count(deployment, "codes") == 0


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_ends_userinfo_for_access_tokens_that_are_out(deployment, client, by):
    tokens = client.connect(scope="openid issues:read")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert deployment.http().get("/userinfo", headers=headers).status_code == 200

    log_out(deployment, **by)

    assert deployment.http().get("/userinfo", headers=headers).status_code == 401


def _connected(deployment, client, sid):
    deployment.idp.claims = {"sid": sid}
    return client.connect(Browser(deployment))


def test_a_logout_by_sid_ends_that_session_only(deployment, client):
    work, home = (_connected(deployment, client, sid) for sid in ("work", "home"))

    assert log_out(deployment, sid="work").status_code == 200

    assert _is_over(client, work)
    assert client.refresh(home["refresh_token"]).status_code == 200
    assert deployment.last("logout.received")["ended"] == "session"


def test_a_logout_by_sub_ends_every_session_of_the_user(deployment, client):
    work, home = (_connected(deployment, client, sid) for sid in ("work", "home"))

    assert log_out(deployment, sid=ABSENT).status_code == 200

    assert _is_over(client, work)
    assert _is_over(client, home)
    event = deployment.last("logout.received")
    assert event["ended"] == "user"
    assert event["sub"] == claims_of(work["access_token"])["sub"]


def test_a_logout_ends_what_does_not_say_which_session_it_is_of(deployment, client):
    silent = _connected(deployment, client, ABSENT)
    home = _connected(deployment, client, "home")

    log_out(deployment, sid="work")

    assert _is_over(client, silent)
    assert client.refresh(home["refresh_token"]).status_code == 200


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_of_somebody_else_ends_nothing(deployment, client, by):
    tokens = client.connect()
    deployment.idp.claims = {"sid": "session-2"}
    answer = Browser(deployment).approve(client.authorize_url(), "user-2")
    others = client.redeem(response_of(answer)["code"]).json

    log_out(deployment, **{"sub": "user-2", "sid": "session-2", **by})

    assert _is_over(client, others)
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_of_somebody_unknown_is_taken_and_ends_nothing(deployment, client, by):
    tokens = client.connect()

    answer = log_out(deployment, **{"sub": "nobody", "sid": "no session", **by})

    assert answer.status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_who_was_logged_out_can_sign_in_again(deployment, client, browser):
    client.connect(browser)
    log_out(deployment)
    deployment.wait(1)

    again = client.connect(browser)

    assert client.refresh(again["refresh_token"]).status_code == 200


@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_logout_that_overtakes_the_sign_in_ends_it(deployment, client, browser, by, monkeypatch):
    """The upstream answers our token request, logs the user out and says so, before we go on."""
    way_back = callback(client, browser)
    real = deployment.server.upstream.exchange

    def logged_out_meanwhile(**arguments):
        identity = real(**arguments)
        assert log_out(deployment, **by).status_code == 200
        return identity

    monkeypatch.setattr(deployment.server.upstream, "exchange", logged_out_meanwhile)
    page = browser.come_back(way_back)

    assert is_sign_in_page(page)
    assert count(deployment, "sessions") == count(deployment, "users") == 0
    assert deployment.last("sign_in.failed")["reason"] == "logged_out"


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")
def test_a_token_that_comes_twice_is_refused_the_second_time(deployment, client, browser):
    client.connect(browser)
    token = logout_token(deployment.idp)
    assert send(deployment, token).status_code == 200
    deployment.wait(1)
    again = client.connect(browser)

    _is_refused(send(deployment, token))

    assert deployment.last("request.refused")["reason"] == "logout_token_replayed"
    assert client.refresh(again["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"events": {}}, "logout_token_event"),
        ({"nonce": "n-1"}, "logout_token_nonce"),
        ({"iss": "https://evil.example"}, "logout_token_issuer"),
        ({"aud": "other"}, "logout_token_audience"),
        ({"exp": NOW - 60}, "logout_token_expired"),
        ({"iat": NOW - 601}, "logout_token_stale"),
        ({"jti": ABSENT}, "logout_token_malformed"),
        ({"sub": ABSENT, "sid": ABSENT}, "logout_token_subject"),
    ],
    ids=repr,
)
def test_a_bad_token_is_refused_and_ends_nothing(deployment, client, claims, reason):
    tokens = client.connect()

    _is_refused(log_out(deployment, **claims))

    assert deployment.last("request.refused")["reason"] == reason
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_a_refused_token_is_not_used_up(deployment, client):
    tokens = client.connect()
    token = logout_token(deployment.idp, nbf=NOW + 90)
    _is_refused(send(deployment, token))
    deployment.wait(60)

    assert send(deployment, token).status_code == 200

    assert _is_over(client, tokens)


def test_the_token_comes_in_a_form_once_and_by_post(deployment):
    http, token = deployment.http(), logout_token(deployment.idp)
    _is_refused(http.post(PATH, data={}))
    _is_refused(http.post(PATH, data={"logout_token": [token, token]}))
    _is_refused(http.post(f"{PATH}?logout_token={token}"))
    _is_refused(http.post(PATH, json={"logout_token": token}))
    assert http.get(f"{PATH}?logout_token={token}").status_code == 405
    assert send(deployment, token, more="parameters").status_code == 200


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.8")
def test_without_the_upstreams_keys_the_logout_fails_and_can_be_sent_again(deployment, client):
    deployment.idp.spoiled["/jwks"] = Spoiled(503)
    token = logout_token(deployment.idp)

    answer = send(deployment, token)

    assert (answer.status_code, answer.json["error"]) == (400, "temporarily_unavailable")
    assert count(deployment, "logout_tokens") == 0


def test_strangers_are_slowed_down_and_do_not_keep_logouts_out(deployment, client):
    tokens = client.connect()
    limit = deployment.settings.rate_limits.failures_per_client
    answers = [send(deployment, "x").status_code for _ in range(limit + 2)]
    assert answers == [400] * limit + [429] * 2

    assert log_out(deployment).status_code == 200

    assert _is_over(client, tokens)


def test_no_token_is_in_the_audit(deployment, client):
    client.connect()
    token = logout_token(deployment.idp)
    send(deployment, token)
    send(deployment, token)
    assert token.split(".")[1] not in str(deployment.events)


def test_where_the_upstream_knows_no_logout_there_is_no_endpoint(sqlite_url, idp, tmp_path):
    upstream = OAuth2Upstream(
        issuer=idp.issuer,
        client_id="mcp",
        client_secret="a secret",
        authorization_endpoint=f"{idp.issuer}/authorize",
        token_endpoint=f"{idp.issuer}/token",
        userinfo_endpoint=f"{idp.issuer}/userinfo",
    )
    settings = load(write_config(tmp_path, sqlite_url, idp.issuer))
    with Deployment(replace(settings, upstream=upstream), idp) as deployment:
        assert send(deployment, logout_token(idp)).status_code == 404


def test_the_endpoint_is_below_the_path_of_the_issuer(sqlite_url, idp, tmp_path):
    issuer = "https://auth.example/as"
    with Deployment.start(tmp_path, sqlite_url, idp, issuer) as deployment:
        token = {"logout_token": logout_token(idp)}
        assert deployment.http().post(PATH, data=token).status_code == 404
        assert deployment.http().post(f"/as{PATH}", data=token).status_code == 200
