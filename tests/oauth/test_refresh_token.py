from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import refresh_token
from authserver.oauth.refresh_token import GRACE, PREFIX, PresentedToken, RefreshKeys
from tests.oauth.samples import GRANT, NOW

KEYS = RefreshKeys((("0a0b0c0d", b"canary-key-1" * 3), ("01020304", b"canary-key-2" * 3)))
TOKEN = refresh_token.issue(KEYS, GRANT)
ALPHABET = "ABCXYZabcxyz0189-_"


def presented(token):
    found = refresh_token.parse(token)
    assert found is not None
    return found


def encoded(payload):
    return PREFIX + urlsafe_b64encode(payload).rstrip(b"=").decode()


# --- the text -------------------------------------------------------------------------------


def test_a_token_names_handle_generation_and_key():
    found = presented(TOKEN)
    assert (found.handle, found.generation, found.kid) == (GRANT.handle, 3, "0a0b0c0d")
    assert refresh_token.is_authentic(KEYS, found, GRANT)


def test_a_lost_answer_can_be_given_again_byte_for_byte():
    assert refresh_token.issue(KEYS, GRANT) == TOKEN
    assert refresh_token.issue(KEYS, replace(GRANT, rotated_at=0, scope=())) == TOKEN


@given(st.integers(0, 2**32 - 1), st.binary(min_size=16, max_size=16))
def test_every_issued_token_is_read_back(generation, handle):
    grant = replace(GRANT, generation=generation, handle=handle.hex())
    found = presented(refresh_token.issue(KEYS, grant))
    assert (found.generation, found.handle) == (generation, handle.hex())
    assert refresh_token.is_authentic(KEYS, found, grant)


@given(
    st.text()
    | st.text(ALPHABET, min_size=75, max_size=75).map(PREFIX.__add__)
    | st.binary(min_size=55, max_size=57).map(encoded)
)
def test_any_text_is_a_well_formed_token_or_none(text):
    found = refresh_token.parse(text)
    if found is None:
        return
    assert isinstance(found, PresentedToken)
    assert (len(found.handle), len(found.kid), len(found.mac)) == (32, 8, 32)
    assert 0 <= found.generation < 2**32
    generation, kid = found.generation.to_bytes(4), bytes.fromhex(found.kid)
    assert encoded(bytes.fromhex(found.handle) + generation + kid + found.mac) == text
    assert not refresh_token.is_authentic(KEYS, found, GRANT)


@pytest.mark.parametrize(
    "text",
    [
        "", PREFIX, TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN[len(PREFIX):], " " + TOKEN,
        TOKEN + "\n", PREFIX + TOKEN, TOKEN.replace(PREFIX, "mcpas_ac_"), TOKEN.upper(),
        PREFIX + "!" * 75, PREFIX + "é" * 75, PREFIX + "\ud800" * 75, PREFIX + "=" * 75,
        PREFIX + "+" * 75, TOKEN[:-2] + "\n" + TOKEN[-1], PREFIX + "A" * 74 + "B", PREFIX * 20_000,
    ],
    ids=lambda text: repr(text)[:30],
)  # fmt: skip
def test_what_was_never_issued_is_none(text):
    assert refresh_token.parse(text) is None


def test_a_token_has_one_spelling():
    last = TOKEN[-1]
    others = [TOKEN[:-1] + each for each in ALPHABET if each != last]
    for other in others:
        found = refresh_token.parse(other)
        assert found is None or not refresh_token.is_authentic(KEYS, found, GRANT)


def test_every_changed_character_is_noticed():
    for at in range(len(PREFIX), len(TOKEN)):
        changed = TOKEN[:at] + ("A" if TOKEN[at] != "A" else "B") + TOKEN[at + 1 :]
        found = refresh_token.parse(changed)
        same_grant = found is None or found.handle == GRANT.handle
        assert found is None or not same_grant or not refresh_token.is_authentic(KEYS, found, GRANT)


# --- who made it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        replace(GRANT, seed=b"t" * 32),
        replace(GRANT, client_id="mcp-2"),
        replace(GRANT, handle="ff" * 16),
    ],
)
def test_a_token_is_authentic_for_its_own_grant_and_client_only(other):
    assert not refresh_token.is_authentic(KEYS, presented(TOKEN), other)


def test_a_generation_cannot_be_exchanged():
    forged = replace(presented(TOKEN), generation=4)
    assert not refresh_token.is_authentic(KEYS, forged, GRANT)


def test_parts_cannot_move_into_each_other():
    shifted = replace(GRANT, client_id="mcp-1s", seed=b"s" * 31)
    assert not refresh_token.is_authentic(KEYS, presented(TOKEN), shifted)


def test_the_first_key_signs_and_all_verify():
    rolled = RefreshKeys(KEYS.keys[::-1])
    assert refresh_token.is_authentic(rolled, presented(TOKEN), GRANT)
    assert presented(refresh_token.issue(rolled, GRANT)).kid == "01020304"
    removed = RefreshKeys(KEYS.keys[1:])
    assert not refresh_token.is_authentic(removed, presented(TOKEN), GRANT)


def test_the_same_key_under_another_id_does_not_verify_what_it_did_not_name():
    forged = replace(presented(TOKEN), kid="01020304")
    assert not refresh_token.is_authentic(KEYS, forged, GRANT)


def test_keys_and_macs_stay_out_of_the_representation():
    assert "canary" not in repr(KEYS)
    assert "mac" not in repr(presented(TOKEN))


# --- the verdict ----------------------------------------------------------------------------

DAY = 86400
HOUR = 3600
VERDICTS = [
    # generation presented (the grant's is 3), seconds since it rotated, verdict
    (3, 0, "current"),
    (3, GRACE + 1, "current"),
    (3, 29 * DAY, "current"),
    (3, -HOUR, "current"),
    (2, 0, "retry"),
    (2, GRACE, "retry"),
    (2, -GRACE, "retry"),
    (2, GRACE + 1, "reuse"),
    (2, -GRACE - 1, "reuse"),
    (2, HOUR, "reuse"),
    (2, -HOUR, "reuse"),
    (2, 29 * DAY, "reuse"),
    (1, 0, "reuse"),  # its successor was used: that ended the grace
    (1, 1, "reuse"),
    (0, 0, "reuse"),
    (0, 29 * DAY, "reuse"),
    (4, 0, "unknown_generation"),
    (4, -HOUR, "unknown_generation"),
    (4, 400 * DAY, "unknown_generation"),
    (2**32 - 1, 0, "unknown_generation"),
    # past the idle end, past the absolute end: replay is judged first
    (3, 30 * DAY, "expired"),
    (3, 30 * DAY - 1, "current"),
    (3, 366 * DAY, "expired"),
    (2, 31 * DAY, "reuse"),
    (2, 400 * DAY, "reuse"),
    (1, 400 * DAY, "reuse"),
]


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize(("generation", "elapsed", "verdict"), VERDICTS)
def test_every_presentation_has_its_verdict(generation, elapsed, verdict):
    assert refresh_token.judge(GRANT, generation, NOW + elapsed) == verdict


@pytest.mark.parametrize(
    "ending",
    [replace(GRANT, expires_at=NOW + 30), replace(GRANT, idle_expires_at=NOW + 30)],
    ids=["absolute", "idle"],
)
def test_a_retry_does_not_outlive_the_grant(ending):
    assert refresh_token.judge(ending, 2, NOW + 29) == "retry"
    assert refresh_token.judge(ending, 2, NOW + 30) == "expired"
    assert refresh_token.judge(ending, 3, NOW + 29) == "current"
    assert refresh_token.judge(ending, 3, NOW + 30) == "expired"


def test_a_grant_that_never_rotated_has_nothing_to_repeat():
    fresh = replace(GRANT, generation=0)
    assert refresh_token.judge(fresh, 0, NOW) == "current"
    assert refresh_token.judge(fresh, 1, NOW) == "unknown_generation"


@given(st.integers(0, 10), st.integers(-(10**9), 10**9))
def test_only_the_newest_generation_is_ever_current(generation, elapsed):
    verdict = refresh_token.judge(GRANT, generation, NOW + elapsed)
    assert (verdict == "current") <= (generation == 3)
    assert (verdict == "retry") <= (generation == 2 and abs(elapsed) <= GRACE)
    assert (verdict == "reuse") == (generation < 2 or (generation == 2 and abs(elapsed) > GRACE))
