"""Cases 32 to 39: no code without PKCE, and no token without its verifier"""

import pytest
from sqlalchemy import inspect

from authserver.oauth import pkce
from authserver.oauth.client import Client, secret_digest
from authserver.oauth.errors import OAuthError
from tests.actors import LOOPBACK, VERIFIER, Browser, McpClient, response_of
from tests.attacks.outcomes import is_back
from tests.attacks.visiting import decide

CHALLENGE = pkce.challenge(VERIFIER)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def _confidential(deployment):
    return McpClient(
        deployment, metadata={"token_endpoint_auth_method": "client_secret_post"}
    ).register()


def _preregistered(deployment):
    known = Client(
        client_id="known", redirect_uris=(LOOPBACK,), preregistered=True,
        token_endpoint_auth_method="client_secret_post", secret_digest=secret_digest("s"),
    )  # fmt: skip
    with deployment.server.store.write() as tx:
        tx.add_client(known)
    return McpClient(deployment, client_id="known", client_secret="s")


def _refused_at_authorize(client, **changes):
    return is_back(
        Browser(client.deployment).get(client.authorize_url(**changes)), "invalid_request", LOOPBACK
    )


@pytest.mark.spec("OAuth 2.1", "7.5.1")
@pytest.mark.parametrize("kind", ["public", "confidential", "preregistered"])
@pytest.mark.parametrize(
    "changes", [{"code_challenge": None}, {"code_challenge": ""},
                {"code_challenge": None, "code_challenge_method": None},
                {"code_challenge": None, "scope": "openid", "nonce": "n"}],
)  # fmt: skip
def test_032_no_client_gets_a_code_without_a_challenge(deployment, kind, changes):
    makers = {"confidential": _confidential, "preregistered": _preregistered}
    client = makers.get(kind, lambda each: McpClient(each).register())(deployment)

    assert _refused_at_authorize(client, **changes)


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize("method", ["plain", None, "", "s256", "S512", "S256 ", "none", "SHA-256"])
@pytest.mark.parametrize("challenge", [CHALLENGE, VERIFIER])
def test_033_every_method_but_s256_is_refused(client, method, challenge):
    assert _refused_at_authorize(client, code_challenge_method=method, code_challenge=challenge)


@pytest.mark.spec("RFC 7636", "4.3")
@pytest.mark.parametrize("method", ["S256", "plain"])
def test_034_a_method_without_a_challenge_is_refused(client, method):
    assert _refused_at_authorize(client, code_challenge=None, code_challenge_method=method)


@pytest.mark.spec("RFC 7636", "4.2")
@pytest.mark.parametrize(
    "challenge",
    [CHALLENGE[:42], CHALLENGE + "A", "A" * 128, "A" * 129, CHALLENGE + "=", CHALLENGE[:42] + "=",
     CHALLENGE[:42] + "+", CHALLENGE[:42] + "/", CHALLENGE[:42] + ".", CHALLENGE[:42] + " ",
     CHALLENGE + "\n", CHALLENGE[:42] + "é", "\u0661" * 43],
    ids=ascii,
)  # fmt: skip
def test_035_a_challenge_that_is_no_sha_256_in_base64url_is_refused(client, challenge):
    assert _refused_at_authorize(client, code_challenge=challenge)


@pytest.mark.spec("OAuth 2.1", "7.5.2")
@pytest.mark.parametrize(
    ("verifier", "error"),
    [("w" * 43, "invalid_grant"), ("v" * 42, "invalid_grant"), ("v" * 44, "invalid_grant"),
     ("v" * 129, "invalid_grant"), (CHALLENGE, "invalid_grant"), ("V" * 43, "invalid_grant"),
     ("v" * 42 + "é", "invalid_grant"), ("v" * 43 + "\n", "invalid_grant"),
     (None, "invalid_request"), ("", "invalid_request")],
    ids=ascii,
)  # fmt: skip
def test_036_a_wrong_verifier_neither_burns_the_code_nor_revokes_anything(client, verifier, error):
    code = client.code()

    wrong = [client.redeem(code, code_verifier=verifier) for _ in range(3)]
    right = client.redeem(code)

    assert {(each.status_code, each.json["error"]) for each in wrong} == {(400, error)}
    assert right.status_code == 200
    assert client.refresh(right.json["refresh_token"]).status_code == 200


def test_036_a_wrong_verifier_after_the_redemption_revokes_nothing_either(client):
    code = client.code()
    tokens = client.redeem(code).json
    client.deployment.wait(30)

    late = client.redeem(code, code_verifier="w" * 43)

    assert late.json["error"] == "invalid_grant"
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 9700", "4.8.2")
def test_037_the_database_takes_no_code_without_a_challenge(deployment):
    columns = inspect(deployment.server.store._engine).get_columns("codes")

    challenge = next(each for each in columns if each["name"] == "code_challenge")
    assert challenge["nullable"] is False
    with pytest.raises(OAuthError):
        pkce.check_verifier("", "")


@pytest.mark.spec("OAuth 2.1", "4.1.2")
def test_039_neither_challenge_nor_verifier_is_in_any_answer_or_event(client):
    browser = Browser(client.deployment)
    sign_in = browser.get(client.authorize_url())
    consent = browser.sign_in(sign_in)
    answer = decide(browser, consent, "approve", follow=False)
    tokens = client.redeem(response_of(answer)["code"])
    wrong = browser.get(client.authorize_url(resource="x"))

    seen = [each.get_data(as_text=True) for each in (sign_in, consent, answer, tokens, wrong)]
    seen += [str(each.headers) for each in (sign_in, consent, answer, tokens, wrong)]
    seen += [str(client.deployment.events)]
    assert tokens.status_code == 200
    for text in seen:
        assert CHALLENGE not in text
        assert VERIFIER not in text
