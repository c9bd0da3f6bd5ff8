"""Cases 191 and 193: what the server says about itself is true, and its pages tell nobody else"""

import re
from html.parser import HTMLParser

import pytest

from tests.actors import ISSUER, LOOPBACK, RESOURCE, Browser, Deployment, McpClient
from tests.attacks.outcomes import is_back
from tests.attacks.visiting import consent_page, decide, sign_in_page

PATHS = (
    "/.well-known/oauth-authorization-server{}",
    "/.well-known/openid-configuration{}",
    "{}/.well-known/oauth-authorization-server",
    "{}/.well-known/openid-configuration",
)
LOADING = {"action", "archive", "background", "cite", "code", "data", "formaction", "manifest",
           "ping", "poster", "src", "srcset"}  # fmt: skip


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def metadata(deployment):
    return deployment.http().get("/.well-known/oauth-authorization-server").json


@pytest.mark.spec("RFC 8414", "3.3")
@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/tenant/a", "http://127.0.0.1:8000"])
def test_191_the_metadata_is_the_same_to_the_byte_at_every_address(
    sqlite_url, idp, tmp_path, issuer
):
    with Deployment.start(tmp_path, sqlite_url, idp, issuer=issuer) as deployment:
        path = issuer.partition("//")[2].partition("/")[1:]
        found = {deployment.http().get(each.format("".join(path))).data for each in PATHS}
        document = deployment.http().get(PATHS[0].format("".join(path))).json

    assert len(found) == 1
    assert document["issuer"] == issuer


@pytest.mark.spec("RFC 8414", "2")
def test_191_the_metadata_has_nothing_empty_and_nothing_weak(metadata):
    assert [each for each in metadata.values() if each in ([], {}, "", None)] == []
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert "none" not in str(metadata["id_token_signing_alg_values_supported"])
    assert "HS" not in str(metadata["id_token_signing_alg_values_supported"])


def test_191_nothing_is_promised_that_is_not_built(metadata):
    unbuilt = {
        "token_batch_endpoint",
        "device_authorization_endpoint", "end_session_endpoint",
    }  # fmt: skip
    assert unbuilt & metadata.keys() == set(), "promised: give it a test of its own"
    for name in ("claims", "request", "request_uri"):
        assert metadata[f"{name}_parameter_supported"] is False


def test_191_every_promised_endpoint_answers(deployment, metadata):
    for name, url in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            path = url.removeprefix(ISSUER)
            assert url.startswith(f"{ISSUER}/")
            assert deployment.http().get(path).status_code != 404, name


@pytest.mark.spec("RFC 8414", "2")
def test_191_every_promised_value_works_and_others_are_refused(client, metadata):
    for scope in metadata["scopes_supported"]:
        resource = "https://wiki.example/mcp" if scope.startswith("wiki:") else RESOURCE
        code = client.code(scope=scope, resource=resource)
        assert scope in client.redeem(code, resource=resource).json["scope"].split()
    for prompt in metadata["prompt_values_supported"]:
        answer = Browser(client.deployment).get(client.authorize_url(prompt=prompt))
        assert answer.status_code in (200, 303)
        assert "error=invalid_request" not in answer.headers.get("Location", "")
    for mode in metadata["response_modes_supported"]:
        page = Browser(client.deployment).get(client.authorize_url(response_mode=mode))
        assert page.request.path == "/sign-in"
    other = Browser(client.deployment).get(client.authorize_url(prompt="create"))
    assert is_back(other, "invalid_request", LOOPBACK)


def test_191_every_promised_grant_and_authentication_method_is_known_to_token(client, metadata):
    http = client.deployment.http()
    for name in [*metadata["grant_types_supported"], "password", "client_credentials", "implicit"]:
        answer = http.post("/token", data={"grant_type": name, "client_id": client.client_id})
        known = answer.json["error"] != "unsupported_grant_type"
        assert known == (name in metadata["grant_types_supported"]), name
    methods = set(metadata["token_endpoint_auth_methods_supported"])
    # With keys there are tests of their own: endpoints/test_registered_keys.py
    assert metadata["client_id_metadata_document_supported"] is True
    for method in methods - {"private_key_jwt"}:
        asked = {"token_endpoint_auth_method": method}
        registered = McpClient(client.deployment, metadata=asked).register()
        assert (registered.client_secret is None) == (method == "none")


class _Loads(HTMLParser):
    """Collects what a browser would fetch by itself, and the policy on referrers."""

    def __init__(self):
        super().__init__()
        self.loads = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.loads += [value for name, value in found.items() if name in LOADING and tag != "form"]
        if tag == "link":
            self.loads.append(found.get("href"))
        if tag == "meta" and found.get("name", "").lower() == "referrer":
            self.loads.append("a referrer policy of the page's own")


def _loads(page):
    parser = _Loads()
    text = page.get_data(as_text=True)
    parser.feed(text)
    imported = re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", text)
    return [each for each in [*parser.loads, *map("".join, imported)] if each != "data:,"]


def _every_page(client, browser):
    """Show each kind of page and redirect that we have."""
    yield browser.client.get(client.authorize_url().removeprefix(ISSUER), base_url=ISSUER)
    yield (page := sign_in_page(client, browser))
    yield (consent := browser.sign_in(page))
    yield decide(browser, consent, "x")
    yield decide(browser, consent, "approve", follow=False)
    yield browser.get("/authorize?client_id=unknown")
    yield browser.get(client.authorize_url(redirect_uri="https://evil.example/"))
    yield browser.get("/consent?pending=unknown")
    yield browser.get("/nowhere")
    yield browser.client.put("/consent", base_url=ISSUER)
    yield client.deployment.http().get("/sign-in", headers={"Host": "evil.example"})
    stranger = McpClient(client.deployment, "https://app.example/cb").register()
    yield browser.get(stranger.authorize_url(response_type="token"))
    app = McpClient(client.deployment, "cursor://anysphere.cursor-mcp/oauth/callback").register()
    yield decide(browser, consent_page(app, browser), "approve")


@pytest.mark.spec("RFC 9700", "4.2.4")
def test_193_no_page_or_redirect_sends_a_referer_or_loads_anything(client):
    pages = list(_every_page(client, Browser(client.deployment)))

    assert len(pages) == 13
    for page in pages:
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert _loads(page) == []
        if page.status_code != 303:
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; ")
            assert "http" not in policy
