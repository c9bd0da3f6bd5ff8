"""Cases 56 and 65 where clients prove themselves: whatever is sent there, never a 5xx"""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN, JWT
from tests.actors import McpClient
from tests.attacks.any_bytes import octets, tokens, values
from tests.attacks.test_d_any_bytes import FORM, UNLIMITED, send
from tests.devices import GRANT_TYPE as DEVICE_CODE
from tests.devices import ON
from tests.examples import examples
from tests.exchanging import NOTES, WIKI, basic, start
from tests.upstream.jose import new_key, sign

PATHS = ["/token", "/token-batch", "/revoke", "/introspect", "/par", "/device_authorization"]
NAMES = st.sampled_from(
    ["grant_type", "subject_token", "subject_token_type", "actor_token", "actor_token_type",
     "requested_token_type", "audience", "resource", "scope", "token", "token_type_hint",
     "client_id", "client_assertion", "client_assertion_type", "request_uri", "redirect_uri",
     "device_code", "dpop_jkt"]
)  # fmt: skip
LIKELY = st.sampled_from(
    [GRANT_TYPE, "client_credentials", ACCESS_TOKEN, ID_TOKEN, JWT, "wiki", "upstream", WIKI, NOTES,
     "issues:read wiki:read", "{token}", "{refresh}", "https://x.example/client.json",
     "refresh_token", DEVICE_CODE]
)  # fmt: skip
STRANGE: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 1e300, "", "x", [], {}, ["x"], {"sub": {}}, 2**70]
)
CLAIMS = st.dictionaries(
    st.sampled_from(
        ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope", "client_id", "act", "may_act",
         "grant_id", "anchor", "via", "cnf", "auth_time", "status", "events", "nonce"]
    ),
    STRANGE,
)  # fmt: skip
HEADER = st.dictionaries(st.sampled_from(["typ", "kid", "jwk", "crit"]), STRANGE)
KEY = new_key("k")
signed = CLAIMS.map(
    lambda claims: sign({"alg": "ES256", "typ": "at+jwt"}, json.dumps(claims).encode(), KEY)
)
forms = st.lists(
    st.tuples(NAMES, LIKELY | (tokens | signed).map(lambda each: quote(each, safe="{}")) | values),
    max_size=10,
).map(lambda pairs: "&".join(map("=".join, pairs)))


@pytest.fixture
def client(sqlite_url, idp, tmp_path):
    more = f"{UNLIMITED}\n[tokens]\ntoken_batch = true\n{ON}"
    with start(tmp_path, sqlite_url, idp, more=more) as deployment:
        yield McpClient(deployment).register()


@pytest.fixture
def held(client):
    return client.connect()


def check(answer):
    status, headers, body = answer
    assert status < 500, body
    assert headers["Cache-Control"] == "no-store"
    if body:
        assert isinstance(json.loads(body), dict)


@pytest.mark.parametrize("path", PATHS)
@examples(40)
@given(body=forms | octets.map(lambda raw: raw.decode("latin-1")), proven=st.booleans())
def test_065_any_form_of_a_client_is_answered(client, held, path, body, proven):
    filled = body.replace("{token}", held["access_token"])
    filled = filled.replace("{refresh}", held["refresh_token"])
    headers = {"Content-Type": FORM, **(basic("issues") if proven else {})}
    check(send(client, "POST", path, filled.encode("latin-1"), headers))


@examples(40)
@given(
    claims=CLAIMS, header=st.dictionaries(st.sampled_from(["typ", "kid", "jwk", "crit"]), STRANGE)
)
def test_065_any_token_that_our_own_key_could_have_signed_is_answered(client, claims, header):
    """What only a bug of ours could sign is refused all the same, and is no error either."""
    usual = {
        "iss": client.deployment.issuer, "sub": "usr-x", "aud": "https://issues.example/mcp",
        "client_id": client.client_id, "scope": "issues:read", "iat": client.deployment.clock.now,
        "exp": client.deployment.clock.now + 60, "jti": "x", "grant_id": "g",
    }  # fmt: skip
    encoded = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
        for each in ({"alg": "ES256", **header}, {**usual, **claims})
    ]
    token = quote(".".join([*encoded, "AAAA"]))
    body = f"grant_type={quote(GRANT_TYPE)}&subject_token={token}&audience=wiki"
    body += f"&subject_token_type={quote(ACCESS_TOKEN)}"
    headers = {"Content-Type": FORM, **basic("issues")}
    for path, sent in (("/token", body), ("/introspect", f"token={token}")):
        check(send(client, "POST", path, sent.encode(), headers))
