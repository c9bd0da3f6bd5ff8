"""The development identity provider over HTTP: OpenID Connect Core, Discovery, RFC 7636."""

import base64
import hashlib
import html
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
import requests
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.loopback import wsgi_server
from tests.demo.conftest import CALLBACK, Idp

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
ASKED = {
    "response_type": "code",
    "client_id": "authserver",
    "redirect_uri": CALLBACK,
    "scope": "openid profile email",
    "state": "st&te ü",
    "nonce": "n-once",
    "code_challenge": CHALLENGE.decode(),
    "code_challenge_method": "S256",
}


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


def authorize(idp: Idp, browser: requests.Session, **changed: str | None) -> requests.Response:
    asked = {name: value for name, value in (ASKED | changed).items() if value is not None}
    return browser.get(f"{idp.issuer}/authorize", params=asked, allow_redirects=False, timeout=5)


def press(idp: Idp, browser: requests.Session, page: requests.Response, **button: str):
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket is not None, page.text
    sent = {"ticket": html.unescape(ticket[1]), **button}
    return browser.post(f"{idp.issuer}/login", data=sent, allow_redirects=False, timeout=5)


def answer_of(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    location = response.headers["Location"]
    assert location.startswith(CALLBACK + "?")
    return {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}


def code_of(idp: Idp, browser: requests.Session, **changed: str | None) -> str:
    page = authorize(idp, browser, **changed)
    return answer_of(press(idp, browser, page, person="ada"))["code"]


def redeem(idp: Idp, code: str, /, *, auth=None, **changed: str | None) -> requests.Response:
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": idp.client.client_id,
        "client_secret": idp.client.client_secret,
    } | changed
    sent = {name: value for name, value in sent.items() if value is not None}
    return requests.post(f"{idp.issuer}/token", data=sent, auth=auth, timeout=5)


def id_token_of(idp: Idp, answer: requests.Response) -> dict[str, object]:
    keys = KeySet.import_key_set(requests.get(f"{idp.issuer}/jwks", timeout=5).json())
    return jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256"]).claims


@pytest.mark.spec("OpenID Connect Discovery 1.0", "3")
def test_the_metadata_is_valid_in_the_eyes_of_authlib(idp):
    metadata = requests.get(f"{idp.issuer}/.well-known/openid-configuration", timeout=5).json()
    assert metadata["issuer"] == idp.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["request_uri_parameter_supported"] is False
    for member in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert metadata[member].startswith(idp.issuer + "/")
    # Authlib wants https of every URL, which on loopback there is none.
    over_https = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    OpenIDProviderMetadata(over_https).validate()


def test_the_key_set_has_no_private_member(idp):
    [key] = requests.get(f"{idp.issuer}/jwks", timeout=5).json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_the_login_page_says_what_it_is_and_names_the_people(idp, browser):
    page = authorize(idp, browser)
    assert page.status_code == 200
    assert "For development only." in page.text
    assert [name in page.text for name in ("Ada Lovelace", "Grace Hopper", "Alan Turing")] == [
        True
    ] * 3
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.spec("RFC 9207", "2")
def test_a_pressed_button_answers_with_code_state_and_issuer(idp, browser):
    answer = answer_of(press(idp, browser, authorize(idp, browser), person="ada"))
    assert set(answer) == {"code", "state", "iss"}
    assert answer["state"] == ASKED["state"]
    assert answer["iss"] == idp.issuer


def test_an_authorization_request_may_be_posted(idp, browser):
    page = browser.post(f"{idp.issuer}/authorize", data=ASKED, timeout=5)
    assert "code" in answer_of(press(idp, browser, page, person="grace"))


@pytest.mark.spec("OpenID Connect Core 1.0", "2")
def test_a_code_becomes_an_id_token_about_the_person(idp, browser):
    answer = redeem(idp, code_of(idp, browser))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    access_token = answer.json()["access_token"]
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    assert id_token_of(idp, answer) == {
        "iss": idp.issuer,
        "sub": "ada",
        "aud": "authserver",
        "iat": idp.clock.now,
        "exp": idp.clock.now + 300,
        "auth_time": idp.clock.now,
        "nonce": "n-once",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "email_verified": True,
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_answers_the_claims_of_the_granted_scopes(idp, browser, method):
    answer = redeem(idp, code_of(idp, browser, scope="openid email")).json()
    assert answer["scope"] == "openid email"
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    told = requests.request(method, f"{idp.issuer}/userinfo", headers=bearer, timeout=5)
    assert told.json() == {"sub": "ada", "email": "ada@example.com", "email_verified": True}


@pytest.mark.parametrize(
    ("header", "challenge"),
    [({}, "Bearer"), ({"Authorization": "Bearer nonsense"}, 'Bearer error="invalid_token"')],
)
def test_userinfo_without_a_valid_token_is_a_challenge(idp, header, challenge):
    refused = requests.get(f"{idp.issuer}/userinfo", headers=header, timeout=5)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == challenge


def test_an_access_token_ends_with_its_lifetime(idp, browser):
    access_token = redeem(idp, code_of(idp, browser)).json()["access_token"]
    idp.clock.now += 300
    bearer = {"Authorization": f"Bearer {access_token}"}
    assert requests.get(f"{idp.issuer}/userinfo", headers=bearer, timeout=5).status_code == 401


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_a_client_may_authenticate_with_basic_and_percent_encoding(idp, browser):
    auth = (quote_plus(idp.client.client_id), quote_plus(idp.client.client_secret))
    code = code_of(idp, browser)
    assert redeem(idp, code, auth=auth, client_id=None, client_secret=None).status_code == 200


def test_a_client_that_authenticates_in_two_ways_is_refused(idp, browser):
    refused = redeem(idp, code_of(idp, browser), auth=("authserver", "x"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("secret", ["wrong", None])
def test_a_wrong_secret_is_refused_and_leaves_the_code_usable(idp, browser, secret):
    code = code_of(idp, browser)
    refused = redeem(idp, code, client_secret=secret)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert redeem(idp, code).status_code == 200


def test_a_code_is_redeemed_once_even_when_two_come_together(idp, browser):
    code = code_of(idp, browser)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: redeem(idp, code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "v" * 42}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
    ],
)
@pytest.mark.spec("RFC 7636", "4.6")
def test_a_token_request_that_does_not_fit_its_code_is_refused(idp, browser, changed, error):
    refused = redeem(idp, code_of(idp, browser), **changed)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_a_code_is_too_old_after_a_minute(idp, browser):
    code = code_of(idp, browser)
    idp.clock.now += 60
    assert redeem(idp, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "maybe"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "ey"}, "request_not_supported"),
        ({"request_uri": "https://a.example/r"}, "request_uri_not_supported"),
    ],
)
@pytest.mark.spec("OpenID Connect Core 1.0", "3.1.2.6")
def test_a_request_that_breaks_a_rule_goes_back_with_its_error(idp, browser, changed, error):
    answer = answer_of(authorize(idp, browser, **changed))
    assert answer["error"] == error
    assert (answer["state"], answer["iss"]) == (ASKED["state"], idp.issuer)
    assert "code" not in answer


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "somebody"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:9100/callback/"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": None},
    ],
)
def test_an_unproven_redirect_uri_is_a_page_and_never_a_redirect(idp, browser, changed):
    refused = authorize(idp, browser, **changed)
    assert refused.status_code == 400
    assert "Location" not in refused.headers


def test_a_repeated_parameter_is_refused(idp, browser):
    twice = [*ASKED.items(), ("redirect_uri", "https://evil.example/")]
    refused = browser.get(f"{idp.issuer}/authorize", params=twice, allow_redirects=False, timeout=5)
    assert refused.status_code == 400


def test_cancel_goes_back_with_access_denied(idp, browser):
    answer = answer_of(press(idp, browser, authorize(idp, browser), cancel="yes"))
    assert answer["error"] == "access_denied"


def test_a_login_page_is_used_once(idp, browser):
    page = authorize(idp, browser)
    press(idp, browser, page, person="ada")
    assert press(idp, browser, page, person="alan").status_code == 400


@pytest.mark.spec("OpenID Connect Core 1.0", "3.1.2.1")
def test_a_session_answers_until_the_request_wants_a_person(idp, browser):
    code_of(idp, browser)
    idp.clock.now += 100
    again = answer_of(authorize(idp, browser, prompt="none"))
    assert id_token_of(idp, redeem(idp, again["code"]))["auth_time"] == idp.clock.now - 100
    assert authorize(idp, browser, max_age="101").status_code == 303
    assert authorize(idp, browser, max_age="100").status_code == 200
    assert authorize(idp, browser, prompt="login").status_code == 200
    assert authorize(idp, browser, prompt="select_account").status_code == 200
    assert authorize(idp, browser, login_hint="ada").status_code == 303
    assert authorize(idp, browser, login_hint="alan@example.com").status_code == 200
    assert answer_of(authorize(idp, browser, max_age="5", prompt="none"))["error"] == (
        "login_required"
    )


def test_a_new_login_has_a_new_auth_time(idp, browser):
    code_of(idp, browser)
    idp.clock.now += 100
    code = code_of(idp, browser, prompt="login")
    assert id_token_of(idp, redeem(idp, code))["auth_time"] == idp.clock.now


def test_a_login_hint_puts_its_person_first(idp, browser):
    page = authorize(idp, browser, login_hint="alan@example.com").text
    assert page.index("Alan Turing") < page.index("Ada Lovelace")
    assert page.count("(suggested)") == 1
    assert "(suggested)" not in authorize(idp, browser).text


def test_a_request_under_another_host_name_is_refused(idp):
    port = urlsplit(idp.issuer).port
    for name in (f"rebound.example:{port}", f"localhost:{port}"):
        refused = requests.get(f"{idp.issuer}/jwks", headers={"Host": name}, timeout=5)
        assert refused.status_code == 403


def test_a_request_from_another_machine_is_refused():
    app = create_idp("http://127.0.0.1:9102", RelyingParty("authserver", "secret", (CALLBACK,)))
    for address, status in (("127.0.0.1", 200), ("192.0.2.7", 403)):
        answer = app.test_client().get(
            "/jwks", base_url="http://127.0.0.1:9102", environ_base={"REMOTE_ADDR": address}
        )
        assert answer.status_code == status


@pytest.mark.parametrize("issuer", ["https://idp.example.com", "http://0.0.0.0:9102", "x"])
def test_an_issuer_off_loopback_is_refused(idp, issuer):
    with pytest.raises(ValueError, match="loopback"):
        create_idp(issuer, idp.client)


def test_a_socket_off_loopback_is_refused(idp):
    class Everywhere:
        def getsockname(self):
            return ("0.0.0.0", 9102)  # noqa: S104 - that is what must be refused

    with (
        pytest.raises(ValueError, match="loopback only"),
        wsgi_server(create_idp(idp.issuer, idp.client), Everywhere()),  # type: ignore[arg-type]
    ):
        pass


def test_the_client_secret_is_not_in_the_repr(idp):
    assert idp.client.client_secret not in repr(replace(idp.client))
