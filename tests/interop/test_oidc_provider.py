"""Sign-in at an OpenID provider that is not ours: the npm package oidc-provider"""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from joserfc.jwk import ECKey

from authserver.settings import load
from authserver.upstream.check import check
from tests.actors import (
    ISSUER,
    Browser,
    Clock,
    Deployment,
    McpClient,
    _Forms,
    claims_of,
    write_config,
)
from tests.interop.node import environment, installed, node

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
CALLBACK = f"{ISSUER}/callback"
SECRET = "a secret with 32 bytes and more & : %"
KEY = ECKey.generate_key("P-256")
CLIENT = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]}
PUBLIC_KEY = {**KEY.as_dict(private=False), "kid": KEY.thumbprint(), "use": "sig", "alg": "ES256"}
CLIENTS = [
    {**CLIENT, "client_id": "client_secret_basic", "client_secret": SECRET},
    {
        **CLIENT,
        "client_id": "client_secret_post",
        "client_secret": SECRET,
        "token_endpoint_auth_method": "client_secret_post",
    },
    {
        **CLIENT,
        "client_id": "private_key_jwt",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [PUBLIC_KEY]},
    },
    {**CLIENT, "client_id": "none", "token_endpoint_auth_method": "none"},
    {
        **CLIENT,
        "client_id": "hs256",
        "client_secret": SECRET,
        "id_token_signed_response_alg": "HS256",
    },
]
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


class NodeProvider:
    """The provider as the actors know one: an issuer, and a user who signs in."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.now = int(time.time())

    def sign_in(self, authorization_url: str, subject: str | None = None) -> dict[str, str]:
        """Be a browser and its user: sign in, allow, and come back with the callback's query."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(authorization_url, allow_redirects=False, timeout=10)
            for _ in range(12):
                location = answer.headers.get("Location")
                if location and location.startswith(CALLBACK):
                    return dict(parse_qsl(urlsplit(location).query))
                if location:
                    url = urljoin(answer.url, location)
                    answer = session.get(url, allow_redirects=False, timeout=10)
                    continue
                assert answer.status_code == 200, answer.text
                forms = _Forms()
                forms.feed(answer.text)
                form = forms.forms[0]
                fields = {**dict(form["fields"]), "login": subject or "ada", "password": "x"}
                url = urljoin(answer.url, form["action"])
                answer = session.post(url, data=fields, allow_redirects=False, timeout=10)
        raise AssertionError("the provider never came back")


@pytest.fixture(scope="module")
def provider(request, tmp_path_factory):
    folder = installed(request.config.cache.mkdir("interop"))
    # Beside node_modules, which is where an ES module looks for packages.
    script = Path(shutil.copy(SCRIPT, folder))
    log = tmp_path_factory.mktemp("oidc-provider") / "stderr"
    command: list[str | Path] = [node(), script, json.dumps({"clients": CLIENTS})]
    with (
        log.open("w") as said,
        subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        try:
            found = re.match(r"port (\d+)", process.stdout.readline())
            assert found, log.read_text()
            yield NodeProvider(f"http://127.0.0.1:{found[1]}")
        finally:
            process.kill()


@pytest.fixture
def start(provider, sqlite_url, tmp_path):
    started = []

    def start(client_id, more=""):
        path = write_config(tmp_path, sqlite_url, provider.issuer)
        (tmp_path / "upstream-secret").write_text(SECRET)
        (tmp_path / "key.pem").write_bytes(KEY.as_pem(private=True))
        method = client_id if client_id in METHODS else "client_secret_basic"
        secret = {
            "private_key_jwt": 'client_key = "file:key.pem"',
            "none": "",
        }.get(method, 'client_secret = "file:upstream-secret"')
        text = path.read_text()
        text = text.replace('"mcp:auth server"', f'"{client_id}"')
        text = text.replace('client_secret = "file:upstream-secret"', f"{secret}\n{more}")
        text = text.replace('client_auth = "client_secret_basic"', f'client_auth = "{method}"')
        path.write_text(text)
        settings = load(path)
        started.append(Deployment(settings, provider, Clock(int(time.time()))))
        return started[-1]

    yield start
    for each in started:
        each.server.store.close()


def _user(deployment, tokens):
    with deployment.server.store.read() as reads:
        return reads.user(claims_of(tokens["access_token"])["sub"])


@pytest.mark.spec("OpenID Connect Core", "3.1")
@pytest.mark.parametrize("method", METHODS)
def test_a_user_signs_in_however_we_authenticate(start, method, provider):
    deployment = start(method)
    user = _user(deployment, McpClient(deployment).register().connect())
    assert (user.upstream_issuer, user.upstream_subject) == (provider.issuer, "ada")
    assert (user.name, user.email) == ("The user ada", "ada@example.com")
    assert user.email_verified is True


@pytest.mark.parametrize("method", METHODS)
def test_config_check_finds_nothing_that_would_fail(start, method):
    deployment = start(method)
    report = check(deployment.settings, int(time.time()))
    assert report.problems == ()
    assert "It takes our credentials." in report.notes


def test_groups_come_from_its_userinfo(start):
    scopes = 'scopes = ["openid", "profile", "email", "groups"]'
    deployment = start("client_secret_basic", scopes)
    user = _user(deployment, McpClient(deployment).register().connect())
    assert user.claims["groups"] == ["devs"]


def test_two_people_are_two_users_and_one_is_the_same_again(start):
    deployment = start("client_secret_basic")
    client = McpClient(deployment).register()
    subs = []
    for subject in ("ada", "grace", "ada"):
        answer = Browser(deployment).approve(client.authorize_url(), subject)
        code = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]
        subs.append(claims_of(client.redeem(code).json["access_token"])["sub"])
    assert subs[0] == subs[2] != subs[1]


def test_a_recent_sign_in_is_asked_for_and_proved(start):
    deployment = start("client_secret_basic")
    answer = Browser(deployment).approve(
        McpClient(deployment).register().authorize_url(max_age="0", prompt="login")
    )
    assert "code=" in answer.headers["Location"]


def test_id_tokens_signed_with_the_secret_are_taken_only_where_that_is_written(start):
    refused = start("hs256")
    browser = Browser(refused)
    page = browser.sign_in(browser.get(McpClient(refused).register().authorize_url()))
    assert page.request.path == "/sign-in"
    assert refused.last("sign_in.failed")["reason"] == "id_token_alg"

    taken = start("hs256", 'id_token_algs = ["HS256"]')
    assert McpClient(taken).register().connect()["access_token"]


def test_a_wrong_secret_is_found_by_config_check(start):
    deployment = start("client_secret_basic")
    deployment.settings.config_path.with_name("upstream-secret").write_text("x" * 32)
    report = check(load(deployment.settings.config_path), int(time.time()))
    ((problem),) = report.problems
    assert "does not take our credentials" in problem.message
