"""Browsers may reach the server under another address than clients do: RFC 8414 §2"""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.actors import Browser, Deployment, McpClient, claims_of, forms_of, response_of
from tests.attacks.outcomes import is_page

INSIDE = "https://auth.internal"
OUTSIDE = "https://login.example/auth"


class OutsideBrowser(Browser):
    """A browser for which only the outer address exists."""

    def _origin(self):
        return "https://login.example"

    def come_back(self, callback):
        return self.get(f"{OUTSIDE}/callback?{urlencode(callback)}")

    def _follow(self, answer):
        for _ in range(6):
            location = answer.headers.get("Location", "")
            assert not location.startswith(INSIDE), "a browser cannot go there"
            if not location.startswith(OUTSIDE + "/") or answer.status_code != 303:
                return answer
            answer = self.client.get(self._path(location), base_url=self._origin())
        raise AssertionError("redirected without end")


@pytest.fixture(params=[INSIDE, f"{INSIDE}/as"], ids=["issuer", "issuer with a path"])
def split(request, sqlite_url, idp, tmp_path):
    more = f'[server]\nauthorization_endpoint_base_url = "{OUTSIDE}"\n'
    with Deployment.start(tmp_path, sqlite_url, idp, request.param, more) as started:
        yield started


@pytest.fixture
def client(split):
    return McpClient(split).register()


def _url(client, **changes):
    return client.authorize_url(**changes).replace(f"{client.deployment.issuer}/", f"{OUTSIDE}/")


@pytest.mark.spec("RFC 8414", "2")
def test_only_the_authorization_endpoint_moves(split):
    metadata = split.http().get("/.well-known/oauth-authorization-server").json

    assert metadata["issuer"] == split.issuer
    assert metadata["authorization_endpoint"] == f"{OUTSIDE}/authorize"
    others = {n: v for n, v in metadata.items() if n.endswith(("_endpoint", "jwks_uri"))}
    del others["authorization_endpoint"]
    assert len(others) == 7
    assert all(url.startswith(f"{split.issuer}/") for url in others.values())


def test_without_it_everything_stays_at_the_issuer(deployment):
    metadata = deployment.http().get("/.well-known/oauth-authorization-server").json

    assert metadata["authorization_endpoint"] == f"{deployment.issuer}/authorize"
    assert deployment.settings.redirect_uri == f"{deployment.issuer}/callback"


@pytest.mark.spec("RFC 9207", "2")
def test_the_whole_way_stays_at_the_outer_address_and_tokens_name_the_issuer(split, client):
    browser = OutsideBrowser(split)
    page = browser.get(_url(client))
    assert forms_of(page)[0]["action"] == f"{OUTSIDE}/sign-in"
    door = browser.submit(page, decision="continue").headers["Location"]
    asked = parse_qs(urlsplit(door).query)
    assert asked["redirect_uri"] == [f"{OUTSIDE}/callback"]
    consent = browser.come_back(split.idp.sign_in(door))
    assert {form["action"] for form in forms_of(consent)} == {f"{OUTSIDE}/consent"}
    switched = browser.submit(consent, 0, decision="switch")
    assert switched.request.path == "/auth/sign-in"
    consent = browser.sign_in(switched)

    answer = browser.submit(consent, 1, decision="approve")

    assert response_of(answer)["iss"] == split.issuer
    tokens = client.redeem(response_of(answer)["code"]).json
    assert claims_of(tokens["access_token"])["iss"] == split.issuer
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_cookies_belong_to_the_outer_address(split, client):
    browser = OutsideBrowser(split)
    browser.sign_in(browser.get(_url(client)))

    cookies = list(browser.client._cookies.values())
    assert {cookie.domain for cookie in cookies} == {"login.example"}
    assert all(cookie.key.startswith("__Host-") and cookie.secure for cookie in cookies)


def test_pages_under_the_inner_address_say_that_they_are_elsewhere(split, client):
    answer = split.app.test_client().get(
        urlsplit(client.authorize_url()).path + "?client_id=x", base_url=INSIDE
    )

    assert is_page(answer)
    assert "another address" in answer.get_data(as_text=True)


def test_pages_answer_nowhere_but_below_the_outer_path(split):
    http = split.app.test_client()
    for page in ("sign-in", "consent", "callback"):
        inner = urlsplit(split.issuer).path
        assert http.get(f"{inner}/{page}", base_url="https://login.example").status_code == 404
        assert http.get(f"/auth/{page}", base_url="https://login.example").status_code == 403
