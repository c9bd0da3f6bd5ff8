"""Clients and exchanges in the file: what one table names stands in another"""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey

from authserver.oauth import client_assertion
from authserver.oauth.act import Party
from authserver.oauth.client import secret_digest
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.edge import Edge, Requester
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings.report.describe import describe

SECRET = "0123456789abcdef0123456789abcdef"
WIKI = {
    "url": "https://wiki.example.com/mcp",
    "name": "Wiki",
    "scopes": {"wiki:read": "Read", "wiki:write": "Write"},
}
OWN = {"client_secrets": ["file:server-secret"]}
CHAT = {
    "client_secrets": ["file:server-secret", "file:other-secret"],
    "grant_types": [GRANT_TYPE],
    "targets": ["wiki"],
    "scopes": ["wiki:read"],
    "source_clients": ["*"],
}
WAY = {
    "requester": "issues",
    "source": "issues",
    "target": "wiki",
    "scopes": {"issues:read": ["wiki:read"]},
}
CLUSTER = {"issuer": "https://cluster.example.com", "audiences": ["https://auth.example.com"]}
CRM = {
    "token_url": "https://crm.example.com/token",
    "client_id": "authserver",
    "client_secret": "file:server-secret",
    "scopes": ["crm.read"],
}
MINTED = {**CRM, "subject": "minted"}
ROBOT = {
    **{name: value for name, value in CHAT.items() if name != "source_clients"},
    "grant_types": ["client_credentials"],
}
ROBOTS = {"requester": "chat", "source": "cluster", "target": "wiki", "scopes": ["wiki:read"]}
BASE = {
    "resources/wiki": WIKI,
    "resources/issues/client": OWN,
    "trusted_issuers/cluster": CLUSTER,
    "external_services/crm": CRM,
    "clients/chat": CHAT,
    "clients/robot": ROBOT,
    "clients/cats": {**CHAT, "source_clients": ["mcp-1"]},
    "exchanges/to-wiki": WAY,
}


def base():
    return copy.deepcopy(BASE)


@pytest.fixture(autouse=True)
def secrets(tmp_path):
    for name, secret in {"server": SECRET, "other": SECRET[::-1], "short": "x" * 31}.items():
        (tmp_path / f"{name}-secret").write_text(secret)
        (tmp_path / f"{name}-secret").chmod(0o600)
    key = ECKey.generate_key("P-256")
    sets: dict[str, list[Any]] = {
        "set": [key.as_dict(private=False)],
        "private": [key.as_dict(private=True)],
        "empty": [],
        "oct": [{"kty": "oct", "k": "c2VjcmV0"}],
        "curve": [ECKey.generate_key("P-521").as_dict(private=False)],
        "broken": [{"kty": "EC", "crv": "P-256", "x": "x"}],
    }
    for name, keys in sets.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"keys": keys}))
        (tmp_path / f"{name}.json").chmod(0o600)


def test_a_resource_may_have_a_client_of_its_own_named_like_it(settings):
    found = settings(base())
    client = found.clients["issues"]
    assert client.secret_digests == (secret_digest(SECRET),)
    assert client.token_endpoint_auth_method == "client_secret_basic"
    assert client.grant_types == (GRANT_TYPE,)
    assert found.requesters["issues"] == Requester("issues", resource="issues")


def test_its_client_may_have_another_id(settings):
    named = {**base(), "resources/issues/client": {**OWN, "client_id": "issues-server"}}
    found = settings({**named, "exchanges/to-wiki": {**WAY, "requester": "issues-server"}})
    assert set(found.clients) == {"issues-server", "chat", "robot", "cats"}
    assert found.requesters["issues-server"].resource == "issues"


def test_a_delegate_is_narrowed_in_every_way(settings):
    found = settings(base())
    assert found.clients["chat"].secret_digests == tuple(map(secret_digest, (SECRET, SECRET[::-1])))
    assert found.requesters["chat"] == Requester(
        "chat",
        targets=frozenset({"wiki"}),
        scopes=frozenset({"wiki:read"}),
        source_clients=frozenset({"*"}),
    )


def test_a_client_may_have_keys_in_place_of_secrets(settings):
    found = settings({**base(), "resources/issues/client": {"jwks": "file:set.json"}})
    client = found.clients["issues"]
    assert (client.token_endpoint_auth_method, len(client.keys)) == ("private_key_jwt", 1)
    assert client.secret_digests == ()


def test_a_trusted_issuer_is_a_source(settings):
    found = settings(
        {
            **base(),
            "trusted_issuers/cluster/users": {"robot": "usr-1"},
            "exchanges/robots": {
                "requester": "chat", "source": "cluster", "target": "wiki", "scopes": ["wiki:read"],
            },
        }
    )  # fmt: skip
    (issuer,) = found.trusted_issuers
    assert (issuer.name, issuer.audiences) == ("cluster", ("https://auth.example.com",))
    assert (issuer.algorithms, dict(issuer.users)) == (("RS256", "ES256"), {"robot": "usr-1"})
    assert found.edges[1].fixed_scopes == ("wiki:read",)
    said = dict(describe(found).in_effect)
    assert said["trusted issuer cluster"] == (
        "https://cluster.example.com for https://auth.example.com; robot is usr-1"
    )


def test_keys_of_an_issuer_are_fixed_or_fetched(problems):
    both = {"trusted_issuers/cluster/jwks": "file:set.json"}
    uri = {"trusted_issuers/cluster/jwks_uri": "https://cluster.example.com/keys"}
    (problem,) = problems({**base(), **both, **uri})
    assert (problem.key, problem.message) == (
        "trusted_issuers.cluster.jwks_uri", "is not used beside jwks",
    )  # fmt: skip


def test_an_external_service_is_a_target(settings):
    found = settings(
        {
            **base(),
            "external_services/crm/subject": "minted",
            "external_services/crm/subject_audience": "https://crm.example.com",
            "exchanges/to-crm": {
                "requester": "issues", "source": "issues", "target": "crm",
                "scopes": {"issues:read": ["crm.read"]},
            },
        }
    )  # fmt: skip
    (service,) = found.external_services
    assert (service.name, service.subject_token_type) == (
        "crm", "urn:ietf:params:oauth:token-type:jwt",
    )  # fmt: skip
    assert SECRET not in repr(service)
    said = dict(describe(found).in_effect)
    assert said["external service crm"] == "https://crm.example.com/token (minted)"


def test_an_exchange_is_one_way(settings):
    (way,) = settings(base()).edges
    assert way == Edge("to-wiki", "issues", "issues", "wiki", {"issues:read": ("wiki:read",)})


def test_an_actor_is_somebody_of_one_issuer(settings):
    named = ["usr-1", "ext-2", "cluster:system:serviceaccount:prod:usr-1"]
    (way,) = settings({**base(), "exchanges/to-wiki/actors": named}).edges
    assert way.actors == {
        Party("https://auth.example.com", "usr-1"),
        Party("https://auth.example.com", "ext-2"),
        Party("https://cluster.example.com", "system:serviceaccount:prod:usr-1"),
    }
    assert not way.any_actor


def test_a_resource_that_keeps_upstream_tokens_opens_the_way_to_them_for_its_own_client(settings):
    kept = {"resources/issues/upstream_token": "exchange"}
    found = settings({**base(), **kept, "resources/issues/upstream_scopes": ["api:read"]})
    assert found.edges[1] == Edge(
        "resources.issues.upstream_token", "issues", "issues", "upstream",
        fixed_scopes=("api:read",),
    )  # fmt: skip


def test_a_delegate_gets_upstream_tokens_where_an_exchange_names_it(settings):
    kept = {
        "resources/issues/upstream_token": "exchange",
        "resources/issues/upstream_scopes": ["api:read"],
        "clients/chat": {**CHAT, "targets": ["upstream"], "scopes": ["api:read"]},
        "exchanges/to-api": {
            "requester": "chat", "source": "issues", "target": "upstream", "scopes": ["api:read"],
        },
    }  # fmt: skip
    assert settings({**base(), **kept}).edges[1].fixed_scopes == ("api:read",)


def test_secrets_are_kept_as_digests_and_out_of_what_is_printed(settings):
    found = settings(base())
    assert SECRET not in repr(found)
    assert secret_digest(SECRET) not in repr(found)


def test_who_may_get_what_for_what_is_said(settings):
    said = dict(describe(settings(base())).in_effect)
    assert said["client chat"] == (
        "exchanges tokens of any client for wiki; at most wiki:read; "
        "proves itself with a secret (client_secret_basic, 2 are good)"
    )
    assert said["client issues"] == (
        "the server of issues; proves itself with a secret (client_secret_basic)"
    )
    assert said["exchanges for several targets"] == "one by one"
    assert said["exchange to-wiki"] == "issues turns issues into wiki (issues:read -> wiki:read)"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "clients.chat.source_clients: it may exchange the tokens of every client's users"),
        (
            {"exchanges/to-wiki/impersonate": True},
            "exchanges.to-wiki.impersonate: nobody sees who acts for the user",
        ),
        ({"exchanges/to-wiki/actors": ["*"]}, "exchanges.to-wiki.actors: anybody's actor token"),
    ],
)
def test_what_is_loose_is_said(settings, changes, sentence):
    loosened = describe(settings({**base(), **changes})).loosened
    assert any(each.startswith(sentence) for each in loosened)


AT_CRM = "external_services.crm"
MISTAKES = [
    ("clients/chat/client_secrets", [], "", "is missing", 'jwks = "file:/path"'),
    ("clients/chat/jwks", "file:server-secret", "", "no JSON Web Key Set", "public RSA"),
    ("clients/chat/jwks", "file:set.json", "=clients.chat.client_secrets", "beside keys", "leave"),
    ("clients/chat/jwks", "file:private.json", "", "private key", "with its owner"),
    ("clients/chat/jwks", "file:empty.json", "", "without 1 to 20", "public RSA"),
    ("clients/chat/jwks", "file:oct.json", "", "another kind", "public RSA"),
    ("clients/chat/jwks", "file:curve.json", "", "another curve", "public RSA"),
    ("clients/chat/jwks", "file:broken.json", "", "cannot be used", "public RSA"),
    ("clients/chat/jwks", "{}", "", "must not be written", '"file:/path"'),
    ("clients/chat/client_secrets", ["hunter2"], "[0]", "must not be written", '"env:NAME"'),
    ("clients/chat/client_secrets", ["file:short-secret"], "[0]", "fewer than 32", "openssl rand"),
    ("clients/chat/grant_types", ["password"], "[0]", "allowed values", GRANT_TYPE),
    ("clients/chat/targets", [], "", "too few", "at least 1"),
    ("clients/chat/targets", ["wikki"], "[0]", "not a target", "crm, issues, upstream, wiki"),
    ("clients/chat/scopes", ["wiki:purge"], "[0]", "no target has", "name a scope"),
    ("clients/chat/source_clients", [], "", "is missing", "mcp-4Xv"),
    ("clients/chat/source_clients", ["a b"], "[0]", "not a client id", '"*" for any'),
    ("clients/chat/source_clients", ["clutser:*", "cluster:*"], "[0]", "no source", "cluster, up"),
    ("exchanges/c", {**ROBOTS, "requester": "cats"}, ".source", "no source of", '"cluster:*"'),
    ("clients/issues", CHAT, ".[key]", "id of another client", "of its own"),
    ("clients/mcp-chat", CHAT, ".[key]", "not a client id", "mcp-, usr- and ext-"),
    ("resources/upstream", {"url": "https://x.example"}, ".[key]", "taken", "provider"),
    ("resources/wiki/client", {**OWN, "client_id": "issues"}, ".client_id", "another", "its own"),
    ("exchanges/to-wiki/requester", "cat", "", "not a client of this file", "chat, issues"),
    ("exchanges/to-wiki/source", "nowhere", "", "not a source", "cluster, issues, upstream, wiki"),
    ("exchanges/to-wiki/source", "wiki", "", "not the resource of the requester", "delegate"),
    ("exchanges/again", WAY, ".target", "another table leads", "one table"),
    ("exchanges/r", {**WAY, "requester": "robot"}, ".requester", "exchanges nothing", GRANT_TYPE),
    ("exchanges/c", {**ROBOTS, "target": "issues"}, ".target", "no target of", "chat.targets"),
    ("exchanges/c", {**ROBOTS, "scopes": ["wiki:write"]}, ".scopes", "worth nothing", "wiki:write"),
    ("exchanges/to-wiki/actors", ["agent-7"], "[0]", "nobody who could act", "issuers: cluster"),
    ("exchanges/to-wiki/actors", ["elsewhere:x"], "[0]", "nobody who could act", "NAME:sub"),
    ("exchanges/to-wiki/actors", ["cluster:"], "[0]", "nobody who could act", "NAME:sub"),
    ("exchanges/to-wiki/actors", [7], "[0]", "is not a text", "characters"),
    ("exchanges/to-wiki/target", "nowhere", "", "not a target", "crm, issues, upstream, wiki"),
    ("exchanges/to-wiki/scopes", "x", "", "neither a table nor a list", "source:scope"),
    ("exchanges/to-wiki/scopes", ["wiki:read"], "", "is a list", "say what each scope of issues"),
    ("exchanges/to-wiki/scopes", {"wiki:read": []}, "", "issues has not", "issues:admin"),
    ("exchanges/to-wiki/scopes", {"issues:read": ["x"]}, "", "wiki has not", "wiki:read"),
    ("exchanges/to-wiki/scopes", {"issues:read": "x"}, "", "neither a table", "source:scope"),
    ("external_services/crm/token_url", "http://crm.example.com", "", "http for", "https://"),
    ("external_services/crm/client_secret", "hunter2", "", "must not be written", '"env:NAME"'),
    ("external_services/crm/client_auth", "none", f"={AT_CRM}.client_secret", "not used", "leave"),
    ("external_services/crm/subject", "minted", f"={AT_CRM}.subject_audience", "missing", "issuer"),
    ("external_services/crm/subject_audience", "x", "", "not used with subject", '"minted"'),
    ("external_services/crm/subject_token_type", "saml", "", "allowed values", "access_token"),
    (AT_CRM.replace(".", "/"), {**MINTED, "subject_audience": "https://wiki.example.com/mcp/"},
     ".subject_audience", "is a resource", "other server"),
    ("external_services/wiki", CRM, ".[key]", "another target", "of its own"),
    (
        "exchanges/to-crm",
        {"requester": "issues", "source": "issues", "target": "crm",
         "scopes": {"issues:read": ["crm.read"]}},
        ".scopes", "which are not kept", 'upstream_token = "exchange"',
    ),
    (
        "exchanges/to-crm",
        {"requester": "issues", "source": "issues", "target": "crm",
         "scopes": {"issues:read": ["crm.write"]}},
        ".scopes", "crm has not", "crm.read",
    ),
    ("trusted_issuers/cluster/issuer", "https://auth.example.com", "", "names already", "once"),
    ("trusted_issuers/cluster/issuer", "https://login.example.com", "", "names already", "once"),
    ("trusted_issuers/other", CLUSTER, ".issuer", "names already", "once"),
    ("trusted_issuers/wiki", CLUSTER | {"issuer": "https://x.example"}, "", "source", "of its own"),
    ("trusted_issuers/cluster/issuer", "x", "=trusted_issuers.cluster", "no keys", "jwks_uri"),
    ("trusted_issuers/cluster/users", {"r": "ada@example.com"}, ".r", "no user of ours", "usr-"),
    ("trusted_issuers/cluster/audiences", [], "", "is missing", "https://auth.example.com"),
    (
        "clients/robot/grant_types",
        ["client_credentials", JWT_BEARER],
        "",
        "which nobody may make",
        "identity_assertions = true",
    ),
    ("trusted_issuers/cluster/algorithms", ["HS256"], "[0]", "allowed values", "RS256"),
    ("trusted_issuers/cluster/jwks_uri", "http://x.example/k", "", "http for", "https://"),
    ("trusted_issuers/cluster/jwks", "file:private.json", "", "private key", "with its owner"),
    (
        "exchanges/to-api",
        {"requester": "issues", "source": "issues", "target": "upstream", "scopes": []},
        ".scopes", "which are not kept", 'upstream_token = "exchange"',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "end", "message", "remedy"), MISTAKES)
def test_a_mistake_names_its_key_and_its_remedy(problems, path, value, end, message, remedy):
    (problem,) = problems({**base(), path: value})
    key = path.replace("/", ".") + end.removesuffix(".[key]")
    assert problem.key == (end.removeprefix("=") if end.startswith("=") else key)
    assert message in problem.message
    assert remedy in problem.remedy


def test_upstream_tokens_go_whole_to_a_delegate_or_not_at_all(problems):
    kept = {
        "resources/issues/upstream_token": "exchange",
        "resources/issues/upstream_scopes": ["api:read", "api:write"],
        "clients/chat": {**CHAT, "targets": ["upstream"], "scopes": ["api:read"]},
        "exchanges/to-api": {
            "requester": "chat", "source": "issues", "target": "upstream",
            "scopes": ["api:read", "api:write"],
        },
    }  # fmt: skip
    (problem,) = problems({**base(), **kept})
    assert (problem.key, problem.message) == (
        "exchanges.to-api.scopes", "is worth nothing to the requester",
    )  # fmt: skip


def test_tokens_of_a_provider_that_nobody_can_verify_are_no_source(problems):
    github = {"preset": "github", "client_id": "x", "client_secret": "file:server-secret"}
    way = {**ROBOTS, "source": "upstream"}
    (problem,) = problems({**base(), "upstream": github, "exchanges/by-upstream": way})
    assert problem.key == "exchanges.by-upstream.source"
    assert "only where it is an OpenID provider" in problem.message


@pytest.mark.parametrize("key", ["targets", "scopes", "source_clients", "grant_types"])
def test_no_narrowing_list_may_be_left_out(problems, key):
    chat = {name: value for name, value in CHAT.items() if name != key}
    (problem,) = problems({**base(), "clients/chat": chat})
    assert (problem.key, problem.message) == (f"clients.chat.{key}", "is missing")


def test_a_machine_that_acts_for_itself_names_nobodys_users(settings, problems):
    robot = {**CHAT, "grant_types": ["client_credentials"]}
    del robot["source_clients"]
    found = settings({**base(), "clients/machine": robot})
    assert found.clients["machine"].grant_types == ("client_credentials",)
    said = dict(describe(found).in_effect)["client machine"]
    assert said.startswith("gets tokens of its own for ")
    (problem,) = problems({**base(), "clients/machine": {**robot, "source_clients": ["*"]}})
    assert problem.key == "clients.machine.source_clients"
    assert "no use without the exchange" in problem.message


def test_upstream_tokens_cannot_be_narrowed(problems):
    kept = {
        "resources/issues/upstream_token": "exchange",
        "resources/issues/upstream_scopes": ["api:read", "api:write"],
        "exchanges/to-api": {
            "requester": "issues", "source": "issues", "target": "upstream", "scopes": ["api:read"],
        },
    }  # fmt: skip
    (problem,) = problems({**base(), **kept})
    assert "cannot be narrowed" in problem.message
    assert "api:read, api:write" in problem.remedy


APP = {
    "client_secrets": ["file:server-secret"],
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://app.example/callback", "cursor://editor/callback"],
    "targets": ["issues"],
    "scopes": ["issues:read"],
}


def test_users_may_sign_in_through_a_client_of_the_file(settings):
    found = settings({**base(), "clients/app": APP})
    app = found.clients["app"]
    assert app.redirect_uris == tuple(APP["redirect_uris"])
    assert (app.scope, app.resources) == (("issues:read",), frozenset({"issues"}))
    said = dict(describe(found).in_effect)["client app"]
    assert said == (
        "users sign in through it for issues; at most issues:read; "
        "proves itself with a secret (client_secret_basic)"
    )
    public = {**APP, "token_endpoint_auth_method": "none"}
    del public["client_secrets"]
    assert settings({**base(), "clients/app": public}).clients["app"].secret_digests == ()


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"redirect_uris": []}, "redirect_uris", "is missing"),
        ({"redirect_uris": ["http://a.example/cb"]}, "redirect_uris[0]", "is not a redirect URI"),
        ({"grant_types": ["refresh_token"]}, "grant_types", "has refresh_token alone"),
        ({"token_endpoint_auth_method": "none"}, "client_secrets", "no use to a public client"),
        ({"source_clients": ["*"]}, "source_clients", "no use without the exchange"),
        ({"jwks_uri": "http://a.example/k", "client_secrets": []}, "jwks_uri", "URL of keys"),
        ({"jwks_uri": "https://a.example/k"}, "client_secrets", "not used beside keys"),
        ({"token_endpoint_auth_signing_alg": "ES256"}, "token_endpoint_auth_signing_alg", "no use"),
        ({"token_endpoint_auth_signing_alg": "HS256"}, "token_endpoint_auth_signing_alg", "one of"),
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_a_mistake(problems, changes, key, message):
    found = problems({**base(), "clients/app": {**APP, **changes}})
    assert [each for each in found if each.key == f"clients.app.{key}"] != []
    assert message in next(each for each in found if each.key == f"clients.app.{key}").message


@pytest.mark.spec("RFC 9126", "6")
def test_an_operator_has_a_client_push_its_requests(settings, problems):
    pushes = {"require_pushed_authorization_requests": True}
    app = {**base(), "clients/app": {**APP, **pushes}}
    assert settings(app).clients["app"].require_pushed_authorization_requests
    (problem,) = problems({**app, "server/pushed_authorization_requests": False})
    assert problem.key == "server.pushed_authorization_requests"
    assert "require_pushed_authorization_requests" in problem.remedy
    (problem,) = problems({**base(), "clients/robot": {**ROBOT, **pushes}})
    assert problem.key == "clients.robot.require_pushed_authorization_requests"


def test_an_operator_names_the_one_algorithm_of_a_client(settings):
    keyed = {**ROBOT, "jwks_uri": "https://app.example/keys"}
    del keyed["client_secrets"]
    for alg in client_assertion.ALGORITHMS:
        table = {**keyed, "token_endpoint_auth_signing_alg": alg}
        found = settings({**base(), "clients/robot": table}).clients["robot"]
        assert found.token_endpoint_auth_signing_alg == alg
    found = settings({**base(), "clients/robot": keyed}).clients["robot"]
    assert found.token_endpoint_auth_signing_alg is None


def test_a_public_client_proves_nothing_and_so_may_only_sign_users_in(problems):
    public = {**APP, "token_endpoint_auth_method": "none"}
    del public["client_secrets"]
    public["grant_types"] = ["authorization_code", "client_credentials"]
    found = problems({**base(), "clients/app": public})
    assert "clients.app.grant_types" in {each.key for each in found}


JOB = {
    "issuer": "cluster",
    "claims": {"sub": "system:serviceaccount:prod:robot"},
    "targets": ["issues"],
    "scopes": ["issues:read"],
}


def test_a_workload_is_known_by_claims_of_a_trusted_issuers_tokens(settings):
    found = settings({**base(), "workloads/job": JOB})
    (workload,) = found.workloads
    assert (workload.name, workload.issuer) == ("job", "cluster")
    assert workload.claims == {"sub": frozenset({JOB["claims"]["sub"]})}
    assert dict(describe(found).in_effect)["workload job"] == (
        "tokens of cluster with sub system:serviceaccount:prod:robot, for issues; "
        "at most issues:read"
    )


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"issuer": "nowhere"}, "issuer", "not the name of a trusted issuer"),
        ({"claims": {}}, "claims", "too few"),
        ({"claims": {"iss": "x", "aud": "y"}}, "claims", "admits every token"),
        ({"claims": {"sub": ["a", "system:serviceaccount:prod:*"]}}, "claims", "to the letter"),
        ({"targets": ["crm"]}, "targets[0]", "not the name of a resource"),
        ({"targets": []}, "targets", "too few"),
        ({"scopes": ["nobodys:scope"]}, "scopes[0]", "no target has"),
    ],
    ids=str,
)
def test_a_mistake_in_a_workload_is_told_at_its_key(problems, changes, key, message):
    (problem,) = problems({**base(), "workloads/job": {**JOB, **changes}})
    assert problem.key == f"workloads.job.{key}"
    assert message in problem.message


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"workloads/job": {**JOB, "issuer": "company"}}, "workloads.job.issuer"),
        ({"exchanges/way": {**WAY, "source": "company"}}, "exchanges.way.source"),
        ({"exchanges/way": {**WAY, "actors": ["company:bot"]}}, "exchanges.way.actors[0]"),
    ],
    ids=["workload", "source", "actor"],
)
def test_tokens_of_an_issuer_without_audiences_are_for_nobody_here(problems, table, key):
    company = {"issuer": "https://company.example.com", "identity_assertions": True}
    found = problems({**base(), "trusted_issuers/company": company, **table})
    (problem,) = (each for each in found if each.key == key)
    assert "trusted_issuers.company.audiences" in problem.remedy


def test_a_workload_is_no_other_client(problems):
    (problem,) = problems({**base(), "workloads/chat": JOB})
    assert "another client" in problem.message


def test_an_issuer_may_be_trusted_for_identity_assertions_alone(settings):
    found = settings(
        {
            **base(),
            "trusted_issuers/company": {
                "issuer": "https://company.example.com", "identity_assertions": True,
            },
            "clients/agent": {**ROBOT, "grant_types": [JWT_BEARER]},
        }
    )  # fmt: skip
    assert found.takes_identity_assertions
    assert found.registration.identity_assertions
    assert not settings(base()).takes_identity_assertions
    said = dict(describe(found).in_effect)
    assert said["trusted issuer company"].endswith("for identity assertions alone")
    assert said["identity assertions"] == (
        "company may say who users are; invalid_grant for a resource not here"
    )
    assert "brings identity assertions for wiki" in said["client agent"]


def test_the_upstream_may_be_trusted_for_them_and_shares_no_key_then(settings, problems):
    on = {**base(), "upstream/identity_assertions": True}
    assert dict(describe(settings(on)).in_effect)["identity assertions"].startswith("upstream ")
    (problem,) = problems({**on, "upstream/id_token_algs": ["RS256", "HS256"]})
    assert (problem.key, "shared" in problem.message) == ("upstream.identity_assertions", True)


def test_a_server_elsewhere_is_a_target(settings):
    partner = {
        "issuer": "https://auth.partner.example.com",
        "client_ids": {"issues": "issues-there"},
        "resources": ["https://mcp.partner.example.com/mcp"],
        "scopes": ["partner:read"],
    }
    way = {**WAY, "target": "partner", "scopes": {"issues:read": ["partner:read"]}}
    found = settings({**base(), "downstream_servers/partner": partner, "exchanges/to-partner": way})
    (server,) = found.downstream_servers
    assert (server.name, dict(server.client_ids)) == ("partner", {"issues": "issues-there"})
    assert dict(describe(found).in_effect)["downstream server partner"].endswith(server.issuer)


TELEVISION = {
    "token_endpoint_auth_method": "none",
    "grant_types": [DEVICE_CODE, "refresh_token"],
    "targets": ["issues"],
    "scopes": ["issues:read"],
}


def test_a_device_of_the_configuration_needs_no_redirect_uri(settings):
    found = settings(
        {**base(), "clients/television": TELEVISION, "server/device_authorization": True}
    )
    client = found.clients["television"]
    assert client.grant_types == (DEVICE_CODE, "refresh_token")
    assert client.redirect_uris == client.response_types == ()
    assert found.registration.device
    said = dict(describe(found).in_effect)
    assert said["devices"] == "may ask, by a code"
    assert said["client television"] == (
        "a device whose users type a code for issues; at most issues:read; proves nothing (none)"
    )


def test_a_device_is_a_mistake_where_devices_may_not_ask(problems):
    (problem,) = problems({**base(), "clients/television": TELEVISION})
    assert problem.key == "server.device_authorization"
    assert "is off, while the device grant" in problem.message
    assert "device_authorization = true" in problem.remedy


def test_a_service_that_we_prove_ourselves_to_knows_us_by_an_id(problems):
    nameless = {name: value for name, value in CRM.items() if name != "client_id"}
    (problem,) = problems({**base(), "external_services/crm": nameless})
    assert problem.key == "external_services.crm.client_id"
    assert "client_auth" in problem.remedy


def test_keys_and_what_a_client_must_do_are_said(settings):
    robot = {**ROBOT, "dpop_bound_access_tokens": True}
    del robot["client_secrets"]
    changes = {
        "clients/robot": {**robot, "jwks": "file:set.json"},
        "clients/app": {**robot, "jwks_uri": "https://app.example/keys"},
        "tokens/token_batch": True,
    }
    said = dict(describe(settings({**base(), **changes})).in_effect)
    proof = "proves itself with a key"
    assert said["client robot"].endswith(f"{proof} (1 in the file); only tokens bound to its key")
    assert f"{proof} (https://app.example/keys)" in said["client app"]
    assert said["exchanges for several targets"] == "at /token-batch"
    found = settings(base())
    pushing = replace(found.clients["robot"], require_pushed_authorization_requests=True)
    found = replace(found, clients={**found.clients, "robot": pushing})
    assert dict(describe(found).in_effect)["client robot"].endswith("; must push its requests")


def test_of_many_users_of_an_issuer_the_number_is_said(settings):
    users = {f"robot-{number}": "usr-1" for number in range(11)}
    found = settings({**base(), "trusted_issuers/cluster/users": users})
    said = dict(describe(found).in_effect)["trusted issuer cluster"]
    assert said.endswith("; 11 of its subjects are users here")
