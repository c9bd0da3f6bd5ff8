"""Cases 55, 58-61: how a client proves itself at the token endpoint, and how it may not"""

import pytest

from tests.actors import Deployment, McpClient
from tests.attacks.authenticating import basic, outcome, registered, send

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def client(deployment):
    return registered(deployment, "client_secret_basic")


@pytest.mark.spec("OAuth 2.1", "2.4")
def test_055_two_ways_to_authenticate_are_refused(client):
    right = basic(client.client_id, client.client_secret)
    secret = {"client_secret": client.client_secret}
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER}

    assert outcome(send(client, right)) == (400, "invalid_grant")
    for header, params in ((right, secret), (right, assertion), (None, {**secret, **assertion})):
        answer = send(client, header, client_id=client.client_id, **params)
        assert outcome(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "params",
    [
        {"client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": JWT_BEARER},
    ],
)
@pytest.mark.parametrize("method", ["none", "client_secret_post"])
def test_055_an_assertion_is_refused_and_never_overlooked(deployment, method, params):
    client = registered(deployment, method)

    answer = send(client, None, client_id=client.client_id, **params)

    assert outcome(answer) == (401, "invalid_client")


def test_058_the_client_id_of_the_body_is_the_headers(client):
    header = basic(client.client_id, client.client_secret)

    assert outcome(send(client, header, client_id="another")) == (400, "invalid_request")
    assert outcome(send(client, header, client_id=client.client_id)) == (400, "invalid_grant")


@pytest.mark.spec("OAuth 2.1", "3.2.4")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_059_an_unknown_client_and_a_wrong_secret_look_the_same(deployment, method):
    known = registered(deployment, method).client_id
    answers = []
    for client_id in (known, "mcp-unknown"):
        in_header = method == "client_secret_basic"
        params = {} if in_header else {"client_id": client_id, "client_secret": "guess"}
        header = basic(client_id, "guess") if in_header else None
        answers.append(send(McpClient(deployment), header, **params))

    wrong, unknown = answers
    assert outcome(wrong) == (401, "invalid_client")
    assert wrong.data == unknown.data
    headers = [[h for h in each.headers if h[0] != "X-Request-Id"] for each in answers]
    assert headers[0] == headers[1]
    assert ("WWW-Authenticate" in wrong.headers) is (method == "client_secret_basic")


METHODS = ("none", "client_secret_basic", "client_secret_post")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("used", METHODS)
def test_060_a_client_authenticates_in_the_way_it_registered_and_in_no_other(
    deployment, method, used
):
    client = registered(deployment, method)
    secret = client.client_secret or "x"

    answer = send(
        client,
        basic(client.client_id, secret) if used == "client_secret_basic" else None,
        client_id=client.client_id,
        **({"client_secret": secret} if used == "client_secret_post" else {}),
    )

    assert outcome(answer) == (
        (400, "invalid_grant") if used == method else (401, "invalid_client")
    )


def test_060_an_empty_secret_is_no_secret(deployment):
    post, public = registered(deployment, "client_secret_post"), registered(deployment, "none")

    for params in ({"client_secret": ""}, {}):
        answer = send(post, None, client_id=post.client_id, **params)
        assert outcome(answer) == (401, "invalid_client")
        answer = send(public, None, client_id=public.client_id, **params)
        assert outcome(answer) == (400, "invalid_grant")
    for client in (post, public):
        assert outcome(send(client, basic(client.client_id, "")))[1] == "invalid_client"


@pytest.mark.spec("OAuth 2.1", "2.4.1")
@pytest.mark.parametrize("guessed", ["secret", "code", "refresh_token"])
def test_061_a_thousand_guesses_meet_a_limit_and_others_notice_nothing(deployment, guessed):
    client, other = (registered(deployment, "client_secret_post") for _ in range(2))
    guess = {
        "secret": lambda n: client.token(client.code_params("x", client_secret=f"guess-{n}")),
        "code": lambda n: client.redeem(f"guess-{n}"),
        "refresh_token": lambda n: client.refresh(f"guess-{n}"),
    }[guessed]

    answers = [guess(n) for n in range(1000)]

    statuses = [each.status_code for each in answers]
    assert statuses.count(429) >= 970
    assert answers[-1].json["error"] == "temporarily_unavailable"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert other.connect()["access_token"]


def test_061_the_limit_is_for_the_address_that_guesses(deployment: Deployment):
    client = registered(deployment, "client_secret_post")
    code = client.code()
    for n in range(30):
        spoofed = {"X-Forwarded-For": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"}
        last = send(client, None, client_id=client.client_id)
        forged = client.token(client.code_params("x"), headers=spoofed)
    assert last.status_code == forged.status_code == 429

    elsewhere = client.token(
        client.code_params(code, client_secret=client.client_secret),
        environ_base={"REMOTE_ADDR": "203.0.113.9"},
    )

    assert elsewhere.status_code == 200
