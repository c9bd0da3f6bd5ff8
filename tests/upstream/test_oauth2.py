"""Sign-in at a plain OAuth 2.0 server: who it says signed in, and what is not believed."""

import dataclasses
import logging
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from authserver.oauth import pkce
from authserver.settings import OAuth2Upstream
from authserver.settings.upstream import ProfileFields, TokenFields
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.oauth2 import OAuth2UpstreamClient
from tests.upstream.conftest import NONCE, REDIRECT_URI, STATE, VERIFIER
from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, CLIENT_SECRET, NOW
from tests.upstream.plain_server import ID, PlainServer
from tests.upstream.spoiled_server import Spoiled
from tests.upstream.test_secrets_stay import _canaries, _texts

TOKEN = "/login/oauth/access_token"
BIG = 2**63 + 1


@pytest.fixture
def idp():
    with PlainServer() as server:
        yield server


@dataclasses.dataclass
class Login:
    idp: PlainServer
    client: OAuth2UpstreamClient

    def url(self, **optional):
        return self.client.authorization_url(
            state=STATE, nonce=NONCE, code_verifier=VERIFIER, **optional
        )

    def redeem(self, callback, **changes):
        arguments = {"code_verifier": VERIFIER, "nonce": NONCE, "now": NOW, **changes}
        return self.client.exchange(
            code=callback["code"], **{"iss": callback.get("iss"), **arguments}
        )

    def sign_in(self, **changes):
        return self.redeem(self.idp.sign_in(self.url()), **changes)


@pytest.fixture
def make_login(idp):
    clients = []

    def make(**changes):
        values = {
            "issuer": idp.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "client_auth": "client_secret_post",
            "authorization_endpoint": f"{idp.origin}/login/oauth/authorize",
            "token_endpoint": f"{idp.origin}{TOKEN}",
            "userinfo_endpoint": f"{idp.origin}/user",
            "emails_endpoint": f"{idp.origin}/user/emails",
            "scopes": ("read:user", "user:email"),
            "subject": ("id",),
            "fields": ProfileFields(name=("name", "login")),
        }
        clients.append(OAuth2UpstreamClient(OAuth2Upstream(**{**values, **changes}), REDIRECT_URI))
        return Login(idp, clients[-1])

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def login(make_login):
    return make_login()


def _reason(call):
    with pytest.raises(UpstreamError) as refusal:
        call()
    return refusal.value.reason


def test_a_user_is_the_number_and_has_the_primary_verified_address(login, idp):
    found = login.sign_in()

    assert (found.issuer, found.subject) == (idp.issuer, str(ID))
    assert (found.name, found.email, found.email_verified) == (
        "Ada Lovelace", "ada@example.com", True,
    )  # fmt: skip
    assert (found.auth_time, found.sid) == (None, None)
    assert found.claims["login"] == f"ada-{ID}"
    assert found.tokens.scope == ("read:user", "user:email")
    assert found.tokens.expires_in is found.tokens.refresh_token is found.tokens.id_token is None


def test_who_takes_over_a_login_name_is_somebody_else(login, idp):
    first = login.sign_in()
    idp.user, idp.subject = {"login": f"ada-{ID}"}, "7"

    assert login.sign_in().subject == "7" != first.subject


@pytest.mark.spec("RFC 9700", "2.1.1")
def test_the_request_always_has_pkce_and_state(login, idp):
    url = login.url(login_hint="ada", max_age=0)
    query = parse_qs(urlsplit(url).query, strict_parsing=True)

    assert url.startswith(f"{idp.origin}/login/oauth/authorize?")
    assert query == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [REDIRECT_URI],
        "scope": ["read:user user:email"],
        "state": [STATE],
        "login_hint": ["ada"],
        "code_challenge": [pkce.challenge(VERIFIER)],
        "code_challenge_method": ["S256"],
    }


@pytest.mark.parametrize(
    ("known", "wanted", "sent"),
    [
        ((), "login", None),
        (("select_account",), "login", "select_account"),
        (("select_account",), None, None),
        (("login", "select_account"), "select_account", "select_account"),
    ],
)
def test_a_prompt_is_sent_in_words_that_the_provider_knows(make_login, known, wanted, sent):
    query = parse_qs(urlsplit(make_login(prompts=known).url(prompt=wanted)).query)
    assert query.get("prompt") == (sent and [sent])


def test_no_scope_is_asked_for_where_none_is_configured(make_login):
    assert "scope" not in parse_qs(urlsplit(make_login(scopes=()).url()).query)


def test_scopes_go_under_the_name_that_the_provider_has_for_them(make_login):
    query = parse_qs(urlsplit(make_login(scope_parameter="user_scope").url()).query)
    assert query["user_scope"] == ["read:user user:email"]
    assert "scope" not in query


def test_what_is_kept_is_asked_for_only_where_it_is_kept(make_login):
    login = make_login(offline_scopes=("offline",), offline_params={"access_type": "offline"})
    plain = parse_qs(urlsplit(login.url()).query)
    kept = parse_qs(urlsplit(login.url(kept_scopes=("repo",))).query)
    assert (plain["scope"], "access_type" in plain) == (["read:user user:email"], False)
    assert kept["scope"] == ["read:user user:email repo offline"]
    assert kept["access_type"] == ["offline"]


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ({"id": BIG}, str(BIG)),
        ({"id": 2**64 - 1}, str(2**64 - 1)),
        ({"id": 0}, "0"),
        ({"id": "00-7"}, "00-7"),
        ({"id": "é:7"}, "é:7"),
    ],
)
def test_a_number_or_text_that_names_the_user_is_taken_exactly(login, idp, user, subject):
    idp.user = user
    assert login.sign_in().subject == subject


@pytest.mark.parametrize(
    "value",
    [
        ABSENT, None, "", True, False, 1.0, 5e9, 2**64, -(2**64), [], [7], {}, {"id": 7},
        "a\nb", "a\u202eb", "x" * 256,
    ],
)  # fmt: skip
def test_what_is_no_certain_name_signs_nobody_in(login, idp, value):
    idp.user = {"id": value}
    assert _reason(login.sign_in) == "identity_subject"


@pytest.mark.parametrize(
    ("paths", "user", "subject"),
    [
        (("uid", "id"), {}, str(ID)),
        (("uid", "id"), {"uid": ""}, str(ID)),
        (("uid", "id"), {"uid": None}, str(ID)),
        (("uid", "id"), {"uid": "u"}, "u"),
        (("account.id",), {"account": {"id": 7}}, "7"),
        (("a.b.c",), {"a": {"b": {"c": "x"}}}, "x"),
        (("team.id+account.id",), {"team": {"id": "T1"}, "account": {"id": 7}}, "T1:7"),
        (("team.id+account.id",), {"team": {"id": "T:1"}, "account": {"id": "7"}}, "T%3A1:7"),
        (("team.id+id", "id"), {"team": {}}, str(ID)),
    ],
)
def test_the_first_field_that_is_not_empty_names_the_user(make_login, idp, paths, user, subject):
    idp.user = user
    assert make_login(subject=paths).sign_in().subject == subject


def test_a_field_of_the_wrong_kind_is_not_passed_over_for_the_next(make_login, idp):
    idp.user = {"uid": {"a": 1}}
    assert _reason(make_login(subject=("uid", "id")).sign_in) == "identity_subject"


@pytest.mark.parametrize(
    ("emails", "found"),
    [
        ([{"email": "a@x", "primary": True, "verified": True}], ("a@x", True)),
        ([{"email": "a@x", "primary": True, "verified": False}], ("a@x", False)),
        ([{"email": "a@x", "primary": True}], ("a@x", False)),
        ([{"email": "a@x", "primary": True, "verified": "true"}], ("a@x", False)),
        ([{"email": "a@x", "primary": False, "verified": True}], ("shown@example.com", False)),
        ([{"email": "a@x", "primary": 1, "verified": True}], ("shown@example.com", False)),
        ([{"email": "a@x", "primary": True, "verified": True}] * 2, ("shown@example.com", False)),
        ([{"email": 7, "primary": True, "verified": True}], ("shown@example.com", False)),
        (["a@x", None, 7], ("shown@example.com", False)),
        ([], ("shown@example.com", False)),
        ({"email": "a@x", "primary": True, "verified": True}, ("shown@example.com", False)),
    ],
)
def test_an_address_is_verified_only_as_the_primary_one_of_the_list(login, idp, emails, found):
    idp.emails = emails
    idp.user = {"email_verified": True}
    identity = login.sign_in()
    assert (identity.email, identity.email_verified) == found


@pytest.mark.parametrize("answer", [Spoiled(403), Spoiled(404), Spoiled(500), Spoiled(200, b"<")])
def test_a_missing_list_of_addresses_costs_the_verification_and_not_the_sign_in(login, idp, answer):
    idp.spoiled["/user/emails"] = answer
    identity = login.sign_in()
    assert (identity.subject, identity.email_verified) == (str(ID), False)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_user_document_that_is_refused_signs_nobody_in(login, idp, status):
    idp.spoiled["/user"] = Spoiled(status, b'{"id": 1}')
    assert _reason(login.sign_in) == "userinfo_refused"


@pytest.mark.parametrize(
    "answer",
    [
        Spoiled(500, b'{"id": 1}'),
        Spoiled(429, b'{"id": 1}'),
        Spoiled(302, b"", {"Location": "/elsewhere"}),
        Spoiled(200, b"<html>"),
        Spoiled(200, b"[]"),
        Spoiled(200, b'{"id": 1, "id": 2}'),
        Spoiled(200, b'{"id": ' + b"9" * 5000 + b"}"),
        Spoiled(200, b'{"id": 1, "x": "' + b"x" * 2**21 + b'"}'),
    ],
)
@pytest.mark.parametrize("path", ["/user", TOKEN])
def test_nonsense_is_an_outage_and_never_a_user(login, idp, path, answer):
    idp.spoiled[path] = answer
    with pytest.raises(UpstreamUnavailable):
        login.sign_in()


@pytest.mark.parametrize("path", ["/user", "/user/emails", TOKEN])
def test_a_slow_provider_ends_within_the_time_of_one_sign_in(make_login, idp, path):
    idp.spoiled[path] = Spoiled(200, b"{}", drip=0.1)
    login = make_login(request_timeout=0.5)
    began = time.monotonic()
    if path == "/user/emails":
        assert login.sign_in().email_verified is False
    else:
        with pytest.raises(UpstreamUnavailable):
            login.sign_in()
    assert time.monotonic() - began < 2


@pytest.mark.spec("RFC 6749", "5.2")
def test_an_error_that_comes_with_status_200_is_one(login, idp):
    callback = idp.sign_in(login.url())
    idp.codes.clear()
    with pytest.raises(UpstreamError) as refusal:
        login.redeem(callback)
    assert refusal.value.detail == "200 bad_verification_code"


def test_a_code_of_another_browser_is_worth_nothing(login, idp):
    callback = idp.sign_in(login.url())
    assert _reason(lambda: login.redeem(callback, code_verifier="x" * 43)) == "upstream_refused"


@pytest.mark.parametrize("max_age", [0, 3600])
def test_a_sign_in_whose_age_matters_is_refused_before_the_code_is_used(login, idp, max_age):
    assert _reason(lambda: login.sign_in(max_age=max_age)) == "auth_time_unknown"
    assert not idp.asked(TOKEN)


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.parametrize(
    "iss", ["https://evil.example", "", "http://[", "http://127.0.0.1:1/login/oauth"]
)
@pytest.mark.parametrize("derived", [True, False])
def test_a_callback_of_another_issuer_is_refused_before_its_code_is_used(
    make_login, idp, derived, iss
):
    login = make_login(issuer=idp.origin if derived else idp.issuer, derived_issuer=derived)
    idp.callback = {"iss": iss}
    assert _reason(login.sign_in) == "iss_mismatch"
    assert not idp.asked(TOKEN)


def test_an_issuer_that_is_written_down_is_compared_to_the_letter(make_login, idp):
    idp.callback = {"iss": f"{idp.issuer}/"}
    assert _reason(make_login().sign_in) == "iss_mismatch"
    assert make_login(issuer=idp.origin, derived_issuer=True).sign_in().issuer == idp.origin


@pytest.mark.parametrize("after", ["1/login/oauth", ".evil.example/", "@evil.example/"])
def test_an_origin_is_not_the_beginning_of_another(make_login, idp, after):
    idp.callback = {"iss": f"{idp.origin}{after}"}
    assert _reason(make_login(issuer=idp.origin, derived_issuer=True).sign_in) == "iss_mismatch"


def test_a_provider_that_sends_no_iss_signs_in(login, idp):
    idp.callback = {"iss": ABSENT}
    assert login.sign_in().subject == str(ID)


NESTED = {
    "ok": True,
    "access_token": "xoxb-canary-bot",
    "token_type": "bot",
    "scope": "",
    "team": {"id": "T024", "name": "Team"},
    "authed_user": {
        "id": "U061",
        "scope": "users:read,users:read.email",
        "access_token": "xoxp-canary-user",
        "token_type": "user",
        "refresh_token": "xoxe-canary-refresh",
        "expires_in": 43200,
    },
}
SLACK = {
    "userinfo_endpoint": None,
    "emails_endpoint": None,
    "subject": ("team.id+authed_user.id",),
    "token_fields": TokenFields(
        access_token="authed_user.access_token",
        refresh_token="authed_user.refresh_token",
        expires_in="authed_user.expires_in",
        scope="authed_user.scope",
    ),
}


def test_without_userinfo_the_token_response_says_who_it_is(make_login, idp):
    idp.token_answer = NESTED
    found = make_login(**SLACK).sign_in()

    assert found.subject == "T024:U061"
    assert found.tokens.access_token == "xoxp-canary-user"
    assert found.tokens.refresh_token == "xoxe-canary-refresh"
    assert found.tokens.expires_in == 43200
    assert found.tokens.scope == ("users:read", "users:read.email")
    assert not idp.asked("/user")


def test_the_tokens_of_a_token_response_are_no_claims_of_the_user(make_login, idp):
    idp.token_answer = {**NESTED, "name": "Ada", "groups": ["devs"]}
    found = make_login(**SLACK).sign_in()

    assert found.claims == {"name": "Ada", "groups": ["devs"]}
    assert not _canaries(repr(found), repr(found.tokens), repr(dict(found.claims)))


@pytest.mark.parametrize("missing", ["team", "authed_user"])
def test_half_a_name_in_the_token_response_signs_nobody_in(make_login, idp, missing):
    answer = {**NESTED, missing: ABSENT}
    if missing == "authed_user":
        answer["authed_user"] = {"access_token": "x"}
    idp.token_answer = answer
    assert _reason(make_login(**SLACK).sign_in) == "identity_subject"


@pytest.mark.parametrize(
    ("expires_in", "found"),
    [(300, 300), ("300", 300), (0, None), (-1, None), (True, None), (1.5, None), ("soon", None),
     (2**64, None), (None, None)],
)  # fmt: skip
def test_a_lifetime_is_a_positive_number_of_seconds_or_unknown(login, idp, expires_in, found):
    idp.token_answer = {"expires_in": expires_in}
    assert login.sign_in().tokens.expires_in == found


FAILURES = {
    "refused": lambda idp: idp.codes.clear(),
    "redirected": lambda idp: idp.spoiled.update({TOKEN: Spoiled(302, b"", {"Location": "/c"})}),
    "echoed": lambda idp: idp.spoiled.update(
        {TOKEN: Spoiled(200, f'{{"error": "{VERIFIER}"}}'.encode())}
    ),
    "user refused": lambda idp: idp.spoiled.update({"/user": Spoiled(401, b"canary")}),
    "nobody": lambda idp: idp.user.update({"id": "canary\n"}),
    "fine": lambda idp: idp.user.clear(),
}


@pytest.mark.spec("RFC 9700", "4.2.4")
@pytest.mark.parametrize("spoil", FAILURES.values(), ids=FAILURES.keys())
def test_no_secret_is_in_an_error_or_a_log(login, idp, caplog, spoil):
    caplog.set_level(logging.DEBUG)
    callback = idp.sign_in(login.url())
    spoil(idp)
    try:
        texts = [repr(login.redeem(callback))]
    except (UpstreamError, UpstreamUnavailable) as error:
        texts = _texts(error)
    assert texts
    assert not _canaries(*texts, caplog.text)
