"""Every mistake is found at once, and each names its key and what to write instead"""

from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from authserver.settings.read import RESERVED_PARAMS
from authserver.settings.tables.file import File
from authserver.settings.tables.oidc import OidcTable
from authserver.settings.tables.rate_limits import RateLimitsTable
from authserver.settings.tables.registration import RegistrationTable
from authserver.settings.tables.server import KeysTable
from tests.settings.mistakes import MISTAKES


@pytest.mark.parametrize(("path", "value", "end", "message", "remedy"), MISTAKES)
def test_a_mistake_names_its_key_and_its_remedy(problems, path, value, end, message, remedy):
    (problem,) = problems({path: value})
    key = path.replace("/", ".") + end
    assert problem.key == (end.removeprefix("=") if end.startswith("=") else key)
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize("name", sorted(RESERVED_PARAMS))
def test_a_parameter_of_the_protocol_is_not_the_operators(problems, name):
    (problem,) = problems({"upstream/authorization_params": {name: "x"}})
    assert problem.key == f"upstream.authorization_params.{name}"


def test_every_mistake_is_told_at_once(problems):
    found = problems(
        {
            "issuer": "https://Auth.example.com",
            "isuer": 1,
            "upstream/type": "oath2",
            "upstream/client_secret": "hunter2",
            "resources/issues/scopes/openid": "x",
            "resources/two": {"url": "https://issues.example.com/mcp/"},
            "keys/seal": ["file:nowhere", "env:NOT_SET", "file:sealing.key"],
            "tokens/refresh_absolute_lifetime": "1d",
            "tokens/foo": 1,
            "registration/default_client_scopes": ["nope"],
            "server/trusted_proxies": -1,
        }
    )
    assert {each.key for each in found} == {
        "issuer",
        "isuer",
        "upstream.type",
        "upstream.client_secret",
        "resources.issues.scopes.openid",
        "resources.two.url",
        "keys.seal[0]",
        "keys.seal[1]",
        "tokens.refresh_absolute_lifetime",
        "tokens.foo",
        "registration.default_client_scopes[0]",
        "server.trusted_proxies",
    }
    assert all(each.message and each.remedy for each in found)


def _enums(annotation):
    if get_origin(annotation) is Literal:
        yield get_args(annotation)
    for each in get_args(annotation):
        yield from _enums(each)


TABLES: dict[str, type[BaseModel]] = {
    "upstream": OidcTable,
    "registration": RegistrationTable,
    "keys": KeysTable,
    "rate_limits": RateLimitsTable,
}
ENUMS = [
    (table, name, get_origin(field.annotation) is list, allowed)
    for table, model in TABLES.items()
    for name, field in model.model_fields.items()
    for allowed in _enums(field.annotation)
]


def test_the_table_of_enums_is_not_empty():
    assert {name for _, name, _, _ in ENUMS} == {
        "type", "client_auth", "id_token_algs", "userinfo", "prompts", "client_key_alg",
        "client_assertion_audience", "private_schemes_mode", "signing_alg",
    }  # fmt: skip
    assert set(File.model_fields) >= {table for table, _, _, _ in ENUMS}


@pytest.mark.parametrize(("table", "name", "is_list", "allowed"), ENUMS)
@pytest.mark.parametrize("spoil", [str.swapcase, lambda word: word[:-1], lambda word: word + " "])
def test_a_misspelt_word_is_refused_with_those_that_are_allowed(
    problems, table, name, is_list, allowed, spoil
):
    wrong = spoil(allowed[0])
    (problem,) = problems({f"{table}/{name}": [wrong] if is_list else wrong})
    assert problem.key == f"{table}.{name}" + ("[0]" if is_list else "")
    assert f"one of: {', '.join(allowed)}" in problem.remedy


def test_a_close_word_is_suggested(problems):
    (problem,) = problems({"keys/signing_alg": "ES265"})
    assert "did you mean ES256?" in problem.remedy
