import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import status_list
from authserver.oauth.status_list import LIFETIME, MIN_SIZE, TTL
from tests.oauth.samples import ISSUER, NOW

URI = f"{ISSUER}/status-list"


@pytest.mark.spec("Token Status List", "4.1")
def test_the_bits_are_those_of_the_specifications_example():
    # §4.1: [1,0,0,1,1,1,0,1, 1,1,0,0,0,1,0,1] is the bytes b9 a3.
    indexes = [0, 3, 4, 5, 7, 8, 9, 13, 15]
    claims = {"status_list": {"bits": 1, "lst": status_list.encode(indexes, 16)}}
    assert status_list.decode(claims) == bytes([0xB9, 0xA3])


@given(st.sets(st.integers(0, MIN_SIZE - 1), max_size=50), st.integers(0, MIN_SIZE - 1))
def test_exactly_what_was_revoked_is_set(indexes, other):
    claims = status_list.list_claims(indexes, MIN_SIZE, issuer=ISSUER, uri=URI, now=NOW)
    bits = status_list.decode(claims)
    assert all(status_list.is_set(bits, index) for index in indexes)
    assert status_list.is_set(bits, other) is (other in indexes)
    assert len(bits) * 8 == MIN_SIZE


@pytest.mark.spec("Token Status List", "5.1")
def test_a_list_says_whose_it_is_and_how_long_it_is_good():
    claims = status_list.list_claims([], MIN_SIZE, issuer=ISSUER, uri=URI, now=NOW)
    lst = claims.pop("status_list")
    assert claims == {"iss": ISSUER, "sub": URI, "iat": NOW, "exp": NOW + LIFETIME, "ttl": TTL}
    assert lst["bits"] == 1
    assert len(lst["lst"]) < 100  # a list of nothing is tiny


@pytest.mark.spec("Token Status List", "6.1")
def test_a_token_says_where_its_bit_is():
    claim = status_list.claim(URI, 7)
    assert claim == {"status_list": {"idx": 7, "uri": URI}}
    assert status_list.read_claim(claim) == (URI, 7)


@pytest.mark.parametrize(
    "status",
    [
        None, "x", [], {}, {"status_list": 7}, {"status_list": {"idx": 7}},
        {"status_list": {"uri": URI}}, {"status_list": {"idx": "7", "uri": URI}},
        {"status_list": {"idx": True, "uri": URI}}, {"status_list": {"idx": -1, "uri": URI}},
    ],
    ids=str,
)  # fmt: skip
def test_another_status_is_none(status):
    assert status_list.read_claim(status) is None


def packed(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "found",
    [
        None, {}, {"bits": 2, "lst": "eNoDAAAAAAE"}, {"bits": 1}, {"bits": 1, "lst": 7},
        {"bits": 1, "lst": "é"}, {"bits": 1, "lst": "AAAA"},
        {"bits": 1, "lst": packed(zlib.compress(bytes(1000))[:-4])},
        {"bits": 1, "lst": packed(zlib.compress(bytes(status_list.MAX_BYTES + 1)))},
    ],
    ids=lambda found: str(found)[:40],
)  # fmt: skip
def test_what_is_no_list_or_a_bomb_is_refused(found):
    with pytest.raises(ValueError, match="status list"):
        status_list.decode({"status_list": found})


def test_an_index_that_the_list_has_not_is_no_answer():
    with pytest.raises(ValueError, match="no such index"):
        status_list.is_set(b"\0", 8)
