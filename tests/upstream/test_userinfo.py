"""Claims that a thin ID token leaves to userinfo, and what of them is believed."""

import pytest

from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.spoiled_server import Spoiled

THIN = {"name": ABSENT, "email": ABSENT, "email_verified": ABSENT}


def test_userinfo_is_not_asked_when_the_id_token_says_all(login, idp):
    login.sign_in()

    assert not idp.asked("/userinfo")


def test_userinfo_fills_what_a_thin_id_token_leaves_out(login, idp):
    idp.claims = THIN
    idp.userinfo = {"groups": ["staff"], "email_verified": True}
    identity = login.sign_in()

    assert (identity.name, identity.email) == ("Ada from userinfo", "info@example.com")
    assert identity.email_verified
    assert identity.claims["groups"] == ["staff"]


def test_a_thin_id_token_is_enough_where_there_is_no_userinfo(login, idp):
    idp.claims = THIN
    idp.metadata = {"userinfo_endpoint": ABSENT}
    identity = login.sign_in()

    assert (identity.subject, identity.name, identity.email) == ("user-1", None, None)


@pytest.mark.spec("OpenID Connect Core", "5.3.2")
@pytest.mark.parametrize("sub", ["user-2", "USER-1", ABSENT, None, 1, ["user-1"]])
def test_userinfo_about_another_user_is_refused(login, idp, sub):
    idp.claims = THIN
    idp.userinfo = {"sub": sub}

    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()

    assert refusal.value.reason == "userinfo_subject_mismatch"


@pytest.mark.parametrize(
    "answer",
    [
        Spoiled(500, b'{"sub": "user-2"}'),
        Spoiled(200, b"<html>"),
        Spoiled(200, b'{"sub": "user-1", "sub": "user-1", "name": "x", "email": "x"}'),
        Spoiled(302, b"", {"Location": "/jwks"}),
        Spoiled(200, b'"' + b"x" * 2**21 + b'"'),
    ],
)
def test_a_failing_userinfo_costs_the_name_and_not_the_sign_in(login, idp, answer):
    idp.claims = THIN
    idp.spoiled["/userinfo"] = answer
    identity = login.sign_in()

    assert (identity.subject, identity.name, identity.email) == ("user-1", None, None)


@pytest.mark.parametrize("claim", [True, "true"])
def test_an_address_is_verified_when_the_provider_says_so(login, idp, claim):
    idp.claims = {"email_verified": claim}

    assert login.sign_in().email_verified is True


@pytest.mark.parametrize("claim", [False, "false", "True", "yes", 1, "1", None, ["true"], ABSENT])
def test_anything_else_leaves_the_address_unverified(login, idp, claim):
    idp.claims = {"email_verified": claim}

    assert login.sign_in().email_verified is False


def test_the_word_of_one_document_never_verifies_the_address_of_the_other(login, idp):
    idp.claims = {"email": ABSENT, "email_verified": True}
    idp.userinfo = {"email_verified": ABSENT}
    identity = login.sign_in()

    assert identity.email == "info@example.com"
    assert identity.email_verified is False


def test_nothing_is_verified_without_an_address(login, idp):
    idp.claims = {"email": ABSENT}
    idp.metadata = {"userinfo_endpoint": ABSENT}

    assert login.sign_in().email_verified is False


@pytest.mark.parametrize("name", [7, {"a": 1}, "", "line\nbreak", "\u202eevil", ABSENT])
def test_a_name_that_is_no_line_of_text_is_dropped(login, idp, name):
    idp.claims = {"name": name}
    idp.metadata = {"userinfo_endpoint": ABSENT}

    assert login.sign_in().name is None


def test_a_user_cannot_take_claims_of_the_id_token_over_by_userinfo(login, idp):
    idp.claims = {"name": ABSENT, "groups": ["guest"]}
    idp.userinfo = {"groups": ["admin"], "iss": "https://evil.example", "sid": "other"}
    identity = login.sign_in()

    assert identity.claims["groups"] == ["guest"]
    assert identity.claims["iss"] == idp.issuer
    assert identity.sid == "session-1"
