"""A client brings what its user's company says of them (ID-JAG): MCP Enterprise-Managed Authz."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import pytest

from authserver.grants import identity_assertion
from authserver.keys import NoSigningKey, SigningKeys
from authserver.oauth import epoch
from tests.actors import ISSUER, RESOURCE, Browser, Deployment, McpClient, claims_of
from tests.asserting import SECRET, assertion, bring, start
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.exchanging import WIKI, basic, form
from tests.foreign import ABSENT, minted
from tests.proving import Holder, stranger
from tests.publishing import CALLBACK, Publisher, resolve
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.jose import new_key, sign
from tests.upstream.logging_out import logout_token
from tests.upstream.spoiled_server import Spoiled

EMA = "Enterprise-Managed Authorization"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WELL_KNOWN = "/.well-known/oauth-authorization-server"


@pytest.fixture
def company():
    with HostileIdp() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company) as started:
        yield started


def refused(answer, error="invalid_grant", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, error)


def granted(answer):
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return claims_of(answer.json["access_token"])


@pytest.mark.spec("MCP 2026-07-28", EMA)
@pytest.mark.spec("RFC 7523", "2.1")
def test_an_assertion_is_worth_one_access_token_and_nothing_to_renew_it(deployment, company):
    answer = bring(deployment, assertion(company, auth_time=company.now - 9, amr=["pwd", "otp"],
                                         acr="urn:example:2fa"))  # fmt: skip
    claims = granted(answer)
    assert (claims["aud"], claims["client_id"], claims["scope"]) == (
        RESOURCE, "agent", "issues:read",
    )  # fmt: skip
    assert (claims["auth_time"], claims["acr"], claims["amr"]) == (
        company.now - 9, "urn:example:2fa", ["pwd", "otp"],
    )  # fmt: skip
    assert claims["sub"].startswith("ext-")
    assert "refresh_token" not in answer.json
    assert answer.json["token_type"] == "Bearer"
    event = deployment.last("token.issued")
    assert (event["grant_type"], event["issuer"]) == (JWT_BEARER, company.issuer)


def test_its_token_lives_as_every_other_and_not_as_the_assertion(deployment, company):
    answer = bring(deployment, assertion(company, exp=company.now + 20))
    assert answer.json["expires_in"] == 900


@pytest.mark.spec("MCP 2026-07-28", EMA)
def test_the_metadata_says_so_only_where_an_issuer_is_trusted(
    deployment, sqlite_url, idp, tmp_path
):
    document = deployment.http().get(WELL_KNOWN).json
    profile = "urn:ietf:params:oauth:grant-profile:id-jag"
    assert document["authorization_grant_profiles_supported"] == [profile]
    assert JWT_BEARER in document["grant_types_supported"]
    (tmp_path / "plain").mkdir()
    with Deployment.start(tmp_path / "plain", sqlite_url, idp) as plain:
        document = plain.http().get(WELL_KNOWN).json
        assert "authorization_grant_profiles_supported" not in document
        assert JWT_BEARER not in document["grant_types_supported"]


def test_the_upstreams_users_are_the_same_as_when_they_sign_in(deployment, idp):
    client = McpClient(deployment).register()
    signed_in = claims_of(client.connect(Browser(deployment))["access_token"])["sub"]
    assert granted(bring(deployment, assertion(idp)))["sub"] == signed_in


def test_a_user_of_the_upstream_who_never_signed_in_is_the_same_afterwards(deployment, idp):
    about = granted(bring(deployment, assertion(idp, sub="user-1")))["sub"]
    assert about.startswith("usr-")
    client = McpClient(deployment).register()
    assert claims_of(client.connect(Browser(deployment))["access_token"])["sub"] == about


def test_another_issuers_subject_is_no_user_of_ours_whatever_its_address(deployment, company, idp):
    ours = granted(bring(deployment, assertion(idp, email="ada@example.com")))["sub"]
    theirs = assertion(company, email="ada@example.com", email_verified=True)
    assert granted(bring(deployment, theirs))["sub"] != ours


def test_a_subject_that_the_file_maps_is_that_user_or_nobody(deployment, company):
    refused(bring(deployment, assertion(company, sub="mapped-1")))


@pytest.mark.spec("MCP 2026-07-28", EMA)
def test_the_scope_is_what_is_asked_for_of_what_is_asserted(deployment, company):
    both = "issues:read issues:write nobodys:scope"

    def scope(asked, **claims):
        return bring(deployment, assertion(company, **claims), scope=asked)

    assert scope(None, scope=both).json["scope"] == "issues:read issues:write"
    assert scope("issues:write nobodys:scope", scope=both).json["scope"] == "issues:write"
    assert scope("issues:read issues:write").json["scope"] == "issues:read"
    assert scope("issues:write", scope=ABSENT).json["scope"] == "issues:write"
    assert scope(None, scope=ABSENT).json["scope"] == "issues:read issues:write"
    refused(scope("issues:write"), "invalid_scope")
    refused(scope(None, scope="nobodys:scope"), "invalid_scope")
    refused(scope(None, scope=""), "invalid_scope")


@pytest.mark.spec("MCP 2026-07-28", EMA)
def test_the_audience_is_the_resource_that_is_asserted(deployment, company):
    wiki: dict[str, Any] = {"resource": WIKI, "scope": "wiki:read"}
    assert granted(bring(deployment, assertion(company, **wiki)))["aud"] == WIKI
    assert granted(bring(deployment, assertion(company, **wiki), resource=WIKI))["aud"] == WIKI
    refused(bring(deployment, assertion(company, **wiki), resource=RESOURCE), "invalid_target")
    several: Any = {"resource": [RESOURCE, WIKI]}
    assert granted(bring(deployment, assertion(company, **several), resource=RESOURCE))
    refused(bring(deployment, assertion(company, resource=ABSENT)), "invalid_target")
    assert granted(bring(deployment, assertion(company, resource=ABSENT), resource=RESOURCE))


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_target"])
def test_an_unknown_resource_is_answered_as_the_operator_wants(
    sqlite_url, idp, company, tmp_path, error
):
    more = f'[tokens]\nidentity_assertion_unknown_resource = "{error}"\n'
    with start(tmp_path, sqlite_url, idp, company, more) as deployment:
        elsewhere = assertion(company, resource="https://elsewhere.example/mcp")
        refused(bring(deployment, elsewhere), error)
        assert deployment.last("request.refused")["reason"] == "id_jag_resource_unknown"


def test_a_client_that_may_not_is_told_so_and_one_that_fails_to_prove_itself_too(
    deployment, company
):
    token = assertion(company, client_id="robot")
    refused(bring(deployment, token, by="robot"), "unauthorized_client")
    wrong = form(deployment, "/token", {"grant_type": JWT_BEARER, "assertion": token},
                 headers=basic("agent", "x" * 32))  # fmt: skip
    refused(wrong, "invalid_client", 401)
    nobody = form(deployment, "/token", {"grant_type": JWT_BEARER, "assertion": token})
    assert nobody.json["error"] in ("invalid_client", "invalid_request")
    public = McpClient(deployment).register()
    said = {"grant_type": JWT_BEARER, "client_id": public.client_id}
    mine = assertion(company, client_id=public.client_id)
    refused(form(deployment, "/token", {**said, "assertion": mine}), "unauthorized_client")


def test_the_rules_of_a_resource_hold(sqlite_url, idp, company, tmp_path):
    more = '\n[resources.issues.allow]\nemail_domains = ["example.com"]\n'
    with start(tmp_path, sqlite_url, idp, company, more) as deployment:
        good: dict[str, Any] = {"email": "ada@example.com", "email_verified": True}
        assert granted(bring(deployment, assertion(idp, sub="u1", **good)))
        refused(bring(deployment, assertion(idp, sub="u2", email="e@evil.example")))
        refused(bring(deployment, assertion(company, **good)))
        assert deployment.last("request.refused")["reason"] == "id_jag_policy_denied"


GROUPS = """
[resources.issues.allow]
groups = ["dev"]
"""


def test_each_assertion_says_anew_whom_the_rules_admit(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:

        def ask(sub, **claims):
            return bring(deployment, assertion(idp, sub=sub, **claims))

        assert granted(ask("u1", groups=["dev"]))
        assert granted(ask("u1")), "what an assertion leaves out stays as it was said last"
        taken: tuple[Any, ...] = (["sales"], [], None, "", {})
        for gone in taken:
            refused(ask("u1", groups=gone))
            refused(ask("u1"))  # what takes a right away is kept, though it is refused
            assert granted(ask("u1", groups=["dev"]))
        refused(ask("u2"))
        first = granted(ask("u2", groups=["dev"]))["sub"]
        assert granted(ask("u2", groups=["dev", "ops"]))["sub"] == first


def test_an_older_word_does_not_bring_back_what_a_newer_one_took(
    sqlite_url, idp, company, tmp_path
):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        early = assertion(idp, groups=["dev"])
        idp.claims = {"groups": ["dev"]}
        client = McpClient(deployment).register()
        tokens = client.connect(Browser(deployment))
        deployment.wait(60)
        kept_back = assertion(idp, groups=["dev"])
        deployment.wait(60)
        refused(bring(deployment, assertion(idp, groups=[])))
        for old in (early, kept_back):
            refused(bring(deployment, old))
        assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_sign_in_counts_though_an_assertion_of_a_faster_clock_came_before(
    sqlite_url, idp, company, tmp_path
):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        granted(bring(deployment, assertion(idp, groups=["dev"], iat=idp.now + 25)))
        deployment.wait(2)
        idp.claims = {"groups": []}
        browser = Browser(deployment)
        page = browser.sign_in(browser.get(McpClient(deployment).register().authorize_url()))
        assert page.status_code == 403
        refused(bring(deployment, assertion(idp)))


def test_a_clock_that_was_ahead_freezes_nobody(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        deployment.wait(30 * 86400)
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        deployment.wait(-30 * 86400)
        refused(bring(deployment, assertion(idp, groups=[])))
        refused(bring(deployment, assertion(idp)))


def test_one_taken_with_another_word_first_loses_none(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        deployment.wait(1)
        early = assertion(idp, groups=[])
        deployment.wait(1)
        granted(bring(deployment, assertion(idp, department="x")))
        refused(bring(deployment, early))
        refused(bring(deployment, assertion(idp)))


def test_of_two_at_once_neither_gives_back_what_the_other_took(
    database_url,  # noqa: F811
    idp,
    company,
    tmp_path,
    monkeypatch,
):
    """On PostgreSQL the second waits for the first; on SQLite it could not even begin."""
    with start(tmp_path, database_url, idp, company, GROUPS) as deployment:
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        recheck, looked, go_on = identity_assertion.recheck, threading.Event(), threading.Event()
        told = assertion(idp, department="x")
        with ThreadPoolExecutor(2) as pool, monkeypatch.context() as patch:

            def slowly(*args):
                found = recheck(*args)
                looked.set()
                assert go_on.wait(20)
                return found

            patch.setattr(identity_assertion, "recheck", slowly)
            first = pool.submit(bring, deployment, told)
            assert looked.wait(20)
            second = pool.submit(bring, deployment, assertion(idp, groups=[]))
            wait([second], timeout=1)  # it cannot end before; where it could, it would by then
            go_on.set()
            granted(first.result(20))
            refused(second.result(20))
        refused(bring(deployment, assertion(idp)))


def test_how_a_user_signed_in_is_the_assertions_to_say(sqlite_url, idp, company, tmp_path):
    rules = '\n[resources.issues.allow]\nclaims = { amr = ["mfa"] }\n'
    with start(tmp_path, sqlite_url, idp, company, rules) as deployment:
        assert granted(bring(deployment, assertion(idp, amr=["mfa"])))
        refused(bring(deployment, assertion(idp, amr=["pwd"])))
        refused(bring(deployment, assertion(idp)))


@pytest.mark.parametrize(
    ("first", "then", "address"),
    [
        ({}, {}, ("ada@example.com", True)),
        ({}, {"email": "eve@example.com"}, ("eve@example.com", False)),
        ({}, {"email": None}, (None, False)),
        ({}, {"department": "x"}, ("ada@example.com", True)),
        ({"email_verified": False}, {"email_verified": True}, ("ada@example.com", False)),
    ],
    ids=["nothing", "another", "none", "something else", "half a word"],
)
def test_an_address_and_whether_it_is_verified_are_one_word(deployment, idp, first, then, address):
    said = {"email": "ada@example.com", "email_verified": True, "name": "Ada", **first}
    granted(bring(deployment, assertion(idp, **said)))
    granted(bring(deployment, assertion(idp, **then)))
    with deployment.server.store.read() as reads:
        user = reads.user_of(idp.issuer, "user-1")
    assert (user.email, user.email_verified, user.name) == (*address, "Ada")


def test_groups_that_lie_deeper_are_gone_where_what_leads_there_is_empty(
    sqlite_url, idp, company, tmp_path
):
    change = ("[upstream]", '[upstream]\nfields = { groups = ["realm_access.roles"] }')
    with start(tmp_path, sqlite_url, idp, company, GROUPS, change=change) as deployment:
        assert granted(bring(deployment, assertion(idp, realm_access={"roles": ["dev"]})))
        assert granted(bring(deployment, assertion(idp)))
        for gone in ({}, {"roles": None}):
            refused(bring(deployment, assertion(idp, realm_access=gone)))
            assert granted(bring(deployment, assertion(idp, realm_access={"roles": ["dev"]})))


def test_claims_do_not_add_up_for_ever(deployment, idp):
    for number in range(6):
        more: dict[str, Any] = {f"claim-{number}": "x" * 5000}
        granted(bring(deployment, assertion(idp, **more)))
    with deployment.server.store.read() as reads:
        assert len(json.dumps(reads.user_of(idp.issuer, "user-1").claims)) < 20_000


def test_a_replay_says_nothing(deployment, idp):
    token = assertion(idp, name="Old", email="old@example.com")
    granted(bring(deployment, token))
    granted(bring(deployment, assertion(idp, name="New", email="new@example.com")))
    refused(bring(deployment, token))
    with deployment.server.store.read() as reads:
        assert reads.user_of(idp.issuer, "user-1").name == "New"


@pytest.mark.spec("OpenID Back-Channel Logout", "2.7")
def test_a_logout_ends_what_was_asserted_before_it(deployment, idp):
    early, mine = assertion(idp), assertion(idp, sid="session-1")
    other = assertion(idp, sub="user-2", sid="session-1")
    deployment.wait(60)
    answer = form(deployment, "/backchannel-logout", {"logout_token": logout_token(idp)})
    assert answer.status_code == 200
    deployment.wait(60)
    refused(bring(deployment, mine))
    refused(bring(deployment, other))
    assert deployment.last("assertion.refused")["reason"] == "id_jag_logged_out"
    assert granted(bring(deployment, assertion(idp)))
    assert granted(bring(deployment, early)), "of another session"


def test_what_is_revoked_while_it_is_looked_at_gets_nothing(deployment, idp, monkeypatch):
    sub = granted(bring(deployment, assertion(idp)))["sub"]
    prove = identity_assertion.prove

    def revoked_then(server, *args):
        proof = prove(server, *args)
        with server.store.write() as tx:
            tx.bump_epoch(epoch.user(sub))
        return proof

    monkeypatch.setattr(identity_assertion, "prove", revoked_then)
    refused(bring(deployment, assertion(idp)))
    assert deployment.last("assertion.refused")["reason"] == "id_jag_revoked"


def test_a_user_who_changes_while_an_assertion_is_looked_at_is_looked_at_again(
    sqlite_url, idp, company, tmp_path, monkeypatch
):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        prove = identity_assertion.prove

        def changed_then(server, *args):
            proof = prove(server, *args)
            with server.store.write() as tx:
                user = tx.user_of(idp.issuer, "user-1")
                tx.describe_user(replace(user, claims={"groups": []}))
            return proof

        token = assertion(idp, department="x")
        with monkeypatch.context() as patch:
            patch.setattr(identity_assertion, "prove", changed_then)
            answer = bring(deployment, token)
        refused(answer, "temporarily_unavailable", 503)
        refused(bring(deployment, token))  # by the rules, for it was not used up


def test_users_whom_the_rules_refuse_slow_nobody_down(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        for number in range(30):
            refused(bring(deployment, assertion(idp, sub=f"u{number}")))


def test_users_are_known_by_the_claim_that_the_operator_names(sqlite_url, idp, company, tmp_path):
    change = ("[upstream]", '[upstream]\nsubject_claim = "oid"')
    with start(tmp_path, sqlite_url, idp, company, change=change) as deployment:
        one = granted(bring(deployment, assertion(idp, sub="a", oid="o-1")))["sub"]
        assert granted(bring(deployment, assertion(idp, sub="b", oid="o-1")))["sub"] == one
        assert granted(bring(deployment, assertion(idp, sub="a", oid="o-2")))["sub"] != one
        refused(bring(deployment, assertion(idp, sub="a")))


def test_a_server_that_cannot_sign_uses_no_assertion_up(deployment, idp, monkeypatch):
    token = assertion(idp)

    def cannot(_self, _now):
        raise NoSigningKey

    with monkeypatch.context() as patch:
        patch.setattr(SigningKeys, "signing_alg", cannot)
        refused(bring(deployment, token), "temporarily_unavailable", 503)
    assert granted(bring(deployment, token))


@pytest.mark.parametrize("said", [-1, "now", True, 1.5])
def test_a_sign_in_at_no_possible_time_is_not_passed_on(deployment, company, said):
    assert "auth_time" not in granted(bring(deployment, assertion(company, auth_time=said)))
    refused(bring(deployment, assertion(company, auth_time=company.now + 3600)))


def test_a_denial_that_says_nothing_new_uses_no_assertion_up(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        refused(bring(deployment, assertion(idp, groups=[])))
        lean = assertion(idp)
        refused(bring(deployment, lean))
        granted(bring(deployment, assertion(idp, groups=["dev"])))
        granted(bring(deployment, lean))


def test_what_is_refused_makes_no_user(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, GROUPS) as deployment:
        refused(bring(deployment, assertion(idp)))
        with deployment.server.store.read() as reads:
            assert reads.user_of(idp.issuer, "user-1") is None


def test_an_assertion_that_says_nothing_new_writes_only_that_it_was_used(deployment, idp):
    token = assertion(idp, email="ada@example.com", email_verified=True)
    sub = granted(bring(deployment, token))["sub"]
    deployment.wait(1)
    again = assertion(idp, email="ada@example.com", email_verified=True)
    with deployment.server.store.counting() as cost:
        assert granted(bring(deployment, again))["sub"] == sub
    assert cost.commits == 1
    with deployment.server.store.read() as reads:
        user = reads.user_of(idp.issuer, "user-1")
    assert (user.email, user.email_verified) == ("ada@example.com", True)
    assert user.last_login_at < deployment.clock.now
    assert {"jti", "aud", "scope", "client_id", "exp"}.isdisjoint(user.claims)


def test_many_first_assertions_at_once_make_one_user(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company) as deployment:
        granted(bring(deployment, assertion(idp, sub="somebody")))  # the keys are there
        tokens = [assertion(idp) for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda token: bring(deployment, token), tokens))
        assert len({granted(each)["sub"] for each in answers}) == 1


@pytest.mark.spec("RFC 9396", "5")
def test_a_limit_that_is_not_understood_is_no_limit_to_be_ignored(deployment, company):
    details = [{"type": "read_one"}]
    refused(bring(deployment, assertion(company, authorization_details=details)))
    asked = bring(deployment, assertion(company), authorization_details=json.dumps(details))
    refused(asked, "invalid_request")
    for grant_type in ("authorization_code", "refresh_token", "client_credentials"):
        params = {"grant_type": grant_type, "authorization_details": "[]", "client_id": "agent"}
        refused(form(deployment, "/token", params), "invalid_request")


def test_nobody_makes_us_or_another_act_who_is_not_theirs(deployment, company):
    assert granted(bring(deployment, assertion(company, act={"sub": "bot"})))["act"] == {
        "iss": company.issuer, "sub": "bot",
    }  # fmt: skip
    inner = {"iss": "https://elsewhere.example", "sub": "x"}
    assert granted(bring(deployment, assertion(company, act={"sub": "bot", "act": inner})))
    for act in (
        {"iss": ISSUER, "sub": "issues"},
        {"iss": "https://elsewhere.example", "sub": "x"},
        {"sub": "bot", "act": {"iss": ISSUER, "sub": "issues"}},
    ):
        refused(bring(deployment, assertion(company, act=act)))


def test_the_targets_of_the_client_are_the_limit(sqlite_url, idp, company, tmp_path):
    change = ('targets = ["issues", "wiki"]', 'targets = ["wiki"]')
    with start(tmp_path, sqlite_url, idp, company, change=change) as deployment:
        refused(bring(deployment, assertion(company)))
        assert deployment.last("request.refused")["reason"] == "client_narrowed"


def test_a_scope_that_only_some_may_have_is_left_out_for_others(sqlite_url, idp, company, tmp_path):
    change = (
        '"issues:write" = "Create and close issues"',
        '"issues:write" = { description = "Write", allow = { groups = ["dev"] } }',
    )
    both = "issues:read issues:write"
    with start(tmp_path, sqlite_url, idp, company, change=change) as deployment:
        assert bring(deployment, assertion(idp, scope=both)).json["scope"] == "issues:read"
        told = bring(deployment, assertion(idp, scope=both, groups=["dev"]))
        assert told.json["scope"] == both


def test_another_companys_word_on_the_sign_in_is_not_said_of_our_user(
    sqlite_url, idp, company, tmp_path
):
    with start(tmp_path, sqlite_url, idp, company) as deployment:
        ours = granted(bring(deployment, assertion(idp, acr="urn:ours")))
        assert ours["acr"] == "urn:ours"
    change = ("usr-nobody", ours["sub"])
    with start(tmp_path, sqlite_url, idp, company, change=change) as deployment:
        mapped = granted(bring(deployment, assertion(company, sub="mapped-1", acr="urn:high")))
        assert mapped["sub"] == ours["sub"]
        assert "acr" not in mapped


def test_nobody_is_asked_for_a_client_that_proves_nothing(
    sqlite_url, idp, company, tmp_path, monkeypatch
):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with Publisher(tmp_path) as publisher:
        client_id = publisher.publish()
        with start(tmp_path, sqlite_url, idp, company, publisher.settings()) as deployment:
            token = assertion(company, client_id=client_id)
            params = {"grant_type": JWT_BEARER, "assertion": token, "client_id": client_id}
            refused(form(deployment, "/token", params), "unauthorized_client")
        assert publisher.asked == []


def test_the_audit_knows_an_assertion_by_its_digest(deployment, company):
    granted(bring(deployment, assertion(company)))
    first = deployment.last("token.issued")["assertion"]
    granted(bring(deployment, assertion(company)))
    assert first != deployment.last("token.issued")["assertion"]
    refused(bring(deployment, assertion(company, resource="https://x.example")))
    event = deployment.last("assertion.refused")
    assert (event["client_id"], event["reason"]) == ("agent", "id_jag_resource_unknown")


def test_what_is_refused_does_not_use_an_assertion_up(deployment, company):
    token = assertion(company)
    refused(bring(deployment, token, scope="issues:write"), "invalid_scope")
    assert granted(bring(deployment, token))
    refused(bring(deployment, token))


@pytest.mark.spec("RFC 9449", "5")
def test_an_assertion_for_a_key_takes_the_proof_of_that_key(deployment, company):
    mine, other = Holder(now=company.now), stranger()
    cnf: dict[str, Any] = {"cnf": {"jkt": mine.jkt}}
    refused(bring(deployment, assertion(company, **cnf)), "invalid_dpop_proof")
    refused(bring(deployment, assertion(company, **cnf), headers=other.header()))
    odd: Any = {"cnf": {"x5t#S256": mine.jkt}}
    refused(bring(deployment, assertion(company, **odd), headers=mine.header()))
    answer = bring(deployment, assertion(company, **cnf), headers=mine.header())
    assert (granted(answer)["cnf"], answer.json["token_type"]) == ({"jkt": mine.jkt}, "DPoP")
    free = bring(deployment, assertion(company), headers=mine.header())
    assert granted(free)["cnf"] == {"jkt": mine.jkt}


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize("whose", ["user", "client"])
def test_the_token_is_active_until_its_user_or_client_is_revoked(deployment, idp, whose):
    token = bring(deployment, assertion(idp)).json["access_token"]

    def facts():
        asked = form(deployment, "/introspect", {"token": token}, headers=basic("issues", SECRET))
        return asked.json

    assert facts()["active"]
    assert facts()["client_id"] == "agent"
    subject = claims_of(token)["sub"]
    counter = epoch.user(subject) if whose == "user" else epoch.client("agent")
    with deployment.server.store.write() as tx:
        tx.bump_epoch(counter)
    assert not facts()["active"]


def test_no_event_holds_an_assertion(deployment, company):
    token = assertion(company)
    bring(deployment, token)
    bring(deployment, token)
    written = json.dumps(deployment.events)
    assert token not in written
    assert token.rpartition(".")[2] not in written


def test_while_the_company_is_down_its_clients_are_told_to_come_back(deployment, company):
    company.spoiled["/.well-known/openid-configuration"] = Spoiled(503)
    answer = bring(deployment, assertion(company))
    refused(answer, "temporarily_unavailable", 503)
    assert answer.headers["Retry-After"]


def test_workloads_and_clients_come_to_the_same_place(sqlite_url, idp, company, tmp_path):
    more = f"""
    [trusted_issuers.cluster]
    issuer = "https://cluster.example"
    jwks = "file:cluster.jwks.json"
    audiences = ["{ISSUER}"]
    algorithms = ["ES256"]

    [workloads.job]
    issuer = "cluster"
    claims = {{ sub = "job" }}
    targets = ["issues"]
    scopes = ["issues:read"]
    """
    key = new_key("cluster-key")
    keys = json.dumps({"keys": [key.as_dict(private=False)]})
    (tmp_path / "cluster.jwks.json").write_text(keys)
    with start(tmp_path, sqlite_url, idp, company, more) as deployment:
        now = company.now
        said = {"iss": "https://cluster.example", "sub": "job", "aud": ISSUER, "iat": now,
                "exp": now + 60}  # fmt: skip
        job = sign({"alg": "ES256", "kid": "cluster-key"}, json.dumps(said).encode(), key)
        params = {"grant_type": JWT_BEARER, "assertion": job, "resource": RESOURCE}
        assert granted(form(deployment, "/token", params))["client_id"] == "job"
        assert granted(bring(deployment, assertion(company)))["client_id"] == "agent"
        # Each without what the other has: refused, never taken for the other.
        refused(bring(deployment, job, resource=RESOURCE))
        alone = form(deployment, "/token", {**params, "assertion": assertion(company)})
        assert alone.json["error"] in ("invalid_client", "invalid_request")


@pytest.mark.spec("MCP 2026-07-28", EMA)
def test_a_client_that_publishes_itself_proves_its_key(
    sqlite_url, idp, company, tmp_path, monkeypatch
):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    key = new_key("client-key")
    with Publisher(tmp_path) as publisher:
        client_id = publisher.publish(
            redirect_uris=[CALLBACK],
            grant_types=["authorization_code", JWT_BEARER],
            token_endpoint_auth_method="private_key_jwt",
            jwks={"keys": [key.as_dict(private=False)]},
        )
        with start(tmp_path, sqlite_url, idp, company, publisher.settings()) as deployment:
            now = company.now
            me = {"iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60,
                  "jti": "once"}  # fmt: skip
            params = {
                "grant_type": JWT_BEARER,
                "assertion": assertion(company, client_id=client_id),
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": sign(
                    {"alg": "ES256", "kid": "client-key"}, json.dumps(me).encode(), key
                ),
            }
            assert granted(form(deployment, "/token", params))["client_id"] == client_id


def test_an_access_token_of_the_company_is_none(deployment, company):
    refused(bring(deployment, minted(company, aud=ISSUER)))
