"""A resource whose users are asked about at the upstream before each refresh"""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest

from authserver import vault
from authserver.oauth import epoch
from authserver.settings import load
from authserver.storage.tables import upstream_tokens
from authserver.vault import NoUpstreamToken
from tests.actors import RESOURCE, Browser, Deployment, McpClient, claims_of, write_config
from tests.attacks.visiting import consent_page, count, is_sign_in_page
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.upstream.hostile_idp import ABSENT, HostileIdp
from tests.upstream.plain_server import PlainServer
from tests.upstream.rotating_idp import RotatingIdp
from tests.upstream.spoiled_server import Spoiled
from tests.upstream.test_whole_login import PLAIN

LIVE = "https://live.example/mcp"
MORE = f"""
[resources.live]
url = "{LIVE}"
scopes = {{ "live:use" = "Use it" }}
liveness = "refresh-checks-upstream"
"""


@pytest.fixture
def idp():
    with RotatingIdp() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with _start(tmp_path, sqlite_url, idp) as started:
        yield started


def _start(folder, url, idp, more=MORE):
    settings = load(write_config(folder, url, idp.issuer, more=more))
    return Deployment(
        replace(settings, upstream=replace(settings.upstream, request_timeout=2)), idp
    )


@pytest.fixture
def client(deployment):
    return _Client(deployment).register()


class _Client(McpClient):
    """A client of the resource whose users are asked about."""

    def authorize_params(self, **changes):
        return super().authorize_params(**{"resource": LIVE, **changes})

    def code_params(self, code, **changes):
        return super().code_params(code, **{"resource": None, **changes})

    def refresh(self, refresh_token, **changes):
        return super().refresh(refresh_token, **{"resource": None, **changes})


def _is_over(answer):
    return (answer.status_code, answer.json.get("error")) == (400, "invalid_grant")


def _is_put_off(answer):
    assert answer.status_code == 503, answer.json
    assert answer.json["error"] == "temporarily_unavailable"
    return answer.headers["Retry-After"] == "5"


# --- the question -------------------------------------------------------------------------------


def test_the_upstream_is_asked_before_each_refresh_with_its_newest_token(deployment, client):
    tokens = client.connect()
    for number in range(1, 4):
        answer = client.refresh(tokens["refresh_token"])
        assert answer.status_code == 200, answer.json
        tokens = answer.json
        assert len(deployment.idp.refreshes) == number
        deployment.wait(900)
    assert deployment.idp.reused == 0


def test_a_provider_that_does_not_rotate_is_asked_with_what_it_gave(deployment, client):
    deployment.idp.rotates = False
    tokens = client.connect()
    for _ in range(3):
        tokens = client.refresh(tokens["refresh_token"]).json
    assert len({seen.params["refresh_token"] for seen in deployment.idp.refreshes}) == 1


def test_a_refresh_token_is_wanted_from_the_upstream_for_such_a_resource_only(deployment):
    scopes = {}
    for url in (LIVE, RESOURCE):
        browser = Browser(deployment)
        page = browser.get(McpClient(deployment).register().authorize_url(resource=url))
        away = browser.submit(page, decision="continue")
        scopes[url] = re.search(r"scope=([^&]*)", away.headers["Location"])[1].split("+")
    assert "offline_access" in scopes[LIVE]
    assert "offline_access" not in scopes[RESOURCE]


def test_elsewhere_nobody_is_asked_and_nothing_is_kept(deployment):
    client = McpClient(deployment).register()
    tokens = client.connect()
    deployment.idp.refused = "invalid_grant"

    with deployment.server.store.counting() as cost:
        assert client.refresh(tokens["refresh_token"]).status_code == 200

    assert deployment.idp.refreshes == []
    assert count(deployment, "upstream_tokens") == 0
    assert len(cost.statements) <= 3, cost.statements


def test_a_code_is_redeemed_without_a_question(deployment, client):
    client.connect()
    assert deployment.idp.refreshes == []


def test_a_lost_answer_is_given_again_without_a_question(deployment, client):
    tokens = client.connect()
    first = client.refresh(tokens["refresh_token"]).json
    deployment.idp.refused = "invalid_grant"

    again = client.refresh(tokens["refresh_token"]).json

    assert again["refresh_token"] == first["refresh_token"]
    assert len(deployment.idp.refreshes) == 1


@pytest.mark.parametrize("wrong", ["reused", "of another client", "forged", "revoked", "idle"])
def test_a_token_that_is_not_good_asks_nobody(deployment, client, wrong):
    tokens = client.connect()
    presented = tokens["refresh_token"]
    if wrong == "reused":
        client.refresh(presented)
        deployment.wait(61)
    elif wrong == "of another client":
        client = _Client(deployment).register()
    elif wrong == "forged":
        presented = presented[:-4] + ("AAAA" if presented[-4:] != "AAAA" else "BBBB")
    elif wrong == "revoked":
        with deployment.server.store.write() as tx:
            tx.bump_epoch(epoch.user(claims_of(tokens["access_token"])["sub"]))
    elif wrong == "idle":
        deployment.wait(31 * 86400)
    before = len(deployment.idp.refreshes)

    assert _is_over(client.refresh(presented))

    assert len(deployment.idp.refreshes) == before


def test_whom_the_policy_denies_is_not_asked_about(sqlite_url, idp, tmp_path):
    with _start(tmp_path, sqlite_url, idp) as deployment:
        client = _Client(deployment).register()
        tokens = client.connect()
    strict = MORE + '[resources.live.allow]\nemail_domains = ["other.example"]\n'
    with _start(tmp_path, sqlite_url, idp, strict) as deployment:
        client.deployment = deployment
        assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert idp.refreshes == []


# --- no -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid_grant", "login_required", "interaction_required"])
def test_a_user_whom_the_upstream_gives_up_is_out_for_good(deployment, client, code):
    tokens = client.connect()
    deployment.idp.refused = code

    assert _is_over(client.refresh(tokens["refresh_token"]))

    deployment.idp.refused = None
    assert _is_over(client.refresh(tokens["refresh_token"]))
    assert len(deployment.idp.refreshes) == 1
    reasons = [e["reason"] for e in deployment.events if e["event"] == "request.refused"]
    assert reasons == ["upstream_refused_grant_revoked", "grant_revoked"]


def test_who_was_given_up_signs_in_again_upstream_and_goes_on(deployment, client):
    browser = Browser(deployment)
    tokens = client.connect(browser)
    deployment.idp.refused = "invalid_grant"
    client.refresh(tokens["refresh_token"])
    deployment.idp.refused = None

    page = browser.get(client.authorize_url())  # our session lives, the upstream's word does not

    assert is_sign_in_page(page)
    again = client.connect(browser)
    assert client.refresh(again["refresh_token"]).status_code == 200


def test_what_other_clients_have_of_the_user_there_ends_too(deployment, client):
    other = _Client(deployment).register()
    elsewhere = McpClient(deployment).register()
    browser = Browser(deployment)
    tokens, others, wiki = (each.connect(browser) for each in (client, other, elsewhere))
    deployment.idp.refused = "invalid_grant"
    assert _is_over(client.refresh(tokens["refresh_token"]))
    asked = len(deployment.idp.refreshes)

    assert _is_over(other.refresh(others["refresh_token"]))

    assert len(deployment.idp.refreshes) == asked
    assert elsewhere.refresh(wiki["refresh_token"]).status_code == 200


def test_access_tokens_of_who_was_given_up_open_userinfo_no_more(deployment, client):
    tokens = client.connect(scope="openid live:use")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    deployment.idp.refused = "invalid_grant"
    client.refresh(tokens["refresh_token"])
    assert deployment.http().get("/userinfo", headers=headers).status_code == 401


def test_a_grant_from_before_the_upstream_was_asked_signs_in_once_more(deployment, client):
    tokens = client.connect()
    with deployment.server.store.write() as tx:
        tx._execute(upstream_tokens.delete(), {})

    assert _is_over(client.refresh(tokens["refresh_token"]))

    assert deployment.idp.refreshes == []
    assert client.refresh(client.connect()["refresh_token"]).status_code == 200


def test_tokens_of_another_registration_upstream_answer_nothing(sqlite_url, idp, tmp_path):
    with _start(tmp_path, sqlite_url, idp) as deployment:
        client = _Client(deployment).register()
        tokens = client.connect()
        with deployment.server.store.write() as tx:
            tx._execute(upstream_tokens.update().values(upstream_client_id="the old one"), {})
        assert _is_over(client.refresh(tokens["refresh_token"]))
    assert idp.refreshes == []


# --- no answer ----------------------------------------------------------------------------------

OUTAGES = {
    "500": Spoiled(500),
    "503": Spoiled(503),
    "429": Spoiled(429),
    "HTML": Spoiled(200, b"<html>maintenance</html>"),
    "empty": Spoiled(200, b"{}"),
    "slow": Spoiled(200, pause=5.0),
    "our credentials": Spoiled(401, b'{"error": "invalid_client"}'),
    "no known error": Spoiled(400, b'{"error": "invalid_user"}'),
    "a broken request": Spoiled(400, b'{"error": "invalid_request"}'),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_without_an_answer_nothing_is_spent_and_the_family_is_kept(deployment, client, outage):
    tokens = client.connect()
    before = _grants(deployment)
    deployment.idp.spoiled["/token"] = outage

    for _ in range(2):
        assert _is_put_off(client.refresh(tokens["refresh_token"]))

    assert _grants(deployment) == before
    deployment.idp.spoiled.clear()
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert deployment.idp.reused == 0


def test_an_upstream_that_is_not_there_keeps_the_family(sqlite_url, tmp_path):
    with RotatingIdp() as idp:
        deployment = _start(tmp_path, sqlite_url, idp)
        client = _Client(deployment).register()
        tokens = client.connect()
    with deployment:
        before = _grants(deployment)
        deployment.server.upstream.close()
        assert _is_put_off(client.refresh(tokens["refresh_token"]))
        assert _grants(deployment) == before


def test_no_transaction_is_open_while_the_upstream_thinks(deployment, client):
    tokens = client.connect()
    wrote = []

    def write():
        with deployment.server.store.write() as tx:
            tx.bump_epoch("user:somebody else")
            wrote.append(True)

    deployment.idp.meanwhile = write
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert wrote == [True]


def _grants(deployment):
    with deployment.server.store.read() as reads:
        rows = reads._connection.exec_driver_sql("SELECT * FROM grants")
        return [tuple(row) for row in rows]


# --- many at once -------------------------------------------------------------------------------


def test_many_refreshes_at_once_use_each_upstream_token_once(database_url, idp, tmp_path):  # noqa: F811
    with _start(tmp_path, database_url, idp) as deployment:
        client = _Client(deployment).register()
        tokens = client.connect()
        for _ in range(3):
            answers = _at_once(client, tokens["refresh_token"])
            assert {each.status_code for each in answers} == {200}
            assert len({each.json["refresh_token"] for each in answers}) == 1
            tokens = answers[0].json
            deployment.wait(120)
    assert idp.reused == 0


def test_while_one_waits_for_the_upstream_the_others_give_up_soon(deployment, client):
    tokens = client.connect()
    deployment.idp.spoiled["/token"] = Spoiled(200, pause=5.0)

    answers = _at_once(client, tokens["refresh_token"])

    assert {each.status_code for each in answers} == {503}
    assert len(deployment.idp.refreshes) < len(answers)


def _at_once(client, refresh_token, racers=6):
    start = threading.Barrier(racers)

    def refresh(_):
        start.wait(30)
        return client.refresh(refresh_token)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(refresh, range(racers)))


# --- providers without refresh tokens -----------------------------------------------------------


@pytest.fixture
def silent(idp):
    """The provider gives no refresh token; its access tokens last."""
    idp.token_answer = {"refresh_token": ABSENT, "expires_in": ABSENT}
    return idp


def test_without_a_refresh_token_userinfo_is_asked(deployment, client, silent):
    tokens = client.connect()
    for number in range(1, 3):
        tokens = client.refresh(tokens["refresh_token"]).json
        assert len(silent.asked("/userinfo")) == number
    assert silent.refreshes == []


@pytest.mark.parametrize("answer", ["nobody's", "another user's"])
def test_an_access_token_that_is_not_the_users_any_more_ends_the_family(
    deployment, client, silent, answer
):
    browser = Browser(deployment)
    tokens = client.connect(browser)
    if answer == "nobody's":
        silent.access_tokens.clear()
    else:
        silent.userinfo = {"sub": "user-2"}

    assert _is_over(client.refresh(tokens["refresh_token"]))

    silent.userinfo = {}
    assert _is_over(client.refresh(tokens["refresh_token"]))
    assert is_sign_in_page(browser.get(client.authorize_url()))


@pytest.mark.parametrize("status", [403, 404, 429, 500, 200], ids=repr)
def test_a_userinfo_that_does_not_say_keeps_the_family(deployment, client, silent, status):
    tokens = client.connect()
    silent.spoiled["/userinfo"] = Spoiled(status, b"<html>")
    assert _is_put_off(client.refresh(tokens["refresh_token"]))
    silent.spoiled.clear()
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_an_access_token_that_ended_and_cannot_be_refreshed_asks_for_the_user(
    deployment, client, silent
):
    silent.token_answer = {"refresh_token": ABSENT}
    tokens = client.connect()
    deployment.wait(300)
    assert _is_over(client.refresh(tokens["refresh_token"]))
    assert silent.asked("/userinfo") == []


def test_where_nobody_can_be_asked_the_user_comes_again(sqlite_url, idp, silent, tmp_path):
    idp.metadata = {"userinfo_endpoint": ABSENT}
    with _start(tmp_path, sqlite_url, idp) as deployment:
        client = _Client(deployment).register()
        tokens = client.connect()
        assert _is_over(client.refresh(tokens["refresh_token"]))
        assert deployment.last("upstream_token.refused")["reason"] == "userinfo_missing"


def test_a_plain_server_is_asked_who_its_user_is(sqlite_url, tmp_path):
    with PlainServer() as github:
        path = write_config(tmp_path, sqlite_url, github.origin, more=MORE)
        plain = PLAIN.format(origin=github.origin, client_id="mcp:auth server")
        text = re.sub(
            r"\[upstream\].*?(?=\[database\])", lambda _: plain, path.read_text(), flags=re.DOTALL
        )
        path.write_text(text)
        with Deployment(load(path), cast("HostileIdp", github)) as deployment:
            client = _Client(deployment).register()
            tokens = client.connect()
            before = len(github.asked("/user"))
            tokens = dict(client.refresh(tokens["refresh_token"]).json or {})
            assert len(github.asked("/user")) == before + 1

            github.spoiled["/user"] = Spoiled(200, b'{"message": "maintenance"}')
            assert _is_put_off(client.refresh(tokens["refresh_token"]))
            github.spoiled.clear()
            github.access_tokens.clear()
            assert _is_over(client.refresh(tokens["refresh_token"]))


# --- what is kept is for this alone -------------------------------------------------------------


def test_tokens_that_are_kept_to_ask_are_not_handed_out(deployment, client):
    sub = claims_of(client.connect()["access_token"])["sub"]
    resource = deployment.server.resource(LIVE)
    with pytest.raises(NoUpstreamToken, match="not_kept"):
        vault.upstream_token(deployment.server, sub, resource, deployment.clock())


def test_no_upstream_token_is_in_the_audit_or_stored_as_it_is(deployment, client):
    tokens = client.connect()
    client.refresh(tokens["refresh_token"])
    deployment.idp.refused = "invalid_grant"
    client.refresh(tokens["refresh_token"])
    with deployment.server.store.read() as reads:
        rows = reads._connection.exec_driver_sql("SELECT * FROM upstream_tokens").all()
    assert "canary" not in str(deployment.events) + str(rows)


def test_a_session_from_before_does_not_replace_the_upstreams_word(deployment, client):
    """Signed in for another resource, a user goes upstream once more for this one."""
    browser = Browser(deployment)
    McpClient(deployment).register().connect(browser)

    assert is_sign_in_page(browser.get(client.authorize_url()))

    assert consent_page(client, browser)
