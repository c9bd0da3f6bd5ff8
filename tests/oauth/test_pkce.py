import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import pkce
from tests.oauth.samples import CHALLENGE, VERIFIER, refused


@pytest.mark.spec("RFC 7636", "B")
def test_the_example_of_the_specification():
    assert pkce.challenge(VERIFIER) == CHALLENGE
    pkce.check_verifier(VERIFIER, CHALLENGE)
    assert pkce.check_challenge(CHALLENGE, "S256") == CHALLENGE


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_a_well_formed_verifier_proves_its_own_challenge(verifier):
    pkce.check_verifier(verifier, pkce.challenge(verifier))


@given(st.text())
def test_any_other_text_is_refused(verifier):
    with refused("invalid_grant"):
        pkce.check_verifier(verifier, CHALLENGE)


@pytest.mark.spec("RFC 7636", "4.6")
@pytest.mark.parametrize(
    "verifier",
    ["", "a" * 42, "a" * 129, "a" * 42 + "é", "a" * 42 + "+", "a" * 42 + "=", "a" * 43 + "\n"],
)
def test_a_verifier_outside_the_grammar_proves_nothing(verifier):
    with refused("invalid_grant"):
        pkce.check_verifier(verifier, pkce.challenge(verifier))


@pytest.mark.parametrize("verifier", [CHALLENGE, VERIFIER + "x", VERIFIER.lower()])
def test_another_verifier_is_refused(verifier):
    with refused("invalid_grant"):
        pkce.check_verifier(verifier, CHALLENGE)


def test_a_verifier_outside_ascii_does_not_pass_for_its_replacement():
    with refused("invalid_grant"):
        pkce.check_verifier("é" * 43, pkce.challenge("?" * 43))


@pytest.mark.spec("OAuth 2.1", "4.1.1")
@pytest.mark.parametrize("method", [None, "plain", "s256", "S512", "S256 "])
def test_only_s256_is_taken(method):
    with refused("invalid_request"):
        pkce.check_challenge(CHALLENGE, method)


@pytest.mark.spec("OAuth 2.1", "7.5.1")
@pytest.mark.parametrize("method", [None, "S256", "plain"])
def test_a_challenge_is_required_with_or_without_a_method(method):
    with refused("invalid_request") as caught:
        pkce.check_challenge(None, method)
    assert "code_challenge is missing" in caught.value.description


@pytest.mark.parametrize(
    "challenge",
    ["a" * 42, "a" * 44, "a" * 129, "a" * 42 + "=", "a" * 42 + "+", "a" * 42 + "~", "a" * 42 + "é",
     CHALLENGE + "\n", "é" * 43],
)  # fmt: skip
def test_a_challenge_is_43_characters_of_base64url(challenge):
    with refused("invalid_request"):
        pkce.check_challenge(challenge, "S256")


def test_verifiers_are_compared_in_constant_time():
    function = next(
        node
        for node in ast.walk(ast.parse(Path(pkce.__file__).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "check_verifier"
    )
    compared = [node for node in ast.walk(function) if isinstance(node, ast.Compare)]
    assert "compare_digest" in ast.dump(function)
    assert all(isinstance(node.ops[0], ast.Is | ast.IsNot) for node in compared)
