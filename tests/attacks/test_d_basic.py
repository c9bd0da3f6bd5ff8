"""Cases 56, 57: the Authorization header at the token endpoint, broken, odd and right"""

from base64 import b64encode
from urllib.parse import quote_plus

import pytest

from authserver.oauth.client import Client, secret_digest
from tests.actors import Deployment, McpClient
from tests.attacks.authenticating import basic, outcome, registered, send
from tests.databases import postgresql_database, postgresql_url  # noqa: F401 - fixtures


@pytest.fixture
def client(deployment):
    return registered(deployment, "client_secret_basic")


@pytest.fixture
def on_postgresql(postgresql_url, idp, tmp_path):  # noqa: F811 - the fixture
    with Deployment.start(tmp_path, postgresql_url, idp) as deployment:
        yield McpClient(deployment)


BROKEN = {
    "no colon": b64encode(b"clientsecret").decode(),
    "only a colon": b64encode(b":").decode(),
    "no id": b64encode(b":secret").decode(),
    "no base64": "a:b",
    "loose base64": b64encode(b"client:secret1").decode()[:-1] + "\n",
    "no padding": b64encode(b"client:secret").decode().rstrip("="),
    "spaces inside": "Y2xp ZW50OnNlY3JldA==",
    "url-safe": "Pz8_Pz8_Og==",
    "stray bits": "YWI6Y2R=",
    "Latin-1": b64encode(b"caf\xe9:secret").decode(),
    "surrogate": b64encode(b"\xed\xa0\x80:secret").decode(),
    "NUL": b64encode(b"client\0:secret").decode(),
    "escaped NUL": b64encode(b"client%00:secret").decode(),
    "NUL in secret": b64encode(b"client:sec%00ret").decode(),
    "bad escape": b64encode(b"client%:%zz").decode(),
    "bad UTF-8 escape": b64encode(b"client%FF:%C3").decode(),
    "10 KB": b64encode(b"client:" + b"x" * 10_000).decode(),
    "nothing": "",
    "raw bytes": "\xff\xfe:\xff",
    "twice": b64encode(b"client:secret").decode() + ", Basic " + b64encode(b"a:b").decode(),
}


@pytest.mark.spec("RFC 7617", "2")
@pytest.mark.parametrize("credentials", BROKEN.values(), ids=BROKEN)
def test_056_a_broken_basic_header_is_refused(client, credentials):
    answer = send(client, f"Basic {credentials}".replace("\n", ""))

    assert outcome(answer) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header",
    ["", " ", "Basic", "Basic:", "Bearer x", "Digest username=x", "x" * 10_000, "\xe9", "Negotiate",
     "Basic\tYTpi", "Basic  \t"],
)  # fmt: skip
def test_056_a_header_that_is_no_basic_is_refused_also_beside_a_public_client_id(
    deployment, header
):
    client = registered(deployment, "none")

    answer = send(client, header, client_id=client.client_id)

    assert outcome(answer) == (401, "invalid_client")


def test_056_no_nul_reaches_postgresql(on_postgresql):
    for name in ("NUL", "escaped NUL", "NUL in secret", "surrogate", "bad UTF-8 escape"):
        answer = send(on_postgresql, f"Basic {BROKEN[name]}")
        assert outcome(answer) == (401, "invalid_client"), name


ODD_ID, ODD_SECRET = "my:client %2B+é/&=", '100%: a+b %41 é"\\;'


@pytest.mark.spec("OAuth 2.1", "2.4.1")
def test_057_form_encoded_credentials_work(deployment):
    _add(deployment, ODD_ID, ODD_SECRET)

    header = basic(quote_plus(ODD_ID), quote_plus(ODD_SECRET))

    answer = send(McpClient(deployment), header)
    assert outcome(answer) == (400, "invalid_grant")  # authenticated: the code is what is wrong


@pytest.mark.parametrize("secret", ["a+b", "100%", "a%41", "a:b:c", "é", "plain"])
def test_057_a_secret_that_was_not_form_encoded_works_too(deployment, secret):
    _add(deployment, "odd", secret)

    for sent in {secret, quote_plus(secret)}:
        answer = send(McpClient(deployment), basic("odd", sent))
        assert outcome(answer) == (400, "invalid_grant")
    assert outcome(send(McpClient(deployment), basic("odd", secret + "x")))[0] == 401


def _add(deployment, client_id, secret):
    client = Client(
        client_id,
        ("https://app.example/cb",),
        token_endpoint_auth_method="client_secret_basic",
        secret_digest=secret_digest(secret),
    )
    with deployment.server.store.write() as tx:
        tx.add_client(client)
