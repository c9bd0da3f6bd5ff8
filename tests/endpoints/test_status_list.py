"""GET /status-list and the kit that reads it: revocation that offline verifiers see"""

from functools import partial

import pytest

from authserver.oauth import epoch, status_list
from authserver.oauth.errors import OAuthError
from authserver.resource_server import InvalidToken, KeysUnavailable, ResourceServer
from authserver.resource_server.status import _MAX_STALE
from authserver.settings import load
from tests.actors import RESOURCE, Deployment, McpClient, claims_of
from tests.exchanging import EXCHANGES, SECRETS, exchanged, form
from tests.live import deployed

DAY = 86400


def configured(folder, more=""):
    for name, secret in {**SECRETS, "old": "o" * 32}.items():
        (folder / f"{name}-secret").write_text(secret)
    return EXCHANGES.format(more=more, source_clients="*")


def switch_on(config, keys):
    text = config.read_text()
    for key in keys:
        text = text.replace(f"[resources.{key}]\n", f"[resources.{key}]\nstatus_list = true\n", 1)
    config.write_text(text)


@pytest.fixture
def live(tmp_path, sqlite_url, idp):
    """A served deployment whose issue tracker and wiki have their tokens on the list."""
    more = configured(tmp_path)
    listed = partial(switch_on, keys=("issues", "wiki"))
    with deployed(tmp_path, sqlite_url, idp, more=more, change=listed) as deployment:
        yield deployment


@pytest.fixture
def client(live):
    return McpClient(live).register()


def published(live):
    token = live.http().get("/status-list").get_data(as_text=True)
    return status_list.decode(claims_of(token))


def index_of(token):
    return claims_of(token)["status"]["status_list"]["idx"]


def is_revoked(live, token):
    return status_list.is_set(published(live), index_of(token))


@pytest.mark.spec("Token Status List", "6.1")
def test_all_tokens_of_a_grant_share_one_random_bit(live, client):
    first = client.connect()
    again = client.refresh(first["refresh_token"]).json
    wiki = exchanged(live, "issues", first["access_token"])
    other = client.connect()["access_token"]

    claim = claims_of(first["access_token"])["status"]
    assert claim == {"status_list": {"idx": index_of(wiki), "uri": f"{live.issuer}/status-list"}}
    assert index_of(again["access_token"]) == index_of(wiki) != index_of(other)


def test_a_resource_that_is_not_on_the_list_has_no_status_in_its_tokens(live, client):
    token = client.connect()["access_token"]
    wiki = exchanged(live, "issues", token)
    assert "status" not in claims_of(exchanged(live, "wiki", wiki, audience="notes"))


@pytest.mark.spec("Token Status List", "8.1")
def test_the_list_is_signed_cached_and_tiny(live, client):
    client.connect()
    answer = live.http().get("/status-list")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/statuslist+jwt"
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    token = answer.get_data(as_text=True)
    assert len(token) < 1000
    claims = live.server.keys.verify(token, "statuslist+jwt", live.clock.now)
    assert claims["sub"] == f"{live.issuer}/status-list"
    etag = {"If-None-Match": answer.headers["ETag"]}
    assert live.http().get("/status-list", headers=etag).status_code == 304
    live.clock.now += status_list.TTL
    assert live.http().get("/status-list", headers=etag).status_code == 304  # nothing was revoked


@pytest.mark.parametrize("how", ["grant", "user", "client", "consent"])
def test_whatever_ends_the_grant_sets_the_bit_within_half_a_minute(live, client, how):
    tokens = client.connect()
    token = tokens["access_token"]
    assert not is_revoked(live, token)
    sub = claims_of(token)["sub"]
    subjects = {
        "user": epoch.user(sub),
        "client": epoch.client(client.client_id),
        "consent": epoch.consent(sub, client.client_id, RESOURCE),
    }
    if how == "grant":
        mine = {"client_id": client.client_id, "token": tokens["refresh_token"]}
        form(live, "/revoke", mine)
    else:
        with live.server.store.write() as tx:
            tx.bump_epoch(subjects[how])
    live.clock.now += status_list.TTL
    assert is_revoked(live, token)


def test_a_token_costs_no_write_for_it(live, client):
    token = client.connect()["access_token"]
    with live.server.store.counting() as count:
        exchanged(live, "issues", token)
    assert len(count.statements) <= 2, count.statements
    assert count.commits == 0
    tokens = client.connect()
    with live.server.store.counting() as count:
        client.refresh(tokens["refresh_token"])
    assert (len(count.statements), count.commits) == (3, 1)


def test_a_grant_that_is_older_than_the_list_gets_its_bit_with_its_next_token(
    sqlite_url, idp, tmp_path
):
    with Deployment.start(tmp_path, sqlite_url, idp) as before:
        client = McpClient(before).register()
        tokens = client.connect()
    assert "status" not in claims_of(tokens["access_token"])
    config = tmp_path / "authserver.toml"
    switch_on(config, ("issues",))
    with Deployment(load(config), idp, before.clock) as after:
        client.deployment = after
        first = client.refresh(tokens["refresh_token"]).json
        second = client.refresh(first["refresh_token"]).json
        assert index_of(first["access_token"]) == index_of(second["access_token"])


def test_without_a_resource_on_it_there_is_no_list(deployment):
    assert deployment.http().get("/status-list").status_code == 404


# --- the kit ---


def guard_of(live):
    return ResourceServer(
        issuer=live.issuer, resource=RESOURCE, scopes=["issues:read"], status_list=True
    )


def test_the_kit_refuses_a_token_that_was_revoked(live, client):
    guard, tokens = guard_of(live), client.connect()
    token, now = tokens["access_token"], live.clock.now
    assert guard.verify(token, now=now)
    mine = {"client_id": client.client_id, "token": tokens["refresh_token"]}
    form(live, "/revoke", mine)
    assert guard.verify(token, now=now + 1)  # the list before is good for half a minute
    live.clock.now += 2 * status_list.TTL
    with pytest.raises(InvalidToken, match="invalid_token") as refused:
        guard.verify(token, now=live.clock.now)
    assert refused.value.reason == "revoked"


def test_the_kit_asks_once_in_a_while_and_for_what_is_new(live, client, monkeypatch):
    guard, token = guard_of(live), client.connect()["access_token"]
    sent: list[dict[str, str]] = []
    fetching = guard.verifier._status._fetching
    send = fetching.send

    def noting(method, url, headers):
        sent.append(headers)
        return send(method, url, headers)

    monkeypatch.setattr(fetching, "send", noting)
    for second in (0, 1, status_list.TTL - 1, status_list.TTL, status_list.TTL + 1):
        guard.verify(token, now=live.clock.now + second)
    assert ["If-None-Match" in headers for headers in sent] == [False, True]


def test_while_nobody_answers_the_list_serves_for_minutes_and_no_token_after_that(
    live, client, monkeypatch
):
    guard, token = guard_of(live), client.connect()["access_token"]
    now = live.clock.now
    guard.verify(token, now=now)
    monkeypatch.setattr(guard.verifier._status, "_uri", f"{live.issuer}/nowhere")
    monkeypatch.setattr(status_list, "read_claim", lambda _: (f"{live.issuer}/nowhere", 0))
    assert guard.verify(token, now=now + status_list.TTL + _MAX_STALE - 1)
    with pytest.raises(KeysUnavailable) as refused:
        guard.verify(token, now=now + status_list.TTL + _MAX_STALE)
    assert refused.value.status == 503


def test_the_kit_takes_no_other_list_and_no_other_address(live, client, monkeypatch):
    guard, token = guard_of(live), client.connect()["access_token"]
    for changes in ({"sub": "https://evil.example"}, {"iss": "https://evil.example"}, {"exp": 1}):
        claims = status_list.list_claims(
            [], 16, issuer=live.issuer, uri=f"{live.issuer}/status-list", now=live.clock.now
        )
        forged = live.server.keys.sign(status_list.TYPE, {**claims, **changes}, live.clock.now)
        with pytest.raises(ValueError, match="it "):
            guard.verifier._status._read(forged, "", live.clock.now)
    access = live.server.keys.sign("at+jwt", claims, live.clock.now)
    with pytest.raises(OAuthError):
        guard.verifier._status._read(access, "", live.clock.now)
    elsewhere = {**claims_of(token), "status": status_list.claim("https://evil.example/list", 1)}
    odd = live.server.keys.sign("at+jwt", elsewhere, live.clock.now)
    with pytest.raises(InvalidToken):
        guard.verify(odd, now=live.clock.now)


def test_a_token_from_before_the_list_is_taken(live, client):
    claims = claims_of(client.connect()["access_token"])
    del claims["status"]
    older = live.server.keys.sign("at+jwt", claims, live.clock.now)
    assert guard_of(live).verify(older, now=live.clock.now)
