import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import opaque


@pytest.mark.spec("OAuth 2.1", "7.7")
def test_a_random_value_has_256_bits_from_an_alphabet_that_every_client_sends_alike():
    values = {opaque.random_value(opaque.SECRET_PREFIX) for _ in range(100)}
    assert len(values) == 100
    assert all(re.fullmatch(r"mcpas_cs_[A-Za-z0-9_-]{43}", value) for value in values)


def test_a_generated_id_is_never_a_url():
    assert not opaque.random_value("mcp-").startswith("https://")


def test_a_digest_is_sha_256():
    assert opaque.digest("abc") == hashlib.sha256(b"abc").hexdigest()


@given(st.text(), st.text())
def test_any_text_has_a_digest(value, other):
    assert re.fullmatch(r"[0-9a-f]{64}", opaque.digest(value))
    assert re.fullmatch(r"[0-9a-f]{64}", opaque.derive("secret", value, other))


def test_a_derived_value_depends_on_the_secret_and_on_every_part():
    base = opaque.derive("secret", "a", "b")
    assert base == opaque.derive("secret", "a", "b")
    others = [("other", "a", "b"), ("secret", "a"), ("secret", "b", "a"), ("secret", "ab")]
    assert len({base, *(opaque.derive(*other) for other in others)}) == 5
