"""Every logout token that must log nobody out, and the odd ones that may."""

from dataclasses import replace

import pytest

from authserver.upstream.bulkhead import Bulkhead
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, NOW, Issued
from tests.upstream.jose import new_key, segment
from tests.upstream.logging_out import EVENT, logout_token
from tests.upstream.spoiled_server import Spoiled

pytestmark = pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")

TENANTS = ("tenant-a", "tenant-b")


@pytest.fixture
def tokens(login):
    return login.client.logout_tokens


def _reason(tokens, token, now=NOW):
    with pytest.raises(UpstreamError) as refusal:
        tokens.verify(token, now)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "id_token_issuer"),
        ({"iss": ABSENT}, "id_token_issuer"),
        ({"aud": "other"}, "id_token_audience"),
        ({"aud": ABSENT}, "id_token_audience"),
        ({"aud": [CLIENT_ID, "other"]}, "id_token_audience"),
        ({"aud": CLIENT_ID.upper()}, "id_token_audience"),
        ({"exp": NOW - 60}, "id_token_expired"),
        ({"exp": "1900000000"}, "id_token_malformed"),
        ({"exp": None}, "id_token_malformed"),
        ({"iat": NOW + 61}, "id_token_not_yet_valid"),
        ({"iat": NOW - 601, "exp": NOW + 120}, "id_token_stale"),
        ({"iat": NOW - 601, "exp": ABSENT}, "id_token_stale"),
        ({"iat": ABSENT}, "id_token_malformed"),
        ({"nbf": NOW + 61}, "id_token_not_yet_valid"),
        ({"events": ABSENT}, "logout_token_event"),
        ({"events": None}, "logout_token_event"),
        ({"events": {}}, "logout_token_event"),
        ({"events": EVENT}, "logout_token_event"),
        ({"events": [EVENT]}, "logout_token_event"),
        ({"events": {EVENT: None}}, "logout_token_event"),
        ({"events": {EVENT: True}}, "logout_token_event"),
        ({"events": {EVENT: []}}, "logout_token_event"),
        ({"events": {EVENT.replace("http:", "https:"): {}}}, "logout_token_event"),
        ({"events": {EVENT + "/": {}}}, "logout_token_event"),
        ({"nonce": "n-1"}, "logout_token_nonce"),
        ({"nonce": ""}, "logout_token_nonce"),
        ({"nonce": None}, "logout_token_nonce"),
        ({"sub": ABSENT, "sid": ABSENT}, "logout_token_subject"),
        ({"sub": None}, "id_token_subject"),
        ({"sub": ""}, "id_token_subject"),
        ({"sub": 7}, "id_token_subject"),
        ({"sub": "u" * 256}, "id_token_subject"),
        ({"sub": "user\n1"}, "id_token_subject"),
        ({"sid": ""}, "logout_token_malformed"),
        ({"sid": None}, "logout_token_malformed"),
        ({"sid": 7}, "logout_token_malformed"),
        ({"sid": ["session-1"]}, "logout_token_malformed"),
        ({"sid": "session\n1"}, "logout_token_malformed"),
        ({"sid": "session\0"}, "id_token_malformed"),
        ({"jti": ABSENT}, "logout_token_malformed"),
        ({"jti": ""}, "logout_token_malformed"),
        ({"jti": 7}, "logout_token_malformed"),
    ],
    ids=repr,
)
def test_a_token_with_a_claim_that_is_wrong_is_refused(tokens, idp, claims, reason):
    assert _reason(tokens, logout_token(idp, **claims)) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "at+jwt"}, "id_token_malformed"),
        ({"typ": "secevent+jwt"}, "id_token_malformed"),
        ({"typ": None}, "id_token_malformed"),
        ({"kid": "key-9"}, "id_token_key_unknown"),
        ({"crit": ["exp"]}, "id_token_malformed"),
    ],
    ids=repr,
)
def test_a_token_with_a_header_that_is_wrong_is_refused(tokens, idp, header, reason):
    assert _reason(tokens, logout_token(idp, header)) == reason


def test_a_token_without_a_signature_is_refused(tokens, idp):
    claims = logout_token(idp).split(".")[1]
    header = segment(b'{"alg":"none","typ":"logout+jwt"}')
    assert _reason(tokens, f"{header}.{claims}.") == "id_token_alg"
    assert _reason(tokens, f"{logout_token(idp)}x") == "id_token_signature"


def test_a_token_that_another_key_signed_is_refused(tokens, idp):
    tokens.verify(logout_token(idp), NOW)
    idp.signing_key = new_key()
    assert _reason(tokens, logout_token(idp)) == "id_token_signature"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ünicode", "a.b.c.d.e"], ids=repr)
def test_what_is_no_token_is_refused(tokens, token):
    assert _reason(tokens, token) == "id_token_malformed"


def test_an_id_token_logs_nobody_out(tokens, idp):
    issued = Issued({"nonce": "n-1"}, "user-1")
    assert _reason(tokens, idp.mint(issued, "access")) == "logout_token_event"
    idp.claims = {"events": {EVENT: {}}, "jti": "jti-1"}
    assert _reason(tokens, idp.mint(issued, "access")) == "logout_token_nonce"


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", ABSENT]
)
def test_a_token_need_not_say_its_type(tokens, idp, typ):
    logout = tokens.verify(logout_token(idp, {"typ": typ}), NOW)
    assert (logout.issuer, logout.subject, logout.sid) == (idp.issuer, "user-1", "session-1")


def test_a_token_names_a_user_or_a_session_or_both(tokens, idp):
    by_sub = tokens.verify(logout_token(idp, sid=ABSENT), NOW)
    by_sid = tokens.verify(logout_token(idp, sub=ABSENT), NOW)
    by_both = tokens.verify(logout_token(idp), NOW)

    assert (by_sub.subject, by_sub.sid) == ("user-1", None)
    assert (by_sid.subject, by_sid.sid) == (None, "session-1")
    assert by_sid.ends == by_both.ends != by_sub.ends


@pytest.mark.parametrize("value", [{}, {"reason": "off-boarded"}])
def test_what_the_event_says_more_does_not_matter(tokens, idp, value):
    events = {EVENT: value, "https://idp.example/event": {}}
    assert tokens.verify(logout_token(idp, events=events), NOW).sid == "session-1"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": ABSENT},
        {"exp": NOW + 10**9},
        {"exp": NOW + 0.5},
        {"iat": NOW - 599},
        {"iat": NOW + 60, "exp": ABSENT},
    ],
    ids=repr,
)
def test_a_token_is_remembered_until_it_is_refused_for_its_age(tokens, idp, claims):
    token = logout_token(idp, **claims)
    expires_at = tokens.verify(token, NOW).expires_at

    assert NOW < expires_at <= NOW + 721
    assert _reason(tokens, token, expires_at) in ("id_token_expired", "id_token_stale")


def test_copies_of_a_token_are_one_and_other_tokens_are_others(tokens, idp):
    digests = [
        tokens.verify(logout_token(idp, jti=jti, sid=sid), NOW).digest
        for jti, sid in (("a", "session-1"), ("a", "session-2"), ("b", "session-1"))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_user_is_named_by_the_claim_that_names_them_in_id_tokens(make_login, idp):
    tokens = make_login(subject_claim="oid").client.logout_tokens

    assert tokens.verify(logout_token(idp, oid="object-1"), NOW).subject == "object-1"
    by_sid = tokens.verify(logout_token(idp), NOW)
    assert (by_sid.subject, by_sid.sid) == (None, "session-1")
    assert _reason(tokens, logout_token(idp, sid=ABSENT)) == "logout_token_subject"


def test_of_many_tenants_the_token_is_one_of_a_tenant_we_know(make_login, idp):
    issuer = idp.issuer
    idp.metadata = {"issuer": f"{issuer}/{{tenantid}}"}
    tokens = make_login(
        issuer=f"{issuer}/{{tenantid}}",
        discovery_url=f"{issuer}/.well-known/openid-configuration",
        tenants=TENANTS,
    ).client.logout_tokens

    known = logout_token(idp, iss=f"{issuer}/tenant-a", tid="tenant-a")
    assert tokens.verify(known, NOW).issuer == f"{issuer}/tenant-a"
    stranger = logout_token(idp, iss=f"{issuer}/tenant-c", tid="tenant-c")
    assert _reason(tokens, stranger) == "id_token_tenant"
    mixed = logout_token(idp, iss=f"{issuer}/tenant-a", tid="tenant-b")
    assert _reason(tokens, mixed) == "id_token_issuer"


def test_a_new_key_of_the_provider_is_fetched(tokens, idp):
    tokens.verify(logout_token(idp), NOW)
    idp.rotate()
    assert tokens.verify(logout_token(idp), NOW).sid == "session-1"


def test_strangers_cannot_make_us_ask_for_keys_again_and_again(tokens, idp, clock):
    for number in range(20):
        assert _reason(tokens, logout_token(idp, {"kid": str(number)})) == "id_token_key_unknown"
        clock.seconds += 1
    assert len(idp.asked("/jwks")) == 2  # the first set, and one more try
    assert len(idp.asked("/.well-known/openid-configuration")) == 1


def test_known_keys_need_no_provider_and_no_turn(tokens, idp):
    tokens.verify(logout_token(idp), NOW)
    idp.spoiled = {"/jwks": Spoiled(503), "/.well-known/openid-configuration": Spoiled(503)}
    busy = replace(tokens, bulkhead=Bulkhead(1))

    with busy.bulkhead.call():  # whoever waits for the provider, logouts do not
        assert busy.verify(logout_token(idp), NOW).sid == "session-1"
        with pytest.raises(UpstreamUnavailable):
            busy.verify(logout_token(idp, {"kid": "key-9"}), NOW)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
def test_without_keys_nothing_is_decided(tokens, idp, path):
    idp.spoiled[path] = Spoiled(503)
    with pytest.raises(UpstreamUnavailable):
        tokens.verify(logout_token(idp), NOW)
