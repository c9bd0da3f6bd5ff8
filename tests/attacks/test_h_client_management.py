"""Case 114: managing another's registration, or making another kind of client of one's own"""

from typing import Any

import pytest

from tests.actors import Browser, Deployment, McpClient, response_of
from tests.attacks.visiting import decide
from tests.endpoints.test_client_configuration import ON, call, registered, update
from tests.upstream.jose import new_key


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as started:
        yield started


def test_114_every_other_token_is_answered_alike(deployment):
    found, other = registered(deployment), registered(deployment)
    answers = [
        call(deployment, "GET", found, token=other["registration_access_token"]),
        call(deployment, "GET", found, token="mcpas_ra_" + "x" * 43),
        call(deployment, "GET", found, client_id="mcp-nobody"),
        call(deployment, "DELETE", found, token=other["registration_access_token"]),
    ]
    assert {(each.status_code, each.data) for each in answers} == {(401, answers[0].data)}
    assert answers[0].json["error"] == "invalid_token"
    assert answers[0].headers["WWW-Authenticate"].startswith("Bearer ")
    bare = call(deployment, "GET", found, token="")
    challenge = 'Bearer realm="authserver"'  # and no error: there was no token to be wrong
    assert (bare.status_code, bare.headers["WWW-Authenticate"]) == (401, challenge)
    assert call(deployment, "GET", found).status_code == 200


@pytest.mark.spec("RFC 7592", "5")
def test_114_after_its_end_a_registration_is_nobodys(deployment):
    found, never = registered(deployment), registered(deployment)
    assert call(deployment, "DELETE", found).status_code == 204
    answers = [
        call(deployment, "GET", found),
        call(deployment, "DELETE", found),
        update(deployment, found, client_name="Back again"),
        call(deployment, "GET", never, client_id="mcp-nobody"),
    ]
    assert {(each.status_code, each.data) for each in answers} == {(401, answers[0].data)}
    page = Browser(deployment).get(
        McpClient(deployment, client_id=found["client_id"]).authorize_url()
    )
    assert (page.status_code, "not registered" in page.text) == (400, True)


@pytest.mark.spec("RFC 7591", "5")
def test_106_changes_count_as_registrations_do_and_a_refused_one_leaves_the_token(
    sqlite_url, idp, tmp_path
):
    more = ON + "[rate_limits]\nregister_per_address = 3\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as limited:
        found = registered(limited)
        for _ in range(2):
            found = update(limited, found, client_name="Changed").json
        refused = update(limited, found, client_name="Once too often")
        assert (refused.status_code, refused.json["error"]) == (429, "temporarily_unavailable")
        assert call(limited, "GET", found).json["client_name"] == "Changed"


def test_114_a_blocked_client_does_nothing_for_itself(deployment):
    found = registered(deployment)
    with deployment.server.store.write() as tx:
        stored = tx.registration(found["client_id"]).client
        tx.block_client(stored, deployment.clock.now)
    for method in ("GET", "DELETE"):
        assert call(deployment, method, found).status_code == 401
    assert update(deployment, found).status_code == 401


@pytest.mark.parametrize(
    "members",
    [
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": "keys"},
        {"application_type": "web"},
        {"client_id": "mcp-another"},
        {"client_id": None},
        {"client_secret": "x" * 43},
        {"client_id_issued_at": 1},
        {"registration_access_token": "mcpas_ra_x"},
        {"redirect_uris": []},
        {"client_name": 7},
    ],
    ids=lambda members: next(iter(members)) if isinstance(members, dict) else None,
)
def test_114_an_update_is_checked_as_a_registration_and_changes_no_kind(deployment, members):
    if members.get("jwks") == "keys":
        members = {**members, "jwks": {"keys": [new_key().as_dict(private=False)]}}
    found = registered(deployment)
    answer = update(deployment, found, **members)
    assert answer.status_code == 400, answer.json
    assert call(deployment, "GET", found).json == found  # and the token is good still


def test_114_a_confidential_client_keeps_its_secret_and_its_kind(deployment):
    found = registered(deployment, token_endpoint_auth_method="client_secret_post")
    method = {"token_endpoint_auth_method": "client_secret_post"}
    assert update(deployment, found).status_code == 400
    good = update(deployment, found, client_secret=found["client_secret"], **method)
    assert (good.status_code, "client_secret" in good.json) == (200, False)
    client = McpClient(
        deployment, client_id=found["client_id"], client_secret=found["client_secret"]
    )
    assert client.connect()["access_token"]


def test_114_who_guesses_tokens_is_slowed_down(deployment):
    found = registered(deployment)
    answers = [call(deployment, "GET", found, token=f"mcpas_ra_{n}") for n in range(25)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("changed", ["name", "redirect_uris", "keys"])
def test_114_what_changes_while_its_page_is_open_is_not_what_the_user_allows(deployment, changed):
    said: dict[str, Any] = {
        "redirect_uris": ["https://a.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [new_key("one").as_dict(private=False)]},
    }
    found = registered(deployment, **said)
    client = McpClient(deployment, said["redirect_uris"][0], client_id=found["client_id"])
    browser = Browser(deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))
    others: dict[str, dict[str, object]] = {
        "name": {"client_name": "Another"},
        "redirect_uris": {"redirect_uris": [*said["redirect_uris"], "https://b.example/cb"]},
        "keys": {"jwks": {"keys": [new_key("two").as_dict(private=False)]}},
    }
    assert update(deployment, found, **{**said, **others[changed]}).status_code == 200
    assert decide(browser, page, "approve", follow=False).status_code == 403
    again = browser.get(client.authorize_url())
    assert "You have allowed this before" not in again.get_data(as_text=True)
    assert response_of(decide(browser, again, "approve", follow=False))["code"]
