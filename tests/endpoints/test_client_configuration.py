"""/register/CLIENT_ID, and registration that needs a token: RFC 7592, RFC 7591 §3"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.actors import LOOPBACK, Browser, Deployment, McpClient
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401

ON = "[registration]\nmanagement = true\n"
FIRST, SECOND = "first-initial-access-token-of-32-characters", "second-token-" + "x" * 32
SAID = {"redirect_uris": [LOOPBACK], "client_name": "Test client"}


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as started:
        yield started


def registered(deployment, **members) -> Any:
    answer = deployment.http().post("/register", json={**SAID, **members})
    assert answer.status_code == 201, answer.json
    return answer.json


def call(deployment, method, found, token=None, json=None, client_id=None) -> Any:
    path = urlsplit(found["registration_client_uri"]).path
    if client_id is not None:
        path = f"/register/{client_id}"
    token = found["registration_access_token"] if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return deployment.http().open(path, method=method, headers=headers, json=json)


def update(deployment, found, **members) -> Any:
    document = {**SAID, "client_id": found["client_id"], **members}
    return call(deployment, "PUT", found, json=document)


@pytest.mark.spec("RFC 7592", "2.1")
def test_a_client_reads_what_is_registered(deployment):
    found = registered(deployment, scope="issues:read")
    assert found["registration_access_token"].startswith("mcpas_ra_")
    answer = call(deployment, "GET", found)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == found


@pytest.mark.spec("RFC 7592", "2.2")
def test_an_update_replaces_everything_and_ends_the_old_token(deployment):
    found = registered(deployment, scope="issues:read")
    answer = update(
        deployment, found, client_name="New name", redirect_uris=["https://a.example/cb"]
    )
    assert answer.status_code == 200
    assert answer.json["client_name"] == "New name"
    assert answer.json["redirect_uris"] == ["https://a.example/cb"]
    assert answer.json["scope"] != found["scope"]
    assert answer.json["client_id_issued_at"] == found["client_id_issued_at"]
    assert answer.json["registration_access_token"] != found["registration_access_token"]
    assert call(deployment, "GET", found).status_code == 401
    assert call(deployment, "GET", answer.json).json["client_name"] == "New name"


def test_a_changed_name_is_asked_about_again_and_what_was_granted_goes_on(deployment):
    client = McpClient(deployment, redirect_uri="https://a.example/cb")
    found = registered(deployment, redirect_uris=["https://a.example/cb"])
    client.client_id = found["client_id"]
    browser = Browser(deployment)
    tokens = client.connect(browser)
    page = browser.get(client.authorize_url())
    assert "Test client" in page.get_data(as_text=True)
    assert (
        update(
            deployment, found, client_name="Another", redirect_uris=["https://a.example/cb"]
        ).status_code
        == 200
    )
    page = browser.get(client.authorize_url())
    assert "/consent" in page.request.path
    assert "Another" in page.get_data(as_text=True)
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 7592", "2.3")
def test_a_removed_client_is_gone_with_all_that_it_had(deployment):
    found = registered(deployment)
    client = McpClient(deployment, client_id=found["client_id"])
    tokens = client.connect()
    answer = call(deployment, "DELETE", found)
    assert (answer.status_code, answer.data) == (204, b"")
    assert call(deployment, "GET", found).status_code == 401
    assert call(deployment, "DELETE", found).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("client_id", "status"), [("%00", 400), ("mcp-%00", 400), ("%ff", 401), ("%ed%a0%80", 401)]
)
def test_an_id_that_no_database_can_hold_is_refused_by_each(
    database_url,  # noqa: F811
    idp,
    tmp_path,
    client_id,
    status,
):
    with Deployment.start(tmp_path, database_url, idp, more=ON) as deployment:
        headers = {"Authorization": "Bearer x"}
        answer = deployment.http().get(f"/register/{client_id}", headers=headers)
    assert answer.status_code == status


def test_what_a_client_is_called_now_is_what_the_audit_says(deployment):
    found = registered(deployment)
    update(deployment, found, client_name="New name")
    assert deployment.last("client.updated")["client_name"] == "New name"


def test_of_many_updates_with_one_token_one_is_taken(deployment):
    found = registered(deployment)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: update(deployment, found, client_name=f"N{n}"), range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 7


def test_where_it_is_off_there_is_no_token_and_no_place(tmp_path, sqlite_url, idp):
    with Deployment.start(tmp_path, sqlite_url, idp) as deployment:
        found = registered(deployment)
        assert not [name for name in found if name.startswith("registration_")]
        assert deployment.http().get(f"/register/{found['client_id']}").status_code == 404


def test_a_browser_may_ask_before_it_updates(deployment):
    found = registered(deployment)
    path = urlsplit(found["registration_client_uri"]).path
    answer = deployment.http().open(path, method="OPTIONS")
    assert answer.status_code == 204
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


@pytest.fixture
def closed(sqlite_url, idp, tmp_path):
    (tmp_path / "first").write_text(FIRST)
    (tmp_path / "second").write_text(SECOND)
    more = '[registration]\ninitial_access_tokens = ["file:first", "file:second"]\n'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


@pytest.mark.spec("RFC 7591", "3")
def test_115_registration_may_need_a_token_of_the_operators(closed):
    def ask(authorization) -> Any:
        headers = {} if authorization is None else {"Authorization": authorization}
        return closed.http().post("/register", json=SAID, headers=headers)

    for good in (f"Bearer {FIRST}", f"bearer {SECOND}"):
        assert ask(good).status_code == 201
    challenge = 'Bearer realm="authserver"'
    for bad, status, error in (
        (None, 401, "invalid_token"),
        ("Bearer wrong", 401, "invalid_token"),
        (f"Basic {FIRST}", 401, "invalid_token"),
        (FIRST, 400, "invalid_request"),
    ):
        answer = ask(bad)
        assert (answer.status_code, answer.json["error"]) == (status, error), bad
        said = answer.headers.get("WWW-Authenticate", "")
        assert said.startswith(challenge) is (status == 401)
