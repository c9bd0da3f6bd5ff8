"""Case 108: members of a wrong type"""

import json

import pytest

URI = "https://app.example/cb"


def _register(deployment, document=None, /, headers=None, **members):
    body = {"redirect_uris": [URI], **members} if document is None else document
    return deployment.http().post("/register", json=body, headers=headers)


def _is_refused(answer, error="invalid_client_metadata"):
    return (answer.status_code, answer.json["error"]) == (400, error)


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize("body", [[], "x", 1, True, None, [{"redirect_uris": [URI]}]])
def test_108_a_body_that_is_no_object_is_refused(deployment, body):
    answer = deployment.http().post(
        "/register", data=json.dumps(body), content_type="application/json"
    )

    assert _is_refused(answer)


WRONG = [5, 1.5, True, {}, [], "x", [[]], [1], [None], {"a": 1}, [{}], ["x" * 300]]
TEXTS = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri",
         "software_id", "software_version", "scope", "token_endpoint_auth_method"]  # fmt: skip
LISTS = ["grant_types", "response_types"]


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize("member", [*TEXTS, *LISTS, "jwks"])
@pytest.mark.parametrize("value", WRONG)
def test_108_a_member_of_a_wrong_type_is_refused_or_has_no_effect(deployment, member, value):
    plain = _register(deployment).json

    answer = _register(deployment, **{member: value})

    if isinstance(value, str) and member in TEXTS[:-1]:
        assert answer.status_code == 201
    elif value == [] and member in LISTS:
        assert {**answer.json, "client_id": ""} == {**plain, "client_id": ""}
    else:
        assert _is_refused(answer), answer.json


@pytest.mark.parametrize(
    "uris", ["x", URI, 5, {}, None, [], [None], [5], [[URI]], [{}], [URI, None]]
)
def test_108_redirect_uris_of_a_wrong_type_are_refused(deployment, uris):
    assert _is_refused(_register(deployment, {"redirect_uris": uris}), "invalid_redirect_uri")
    assert _is_refused(_register(deployment, {}), "invalid_redirect_uri")


@pytest.mark.parametrize("member", [*TEXTS, *LISTS, "jwks", "application_type", "contacts"])
def test_108_null_is_as_good_as_left_out(deployment, member):
    plain = _register(deployment).json

    answer = _register(deployment, **{member: None})

    assert {**answer.json, "client_id": ""} == {**plain, "client_id": ""}
    assert None not in answer.json.values()
