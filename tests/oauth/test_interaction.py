from dataclasses import replace
from itertools import product

import pytest

from authserver.oauth.interaction import (
    Answer,
    AskConsent,
    PendingAuthorization,
    Refuse,
    RememberedConsent,
    Session,
    SignIn,
    is_assured,
    next_step,
)
from tests.oauth.samples import CLIENT, NOW, REQUEST

HTTPS = "https://agents.example.com/cb"
OPERATORS = replace(CLIENT, preregistered=True, redirect_uris=(HTTPS,))
PENDING = PendingAuthorization(
    id="p-1",
    request=REQUEST,
    binding_digest="canary",
    network_digest="network",
    epochs=0,
    created_at=NOW,
    expires_at=NOW + 600,
)
OLD = Session("canary", "user-1", auth_time=NOW - 500, created_at=NOW - 500, last_seen_at=NOW)
SESSIONS = {
    "none": None,
    "old": OLD,
    "new": replace(OLD, auth_time=NOW + 10, created_at=NOW + 10, signed_in_for=PENDING.id),
    "idle": replace(OLD, created_at=NOW - 9000, last_seen_at=NOW - 3600),
    "ended": replace(OLD, created_at=NOW - 12 * 3600),
}
PROMPTS = [
    "",
    "none",
    "login",
    "consent",
    "select_account",
    "login consent",
    "consent select_account",
]


ALLOWED = REQUEST.scope


def step(
    *,
    assured=False,
    prompt="",
    session=OLD,
    allowed=ALLOWED,
    remembered=False,
    max_age=None,
    now=NOW + 20,
):
    request = replace(
        REQUEST,
        prompt=frozenset(prompt.split()),
        max_age=max_age,
        redirect_uri=HTTPS if assured else REQUEST.redirect_uri,
    )
    pending = replace(PENDING, request=request)
    client = OPERATORS if assured else CLIENT
    return next_step(pending, client, session, allowed, remembered, now)


def name_of(found):
    return f"Refuse {found.error.code}" if isinstance(found, Refuse) else type(found).__name__


def expected(assured, prompt, session, allowed, remembered):
    """The whole table, said another way than the code says it."""
    asked_again = {"login", "select_account"} & set(prompt.split())
    signed_in = session == "new" or (session == "old" and not asked_again)
    if not signed_in:
        return "Refuse login_required" if prompt == "none" else "SignIn"
    if not allowed:
        return "Refuse access_denied" if prompt == "none" else "Deny"
    if assured and remembered and "consent" not in prompt:
        return "Answer"
    return "Refuse consent_required" if prompt == "none" else "AskConsent"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
@pytest.mark.parametrize(
    ("assured", "prompt", "session", "allowed", "remembered"),
    list(product([False, True], PROMPTS, SESSIONS, [None, ALLOWED], [False, True])),
)
def test_every_combination_has_its_step(assured, prompt, session, allowed, remembered):
    found = step(
        assured=assured,
        prompt=prompt,
        session=SESSIONS[session],
        allowed=allowed,
        remembered=remembered,
    )
    assert name_of(found) == expected(assured, prompt, session, allowed, remembered)


@pytest.mark.spec("OAuth 2.1", "7.3.1")
@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("session", SESSIONS.values())
def test_an_unassured_client_is_never_answered_without_the_page(prompt, session):
    assert not isinstance(step(prompt=prompt, session=session, remembered=True), Answer)


def test_memory_shortens_the_page_of_an_unassured_client():
    assert step(remembered=True) == AskConsent(ALLOWED, remembered=True)
    assert step(remembered=False) == AskConsent(ALLOWED, remembered=False)
    again = step(assured=True, remembered=True, prompt="consent")
    assert again == AskConsent(ALLOWED, remembered=True)


def test_page_and_memory_grant_what_was_asked_as_far_as_it_is_allowed():
    assert step(assured=True, remembered=True) == Answer(("issues:read",))
    assert step(assured=True, remembered=True, allowed=("openid",)) == Answer(("openid",))
    assert step(allowed=("openid",)) == AskConsent(("openid",), remembered=False)
    assert step(allowed=()) == AskConsent((), remembered=False)  # a resource without scopes


@pytest.mark.parametrize(
    ("preregistered", "redirect_uri", "assured"),
    [
        (True, HTTPS, True),
        (False, HTTPS, False),
        (True, "http://127.0.0.1:1/cb", False),
        (True, "https://localhost/cb", False),
        (True, "https://127.0.0.1/cb", False),
        (True, "https://app.localhost/cb", False),
        (True, "cursor://x/cb", False),
        (True, "com.example.app:/cb", False),
    ],
)
def test_only_what_the_operator_registered_off_this_computer_is_assured(
    preregistered, redirect_uri, assured
):
    assert is_assured(replace(CLIENT, preregistered=preregistered), redirect_uri) is assured


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize(
    ("max_age", "now", "expected"),
    [
        (None, NOW + 3000, AskConsent),
        (520, NOW + 20, AskConsent),
        (519, NOW + 20, SignIn),
        (0, NOW + 20, SignIn),
        (0, NOW - 501, AskConsent),  # a clock that was put back
    ],
)
def test_max_age_limits_the_age_of_a_login(max_age, now, expected):
    assert isinstance(step(max_age=max_age, now=now), expected)


def test_a_login_made_for_this_request_is_new_enough_for_it():
    assert isinstance(step(max_age=0, session=SESSIONS["new"], now=NOW + 500), AskConsent)


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": 60}])
def test_a_login_made_meanwhile_for_another_request_does_not_meet_this_ones_demand(demand):
    elsewhere = replace(OLD, auth_time=NOW - 36000, created_at=NOW + 10, signed_in_for="p-2")

    assert isinstance(step(session=elsewhere, **demand), SignIn)
    assert isinstance(step(session=elsewhere), AskConsent)


@pytest.mark.parametrize(
    ("created", "seen", "expired"),
    [
        (0, 0, False), (-12 * 3600 + 1, 0, False), (-12 * 3600, 0, True),
        (-3599, -3599, False), (-3600, -3600, True), (0, -3600, True), (500, 500, False),
    ],
)  # fmt: skip
def test_a_session_ends_after_twelve_hours_or_one_idle(created, seen, expired):
    session = replace(OLD, created_at=NOW + created, last_seen_at=NOW + seen)
    assert session.expired(NOW) is expired


@pytest.mark.parametrize(
    ("remembered", "digest", "covers"),
    [
        (("issues:read",), "d", True),
        (("issues:write", "issues:read"), "d", True),
        (("issues:write",), "d", False),
        ((), "d", False),
        (("issues:read",), "other", False),
    ],
)
def test_memory_covers_what_was_allowed_for_the_client_as_it_was(remembered, digest, covers):
    consent = RememberedConsent(remembered, "d", NOW)
    assert consent.covers(REQUEST.scope, digest) is covers


def test_digests_of_cookies_stay_out_of_the_representation():
    assert "canary" not in repr(PENDING) + repr(OLD)
