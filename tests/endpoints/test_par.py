"""POST /par: a request is pushed, and opened once: RFC 9126"""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.actors import LOOPBACK, Browser, Deployment, McpClient, response_of
from tests.exchanging import form
from tests.publishing import CALLBACK, Publisher, resolve

URN = "urn:ietf:params:oauth:request_uri:"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def push(client, **changes):
    params = client.authorize_params(**changes)
    if client.client_secret:
        params["client_secret"] = client.client_secret
    return form(client.deployment, "/par", params)


def link(client, request_uri, **more):
    query = urlencode({"client_id": client.client_id, "request_uri": request_uri, **more})
    return f"{client.deployment.issuer}/authorize?{query}"


@pytest.mark.spec("RFC 9126", "2.2")
def test_a_request_is_pushed_opened_and_redeemed(client, deployment):
    pushed = push(client, scope="issues:read", state="pushed state")

    assert pushed.status_code == 201
    assert pushed.headers["Cache-Control"] == "no-store"
    assert set(pushed.json) == {"request_uri", "expires_in"}
    assert pushed.json["request_uri"].startswith(URN)
    assert pushed.json["expires_in"] == 90
    answer = response_of(Browser(deployment).approve(link(client, pushed.json["request_uri"])))
    assert answer["state"] == "pushed state"
    tokens = client.redeem(answer["code"]).json
    assert tokens["scope"] == "issues:read"


def test_what_the_browser_brings_beside_it_does_not_count(client, deployment):
    request_uri = push(client, scope="issues:read", state="mine").json["request_uri"]
    more = {"scope": "issues:write", "state": "theirs", "redirect_uri": "https://evil.example/"}
    page = Browser(deployment).approve(link(client, request_uri, **more))
    answer = response_of(page)
    assert answer["state"] == "mine"
    assert client.redeem(answer["code"]).json["scope"] == "issues:read"
    assert page.headers["Location"].startswith(LOOPBACK)


@pytest.mark.spec("RFC 9126", "2.3")
@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"redirect_uri": "https://elsewhere.example/"}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"code_challenge": None}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"resource": "https://elsewhere.example/mcp"}, 400, "invalid_target"),
        ({"request_uri": URN + "x"}, 400, "invalid_request"),
        ({"request": "x.y.z"}, 400, "request_not_supported"),
        ({"client_id": "mcp-nobody"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
    ],
    ids=str,
)
def test_029_a_push_is_checked_as_the_request_itself_would_be(client, changes, status, error):
    answer = push(client, **changes)
    assert (answer.status_code, answer.json["error"]) == (status, error)


def test_029_a_confidential_client_proves_itself_when_it_pushes(deployment):
    metadata = {"token_endpoint_auth_method": "client_secret_post"}
    client = McpClient(deployment, metadata=metadata).register()
    assert push(client).status_code == 201
    for secret in ("wrong", None):
        client.client_secret = secret
        answer = push(client)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def gone(answer):
    return answer.status_code == 400 and "expired or was opened before" in answer.text


@pytest.mark.spec("RFC 9126", "4")
def test_029_a_push_is_good_once_soon_and_for_its_own_client(client, deployment):
    other = McpClient(deployment).register()
    request_uri = push(client).json["request_uri"]
    assert gone(Browser(deployment).get(link(other, request_uri)))
    assert gone(Browser(deployment).get(link(client, URN + "made-up")))

    assert Browser(deployment).get(link(client, request_uri)).request.path == "/sign-in"
    assert gone(Browser(deployment).get(link(client, request_uri)))
    assert deployment.last("page.refused")["reason"] == "pushed_request_gone"

    late = push(client).json["request_uri"]
    deployment.wait(90)
    assert gone(Browser(deployment).get(link(client, late)))


def test_029_of_many_browsers_one_opens_it(client, deployment):
    request_uri = push(client).json["request_uri"]
    browsers = [Browser(deployment) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        pages = list(pool.map(lambda each: each.get(link(client, request_uri)), browsers))
    assert [each.status_code for each in pages].count(400) == 11


def test_029_it_is_pushed_and_not_fetched(client, deployment):
    assert deployment.http().get("/par").status_code == 405
    page = Browser(deployment).get(link(client, "https://inner.example/request"))
    assert page.status_code in (303, 400)
    assert deployment.idp.seen == []


@pytest.mark.spec("RFC 9126", "6")
def test_a_client_that_says_it_always_pushes_has_to(deployment):
    metadata = {"require_pushed_authorization_requests": True}
    client = McpClient(deployment, metadata=metadata).register()
    answer = response_of(Browser(deployment).get(client.authorize_url()))
    assert (answer["error"], answer["state"]) == ("invalid_request", "state-1")
    request_uri = push(client).json["request_uri"]
    assert Browser(deployment).get(link(client, request_uri)).request.path == "/sign-in"


def test_what_the_client_said_is_echoed_and_no_text(deployment):
    body = {"redirect_uris": [LOOPBACK], "require_pushed_authorization_requests": True}
    answer = deployment.http().post("/register", json=body)
    assert answer.json["require_pushed_authorization_requests"] is True
    body["require_pushed_authorization_requests"] = "yes"
    refused = deployment.http().post("/register", json=body)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_client_metadata")


def test_a_published_client_may_begin_by_pushing(sqlite_url, idp, tmp_path, monkeypatch):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with (
        Publisher(tmp_path) as publisher,
        Deployment.start(tmp_path, sqlite_url, idp, more=publisher.settings()) as deployment,
    ):
        client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
        request_uri = push(client).json["request_uri"]
        page = Browser(deployment).approve(link(client, request_uri))
        assert client.redeem(response_of(page)["code"]).status_code == 200


def test_it_is_in_the_metadata_and_can_be_switched_off(deployment, sqlite_url, idp, tmp_path):
    document = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert document["pushed_authorization_request_endpoint"] == f"{deployment.issuer}/par"
    (tmp_path / "off").mkdir()
    more = "[server]\npushed_authorization_requests = false\n"
    with Deployment.start(tmp_path / "off", sqlite_url, idp, more=more) as off:
        document = off.http().get("/.well-known/oauth-authorization-server").json
        assert "pushed_authorization_request_endpoint" not in document
        client = McpClient(off).register()
        assert push(client).status_code == 404
        answer = response_of(Browser(off).get(client.authorize_url(request_uri=URN + "x")))
        assert answer["error"] == "request_uri_not_supported"


@pytest.mark.parametrize("kind", ["its own row", "shared", "its own id"])
def test_switching_it_off_takes_nothing_that_was_granted(sqlite_url, idp, tmp_path, kind):
    option = {"its own row": "", "shared": "idempotent = true", "its own id": "stateless = true"}
    registration = f"[registration]\n{option[kind]}\n"
    metadata = {"require_pushed_authorization_requests": True}
    with Deployment.start(tmp_path, sqlite_url, idp, more=registration) as deployment:
        client = McpClient(deployment, metadata=metadata).register()
        page = Browser(deployment).approve(link(client, push(client).json["request_uri"]))
        tokens = client.redeem(response_of(page)["code"]).json
    more = f"{registration}\n[server]\npushed_authorization_requests = false\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as off:
        client.deployment = off
        assert client.refresh(tokens["refresh_token"]).status_code == 200
        answer = response_of(Browser(off).get(client.authorize_url()))
        assert answer["error_description"].endswith("none are taken here.")
