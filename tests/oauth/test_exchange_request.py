import pytest

from authserver.oauth import exchange_request
from authserver.oauth.exchange_request import ACCESS_TOKEN, ID_TOKEN, JWT, MAX_TOKEN
from tests.oauth.samples import params, refused

LEAST = {"subject_token": "canary-subject", "subject_token_type": ACCESS_TOKEN}


def asked(**changes):
    written = {**LEAST, **changes}
    return exchange_request.parse(
        params(*((name, value) for name, value in written.items() if value is not None))
    )


@pytest.mark.spec("RFC 8693", "2.1")
def test_a_request_needs_a_subject_token_and_its_type_and_no_more():
    request = asked()
    assert (request.subject_token, request.subject_token_type) == ("canary-subject", ACCESS_TOKEN)
    assert (request.actor_token, request.scope) == (None, ())


def test_a_whole_request():
    request = asked(
        actor_token="a", actor_token_type=JWT, scope="b a", requested_token_type=ACCESS_TOKEN
    )
    assert (request.actor_token, request.actor_token_type) == ("a", JWT)
    assert request.scope == ("b", "a")


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token": ""},
        {"subject_token": " "},
        {"subject_token": " canary-subject"},
        {"subject_token": "x" * (MAX_TOKEN + 1)},
        {"subject_token_type": "access_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"actor_token": "a"},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "a", "actor_token_type": "urn:x"},
        {"actor_token": "a ", "actor_token_type": JWT},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": ID_TOKEN},
    ],
    ids=str,
)
def test_what_is_missing_halved_or_of_another_type_is_refused(changes):
    with refused("invalid_request"):
        asked(**changes)


def test_a_scope_that_is_none_is_refused():
    with refused("invalid_scope"):
        asked(scope='a"')


def test_tokens_stay_out_of_what_is_printed():
    assert "canary" not in repr(asked(actor_token="canary-actor", actor_token_type=JWT))
