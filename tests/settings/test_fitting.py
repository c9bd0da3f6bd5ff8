"""What is right by itself and does not fit what stands elsewhere in the file"""

import copy
import json

import pytest
from joserfc.jwk import ECKey

from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER

WIKI = {"url": "https://wiki.example.com/mcp", "name": "Wiki", "scopes": {"wiki:read": "Read"}}
OWN = {"client_secrets": ["file:secret"]}
KEYS = {"jwks": "file:keys.json"}
ROBOT = {
    "client_secrets": ["file:secret"],
    "grant_types": ["client_credentials"],
    "targets": ["issues"],
    "scopes": ["issues:read"],
}
WITH_KEYS = {**KEYS, **{name: each for name, each in ROBOT.items() if name != "client_secrets"}}
TELEVISION = {
    "name": "The television",
    "token_endpoint_auth_method": "none",
    "grant_types": [DEVICE_CODE],
    "targets": ["issues"],
    "scopes": ["issues:read"],
}
PARTNER = {
    "issuer": "https://auth.partner.example",
    "client_ids": {"issues": "issues-there"},
    "resources": ["https://mcp.partner.example/mcp"],
    "scopes": ["partner:read"],
}
CRM = {"token_url": "https://crm.example/token", "client_auth": "none", "scopes": ["crm.read"]}
WAY = {
    "requester": "issues",
    "source": "issues",
    "target": "wiki",
    "scopes": {"issues:read": ["wiki:read"]},
}
EXCHANGE = {"resources/issues/client": OWN, "resources/wiki": WIKI, "exchanges/way": WAY}
UNBOUND = {**EXCHANGE, "exchanges/way/allow_unbound": True}
TO_CRM = {
    **UNBOUND,
    "external_services/crm": CRM,
    "resources/issues/upstream_token": "exchange",
    "exchanges/way/target": "crm",
    "exchanges/way/scopes": {"issues:read": ["crm.read"]},
}
ASSERTED = {"upstream/identity_assertions": True, "client_documents/enabled": False}
COMPANY = {"issuer": "https://company.example", "identity_assertions": True}
DENIED = "client_documents.denied_domains"
METHOD = "clients.robot.token_endpoint_auth_method"

MISTAKES = [
    # changes, key, message, remedy
    ({"registration": {"stateless": True, "management": True}}, "registration.management",
     "beside stateless", "one of the two"),
    *(({"registration": {"enabled": False, name: on}}, f"registration.{name}",
       "while nobody may register", "leave it out, or enabled")
      for name, on in {"idempotent": True, "stateless": True, "management": True,
                       "initial_access_tokens": ["file:secret"]}.items()),
    ({"tokens/token_batch": True}, "tokens.token_batch", "nothing is exchanged",
     "[exchanges.NAME]"),
    (UNBOUND, "exchanges.way.allow_unbound", "what is for wiki is bound", "external services"),
    ({**EXCHANGE, "downstream_servers/partner": PARTNER, "exchanges/way":
      {**WAY, "target": "partner", "scopes": {"issues:read": ["partner:read"]},
       "allow_unbound": True}},
     "exchanges.way.allow_unbound", "what is for partner is bound", "external services"),
    (ASSERTED, "client_documents.enabled", "what upstream.identity_assertions takes",
     f"[clients.NAME] with {JWT_BEARER}"),
    ({"trusted_issuers/company": COMPANY, "client_documents/enabled": False},
     "client_documents.enabled", "what trusted_issuers.company.identity_assertions takes",
     f"[clients.NAME] with {JWT_BEARER}"),
    ({"client_documents": {"allowed_domains": ["a.example"], "denied_domains": ["a.example"]}},
     DENIED, "denies what allowed_domains allows: a.example", "here or there"),
    ({"client_documents": {"allowed_domains": ["b.a.example"], "denied_domains": ["a.example"]}},
     DENIED, "denies what allowed_domains allows: b.a.example", "here or there"),
    ({"clients/robot": {**WITH_KEYS, "token_endpoint_auth_method": "client_secret_basic"}}, METHOD,
     "this one has keys", '"private_key_jwt"'),
    ({"clients/robot": {**WITH_KEYS, "token_endpoint_auth_method": "none"}}, METHOD,
     "keys say that it proves itself", '"private_key_jwt"'),
    ({"clients/robot": {**ROBOT, "token_endpoint_auth_method": "private_key_jwt"}}, METHOD,
     "needs keys", 'jwks_uri = "https://…" in place of client_secrets'),
    ({"resources/issues/client": {**OWN, "token_endpoint_auth_method": "private_key_jwt"}},
     "resources.issues.client.token_endpoint_auth_method", "needs keys", 'jwks = "file:/path"'),
    ({"clients/robot": {**ROBOT, "client_secrets": []}}, "clients.robot.client_secrets",
     "is missing", 'token_endpoint_auth_method = "none"'),
    ({"clients/television": TELEVISION}, "server.device_authorization",
     "grant_types of [clients.television]", "device_authorization = true in [server]"),
    ({"clients/robot": {**ROBOT, "dpop_bound_access_tokens": True}, "tokens/dpop": False},
     "tokens.dpop", "by clients.robot.dpop_bound", "write dpop = true, or leave out clients.robot"),
    ({"resources/issues/client": {**OWN, "dpop_bound_access_tokens": True}, "tokens/dpop": False},
     "tokens.dpop", "by resources.issues.client.dpop_bound_access_tokens", "write dpop = true"),
    ({"resources/issues/dpop_bound_access_tokens_required": True, "tokens/dpop": False},
     "tokens.dpop", "by resources.issues.dpop_bound", "or leave out resources.issues.dpop_bound"),
    ({"clients/robot": {**ROBOT, "targets": ["issues", "upstream"]}}, "clients.robot.targets",
     "only an exchange has tokens for: upstream", f"add {GRANT_TYPE} to grant_types"),
    ({"resources/wiki": WIKI, "exchanges/way": WAY}, "exchanges.way.requester",
     "a resource without a client of its own", "[resources.issues.client]"),
    ({**EXCHANGE, "resources/issues/client": {**OWN, "client_id": "server"}},
     "exchanges.way.requester", "not the client id of one", "write server"),
    ({**EXCHANGE, "exchanges/way/requester": "cursor"}, "exchanges.way.requester",
     "not a client of this file", "[resources.NAME.client] for the server of a resource"),
    ({**EXCHANGE, "clients/robot": ROBOT, "exchanges/way/requester": "robot"},
     "exchanges.way.requester", "exchanges nothing", GRANT_TYPE),
    ({**EXCHANGE, "exchanges/way/requester": ["issues"]}, "exchanges.way.requester",
     "not a client of this file", "clients that exchange: issues"),
    ({**EXCHANGE, "downstream_servers/partner": {**PARTNER, "client_ids": {"chat": "x"}}},
     "downstream_servers.partner.client_ids.chat", "not a client of this file", "[clients.NAME]"),
    ({**EXCHANGE, "downstream_servers/partner": PARTNER, "exchanges/way/target": "partner",
      "exchanges/way/scopes": {"issues:read": []}},
     "exchanges.way.scopes", "worth nothing there", "scopes of partner: partner:read"),
    ({**EXCHANGE, "downstream_servers/partner": PARTNER,
      "downstream_servers/again": {**PARTNER, "issuer": f"{PARTNER['issuer']}/"}},
     "downstream_servers.again.issuer", "of another server", "list all resources"),
    ({**EXCHANGE, "downstream_servers/partner": {**PARTNER, "issuer": "https://auth.example.com/"}},
     "downstream_servers.partner.issuer", "this server itself", "exchange tokens"),
    ({"trusted_issuers/company": {**COMPANY, "issuer": "https://auth.example.com/"}},
     "trusted_issuers.company.issuer", "names already", "each issuer once"),
    ({"exchanges": WAY}, "exchanges", "a table without a name", "[exchanges.NAME]"),
    ({"clients": ROBOT}, "clients", "a table without a name", "[clients.NAME]"),
    ({**EXCHANGE, "resources/issues/upstream_token": "exchange", "exchanges/way/target": "crm",
      "external_services/crm": {**CRM, "scopes": []},
      "exchanges/way/scopes": {"issues:read": ["crm.read"]}},
     "exchanges.way.scopes", "crm has not", "scopes of crm: none"),
    ({"clients/chat": {**ROBOT, "grant_types": [GRANT_TYPE], "source_clients": ["issues"]}},
     "clients.chat.source_clients[0]", "not the client of its users", '"*" for any'),
    ({"clients/robot": {**ROBOT, "grant_types": ["device_code"]}}, "clients.robot.grant_types[0]",
     "not one of the allowed", f"did you mean {DEVICE_CODE}?"),
    ({"clients/robot": {**ROBOT, "scopes": ["issues:delete"]}}, "clients.robot.scopes[0]",
     "no target has", "issues:admin, issues:read"),
    ({"clients/robot": {**WITH_KEYS, "jwks": "https://a.example/keys"}}, "clients.robot.jwks",
     "must not be written", "the URL of one as jwks_uri"),
    ({"clients/robot": {**ROBOT, "token_endpoint_auth_method": "client_secret_jwt"}}, METHOD,
     "not one of the allowed", "client_secret_basic, client_secret_post, private_key_jwt, none"),
    ({"clients/robot": {**ROBOT, "targets": "issues"}}, "clients.robot.targets", "not a list",
     'in square brackets: ["issues"]'),
    ({"resources/issues/scopes": ["issues:read"]}, "resources.issues.scopes", "not a table",
     'write a table: { "issues:read" ='),
    ({"client_documents/allowed_domains": ["*.a.example"]}, "client_documents.allowed_domains[0]",
     "no domain", "without *"),
]  # fmt: skip
FITTING = [
    TO_CRM,
    {**EXCHANGE, "tokens/token_batch": True},
    {
        "resources/issues/client": OWN,
        "resources/issues/upstream_token": "exchange",
        "tokens/token_batch": True,
    },
    {**ASSERTED, "clients/robot": {**ROBOT, "grant_types": [JWT_BEARER]}},
    {"client_documents/enabled": False},
    {"client_documents": {"allowed_domains": ["a.example"], "denied_domains": ["b.a.example"]}},
    {"client_documents": {"allowed_domains": ["aa.example"], "denied_domains": ["a.example"]}},
    {"registration": {"enabled": False, "idle_lifetime": "30d"}},
    {"clients/robot": {**WITH_KEYS, "token_endpoint_auth_method": "private_key_jwt"}},
    {"clients/robot": {**ROBOT, "dpop_bound_access_tokens": True}},
]


@pytest.fixture(autouse=True)
def secrets(tmp_path):
    keys = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    for name, content in {"secret": "0123456789abcdef" * 2, "keys.json": json.dumps(keys)}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)


@pytest.mark.parametrize(("changes", "key", "message", "remedy"), MISTAKES)
def test_what_does_not_fit_names_its_key_and_its_remedy(problems, changes, key, message, remedy):
    (problem,) = problems(copy.deepcopy(changes))
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize("changes", FITTING)
def test_what_fits_is_no_mistake(settings, changes):
    assert settings(copy.deepcopy(changes))


@pytest.mark.parametrize(
    ("written", "method"),
    [
        (WITH_KEYS, "private_key_jwt"),
        ({**WITH_KEYS, "token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt"),
        (ROBOT, "client_secret_basic"),
        ({**ROBOT, "token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
    ],
    ids=["keys", "keys, written", "secret", "secret in the body"],
)
def test_a_client_proves_itself_as_is_written_or_with_what_it_has(settings, written, method):
    client = settings({"clients/robot": written}).clients["robot"]
    assert client.token_endpoint_auth_method == method


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ({"redirect_uris": ["https://a.example/cb"]}, '= ["authorization_code", "refresh_token"]'),
        ({"source_clients": ["*"]}, f'= ["{GRANT_TYPE}"]'),
        ({}, '= ["client_credentials"] for a machine, ["authorization_code"'),
        ({"token_endpoint_auth_method": "none"}, f'["{DEVICE_CODE}"] for a device'),
    ],
    ids=["redirect URIs", "sources", "nothing", "public"],
)
def test_grant_types_are_proposed_by_what_else_is_written(problems, written, proposed):
    client = {name: each for name, each in ROBOT.items() if name != "grant_types"}
    found = problems({"clients/robot": {**client, **written}})
    (missing,) = (each for each in found if each.key == "clients.robot.grant_types")
    assert proposed in missing.remedy


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        ("registration/pushed_authorization_requests", False, "it belongs into [server]"),
        ("upstream/signing_alg", "ES256", "it belongs into [keys]"),
        ("server/registration", {"enabled": False}, "it belongs into [registration]"),
        ("enabled", False, "it is a key of [registration] or [client_documents]"),
        ("server/issuer", "https://a.example", "known here: pushed_authorization_requests"),
        ("upstream/fields/subject", ["id"], "it is for the other type of [upstream]"),
        ("tokens/device_authorization", True, "it belongs into [server]"),
        ("clients/robot/status_list", True, "it belongs into [resources.NAME]"),
        ("tokens/dpop_nonse", True, "did you mean dpop_nonce?"),
        (
            "resources/issues/dpop_bound_access_tokens",
            True,
            "it is a key of [resources.NAME.client] or [clients.NAME]; did you mean dpop_bound",
        ),
    ],
)
def test_a_key_in_the_wrong_table_is_told_where_it_belongs(problems, path, value, hint):
    changes = {"clients/robot": dict(ROBOT), path: value}
    (problem,) = (each for each in problems(changes) if each.key == path.replace("/", "."))
    assert hint in problem.remedy


def test_a_slip_of_the_keyboard_is_told_the_key_and_nothing_else(problems):
    changes = {"clients/robot": {**ROBOT, "client_secret": "env:X"}}
    (problem,) = problems(changes)
    assert problem.remedy == "did you mean client_secrets?"
