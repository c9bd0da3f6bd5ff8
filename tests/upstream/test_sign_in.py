"""A whole sign-in at the provider: what we send, and who we say signed in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from authserver.oauth import pkce
from authserver.upstream.errors import UpstreamError
from tests.upstream.conftest import NONCE, REDIRECT_URI, STATE, VERIFIER
from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, NOW
from tests.upstream.spoiled_server import Spoiled


def test_a_sign_in_names_the_user_by_issuer_and_subject(login, idp):
    identity = login.sign_in()

    assert (identity.issuer, identity.subject) == (idp.issuer, "user-1")
    assert (identity.name, identity.email) == ("Ada Lovelace", "ada@example.com")
    assert identity.email_verified
    assert identity.auth_time == NOW - 5
    assert identity.sid == "session-1"
    assert identity.claims["sub"] == "user-1"


@pytest.mark.parametrize("path", ["", "/", "/realms/main", "/application/o/main/"])
def test_an_issuer_with_a_path_or_a_trailing_slash_signs_in(make_login, idp, path):
    idp.path = path

    assert make_login().sign_in().issuer == idp.origin + path


@pytest.mark.spec("RFC 9700", "2.1.1")
def test_our_request_always_has_pkce_nonce_and_state(login):
    query = parse_qs(urlsplit(login.url()).query, strict_parsing=True)

    assert query == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [REDIRECT_URI],
        "scope": ["openid profile email"],
        "state": [STATE],
        "nonce": [NONCE],
        "code_challenge": [pkce.challenge(VERIFIER)],
        "code_challenge_method": ["S256"],
    }


def test_hints_are_passed_on_and_a_max_age_of_zero_is_one(login):
    query = parse_qs(urlsplit(login.url(login_hint="ada", prompt="login", max_age=0)).query)

    assert (query["login_hint"], query["prompt"], query["max_age"]) == (["ada"], ["login"], ["0"])


def test_configured_parameters_are_added_but_never_replace_ours(make_login):
    extra = {"hd": "example.com", "state": "x", "nonce": "x", "code_challenge_method": "plain"}
    query = parse_qs(urlsplit(make_login(authorization_params=extra).url()).query)

    assert query["hd"] == ["example.com"]
    assert (query["state"], query["nonce"]) == ([STATE], [NONCE])
    assert query["code_challenge_method"] == ["S256"]


def test_openid_is_asked_for_even_if_the_scopes_forget_it(make_login):
    query = parse_qs(urlsplit(make_login(scopes=("email",)).url()).query)

    assert query["scope"] == ["openid email"]


def test_a_query_in_the_authorization_endpoint_stays(login, idp):
    idp.metadata = {"authorization_endpoint": f"{idp.origin}/authorize?tenant=a"}

    assert login.url().startswith(f"{idp.origin}/authorize?tenant=a&")


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_we_authenticate_as_configured_and_the_secret_needs_no_plain_letters(
    make_login, idp, method
):
    idp.client_auth = method

    assert make_login(client_auth=method).sign_in().subject == "user-1"


def test_a_public_client_sends_no_secret_that_is_configured(make_login, idp):
    idp.client_auth = "none"
    make_login(client_auth="none").sign_in()

    [request] = idp.asked("/token")
    assert "client_secret" not in request.params
    assert "authorization" not in request.headers


def test_the_requests_of_two_sign_ins_share_one_connection(login, idp):
    login.sign_in()
    login.sign_in()

    assert len({request.connection for request in idp.seen}) == 1


def test_the_providers_cookies_are_not_kept_for_the_next_user(login, idp):
    login.sign_in()
    idp.spoiled["/userinfo"] = Spoiled(200, b"{}", {"Set-Cookie": "who=user-1; Path=/"})
    idp.claims = {"name": ABSENT}
    with pytest.raises(UpstreamError):
        login.sign_in()
    del idp.spoiled["/userinfo"]
    login.sign_in()

    assert all("cookie" not in request.headers for request in idp.seen)


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.parametrize("advertised", [True, ABSENT])
def test_a_callback_of_another_issuer_is_refused_before_its_code_is_used(login, idp, advertised):
    idp.metadata = {"authorization_response_iss_parameter_supported": advertised}
    idp.callback = {"iss": "https://evil.example"}

    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()

    assert refusal.value.reason == "iss_mismatch"
    assert not idp.asked("/token")


@pytest.mark.spec("RFC 9207", "2.4")
def test_a_missing_iss_is_refused_where_the_provider_promises_one(login, idp):
    idp.callback = {"iss": ABSENT}

    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()

    assert refusal.value.reason == "iss_missing"
    assert not idp.asked("/token")


def test_a_missing_iss_is_fine_where_none_is_promised(login, idp):
    idp.metadata = {"authorization_response_iss_parameter_supported": ABSENT}
    idp.callback = {"iss": ABSENT}

    assert login.sign_in().subject == "user-1"


@pytest.mark.spec("RFC 9207", "2.4")
def test_the_iss_of_an_error_response_can_be_checked_without_a_code(login):
    with pytest.raises(UpstreamError):
        login.client.check_iss("https://evil.example")
    with pytest.raises(UpstreamError):
        login.client.check_iss(None)

    login.client.check_iss(login.idp.issuer)
