"""Cases 41-49: authorization codes, replayed, stolen, late, mistaken, overtaken by a revocation"""

import pytest

from authserver import upkeep
from authserver.oauth import epoch
from tests.actors import RESOURCE, Browser, McpClient, claims_of

GRANT_REVOKED = "code_replayed_grant_revoked"
DAY = 86400


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def confidential(deployment):
    metadata = {"token_endpoint_auth_method": "client_secret_post"}
    return McpClient(deployment, metadata=metadata).register()


def refused(answer, code="invalid_grant", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.json
    assert "access_token" not in answer.json
    return answer


def lives(client, tokens):
    return client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.1.3")
@pytest.mark.parametrize("later", [6, 59, 61, 3600, 29 * DAY])
def test_041_a_valid_replay_is_refused_and_revokes_the_grant(client, later):
    code = client.code()
    tokens = client.redeem(code).json

    client.deployment.wait(later)
    refused(client.redeem(code))

    assert client.deployment.last("request.refused")["reason"] == GRANT_REVOKED
    refused(client.refresh(tokens["refresh_token"]))


def test_041_a_replay_revokes_what_was_refreshed_since(client):
    code = client.code(scope="openid issues:read")
    tokens = client.refresh(client.redeem(code).json["refresh_token"]).json

    client.deployment.wait(10)
    refused(client.redeem(code))

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.deployment.http().get("/userinfo", headers=bearer).status_code == 401
    assert not lives(client, tokens)


def test_041_clean_up_does_not_forget_a_code_while_its_grant_lives(client):
    code = client.code()
    token = client.redeem(code).json["refresh_token"]
    for _ in range(3):
        client.deployment.wait(20 * DAY)
        upkeep.run_once(client.deployment.server)
        token = client.refresh(token).json["refresh_token"]

    refused(client.redeem(code))

    assert client.deployment.last("request.refused")["reason"] == GRANT_REVOKED
    refused(client.refresh(token))


def test_041_an_honest_double_submit_within_five_seconds_revokes_nothing(client):
    code = client.code()
    tokens = client.redeem(code).json

    client.deployment.wait(5)
    refused(client.redeem(code))

    assert lives(client, tokens)


@pytest.mark.spec("OAuth 2.1", "7.5.2")
@pytest.mark.parametrize("later", [0, 30, 3600])
def test_042_an_invalid_replay_is_refused_and_revokes_nothing(client, confidential, later):
    code = client.code()
    tokens = client.redeem(code).json

    client.deployment.wait(later)
    refused(client.redeem(code, code_verifier="w" * 43))
    refused(client.redeem(code, redirect_uri="http://127.0.0.1:3999/other"))
    refused(client.redeem(code, resource="https://wiki.example/mcp"), "invalid_target")
    refused(client.redeem(code, scope="issues:read wiki:read"), "invalid_scope")
    refused(McpClient(client.deployment).register().redeem(code))
    refused(confidential.redeem(code))

    assert lives(client, tokens)


@pytest.mark.spec("OAuth 2.1", "4.1.3")
def test_044_a_code_is_no_good_for_another_client_and_stays_good_for_its_own(client, confidential):
    code = client.code()

    refused(McpClient(client.deployment).register().redeem(code))
    refused(confidential.redeem(code))

    assert client.redeem(code).status_code == 200


def test_044_a_confidential_clients_code_cannot_be_redeemed_without_its_secret(confidential):
    code = confidential.code()
    params = confidential.code_params(code)

    refused(confidential.token(params, headers={}), "invalid_client", 401)
    refused(confidential.token({**params, "client_secret": "guess"}), "invalid_client", 401)

    assert confidential.redeem(code).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.1.2")
def test_045_a_code_lives_for_sixty_seconds(client):
    in_time, late = client.code(), client.code()

    client.deployment.wait(59)
    assert client.redeem(in_time).status_code == 200
    client.deployment.wait(1)
    refused(client.redeem(late))


def test_046_tickets_of_other_kinds_are_no_codes_and_a_code_is_none_of_them(client):
    browser = Browser(client.deployment)
    page = browser.get(client.authorize_url())
    pending = page.request.args["pending"]
    away = browser.submit(page, decision="continue", follow=False).headers["Location"]
    callback = client.deployment.idp.sign_in(away)
    tokens = client.connect()
    cookies = [cookie.value for cookie in (browser.client._cookies or {}).values()]
    assert cookies

    others = [pending, callback["state"], callback["code"], client.client_id, *cookies]
    for value in (*others, tokens["access_token"], tokens["refresh_token"]):
        refused(client.redeem(value))
    code = client.code()
    refused(client.refresh(code))
    for path in ("/consent", "/sign-in"):
        assert browser.get(f"{client.deployment.issuer}{path}?pending={code}").status_code == 403
    assert browser.come_back({**callback, "state": code}).status_code == 403

    assert client.redeem(code).status_code == 200
    assert lives(client, tokens)


@pytest.mark.spec("OAuth 2.1", "10.2")
def test_047_the_redirect_uri_at_the_token_endpoint_is_the_same_or_absent(client):
    code = client.code()

    for other in ("http://127.0.0.1:3998/callback", "http://127.0.0.1:3999/callback/", "x"):
        refused(client.redeem(code, redirect_uri=other))

    assert client.redeem(code, redirect_uri=None).status_code == 200


@pytest.mark.spec("RFC 8707", "2.2")
def test_048_the_resource_at_the_token_endpoint_is_the_authorized_one(client):
    code = client.code()

    wiki = "https://wiki.example/mcp"
    for other in (wiki, [RESOURCE, wiki], f"{RESOURCE}/admin", "mcp", "https://issues.example"):
        refused(client.redeem(code, resource=other), "invalid_target")
    answer = client.redeem(code, resource=[RESOURCE, f"{RESOURCE}/"])

    assert claims_of(answer.json["access_token"])["aud"] == RESOURCE


@pytest.mark.spec("RFC 8707", "2.2")
def test_048_without_a_resource_the_token_is_for_the_authorized_one(client):
    answer = client.redeem(client.code(), resource=None)

    assert claims_of(answer.json["access_token"])["aud"] == RESOURCE


@pytest.mark.parametrize("revoked", ["user", "client", "consent"])
def test_049_a_revocation_between_consent_and_redemption_ends_the_code(client, revoked):
    sub = claims_of(client.connect()["access_token"])["sub"]
    code = client.code()
    subject = {
        "user": epoch.user(sub),
        "client": epoch.client(client.client_id),
        "consent": epoch.consent(sub, client.client_id, RESOURCE),
    }[revoked]

    with client.deployment.server.store.write() as tx:
        tx.bump_epoch(subject)

    refused(client.redeem(code))
    assert client.connect(Browser(client.deployment))  # what is decided afterwards is good


def test_049_a_client_that_was_deleted_gets_nothing_for_its_code(client):
    code = client.code()
    with client.deployment.server.store.write() as tx:
        tx.delete_client(client.client_id)

    refused(client.redeem(code), "invalid_client", 401)
