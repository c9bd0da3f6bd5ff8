"""A server where every grant and every endpoint takes proofs, and who brings them there."""

from dataclasses import dataclass, field
from typing import Any

from authserver.oauth.exchange_request import ACCESS_TOKEN
from authserver.oauth.exchange_request import GRANT_TYPE as EXCHANGE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings import load
from tests import devices
from tests.actors import ISSUER, RESOURCE, Browser, Deployment, McpClient, write_config
from tests.asserting import assertion
from tests.exchanging import basic, form
from tests.foreign import AUDIENCE, ROBOT, minted
from tests.proving import Holder
from tests.upstream.hostile_idp import HostileIdp

SAFE = "https://safe.example/mcp"
SECRET = "s" * 32
MORE = """
[server]
device_authorization = true

[tokens]
token_batch = true
{tokens}

[trusted_issuers.company]
issuer = "{company}"
identity_assertions = true
audiences = ["{audience}"]
algorithms = ["ES256"]

[workloads.job]
issuer = "company"
claims = {{ sub = "{robot}" }}
targets = ["issues", "safe"]
scopes = ["issues:read", "safe:read"]

[clients.agent]
client_secrets = ["file:secret"]
grant_types = ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
targets = ["issues", "safe"]
scopes = ["issues:read", "safe:read"]
{clients}

[resources.issues.client]
client_secrets = ["file:secret"]
{clients}

[resources.wiki.client]
client_secrets = ["file:secret"]

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = {{ "issues:read" = ["wiki:read"] }}

[exchanges.wiki-issues]
requester = "wiki"
source = "wiki"
target = "issues"
scopes = {{ "wiki:read" = ["issues:read"] }}
actors = ["*"]
"""
SAFE_RESOURCE = """
[resources.safe]
url = "https://safe.example/mcp"
scopes = { "safe:read" = "Read it" }
dpop_bound_access_tokens_required = true

[exchanges.issues-safe]
requester = "issues"
source = "issues"
target = "safe"
scopes = { "issues:read" = ["safe:read"] }
"""
WITHOUT_SAFE = (', "safe"]', ', "safe:read"]')
CAREFUL = "dpop_bound_access_tokens = true"


@dataclass
class Place:
    """A deployment, the company it trusts, and a client that signed in; each request is new."""

    deployment: Deployment
    company: HostileIdp
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.browser = Browser(self.deployment)

    @classmethod
    def start(
        cls, folder: Any, database: str, idp: Any, company: Any, *, tokens: str = "",
        clients: str = "", safe: bool = True,
    ) -> "Place":  # fmt: skip
        (folder / "secret").write_text(SECRET)
        more = MORE.format(
            company=company.issuer, audience=AUDIENCE, robot=ROBOT, tokens=tokens, clients=clients
        )
        if safe:
            more += SAFE_RESOURCE
        else:
            for named in WITHOUT_SAFE:
                more = more.replace(named, "]")
        path = write_config(folder, database, idp.issuer, more=more)
        metadata = {"dpop_bound_access_tokens": True} if clients else {}
        return cls(Deployment(load(path), idp), company, metadata)

    @property
    def holder(self) -> Holder:
        """Return whose key it is, with a clock that is right."""
        return Holder(now=self.deployment.clock.now)

    @property
    def nonce(self) -> str:
        return self.deployment.server.dpop_nonces.current(self.deployment.clock.now)

    def client(self) -> McpClient:
        return McpClient(self.deployment, metadata=self.metadata).register()

    def machine(self, params: dict[str, Any], headers: dict[str, str], by: str = "") -> Any:
        own = basic(by, SECRET) if by else {}
        return form(self.deployment, "/token", params, headers={**own, **headers})


def code(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    client = place.client()
    given = client.code(place.browser, resource=resource)
    return client.token(client.code_params(given, resource=resource), headers=headers)


def refresh(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    client = place.client()
    params = client.code_params(client.code(place.browser, resource=resource), resource=resource)
    first = {} if resource == RESOURCE and not place.metadata else place.holder.header()
    token = client.token(params, headers=first).json["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id}
    return client.token(again, headers=headers)


def device(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    asking = devices.Device(place.deployment, place.metadata).register().ask(resource=resource)
    devices.approve(place.browser, asking.user_code)
    params = {"grant_type": devices.GRANT_TYPE, "device_code": asking.device_code}
    return asking.post("/token", params, headers=headers)


def machine(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    params = {"grant_type": "client_credentials", "resource": resource}
    return place.machine(params, headers, "agent")


def workload(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    token = minted(place.company)
    params = {"grant_type": JWT_BEARER, "assertion": token, "resource": resource}
    return place.machine(params, headers)


def identity(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    scope = "safe:read" if resource == SAFE else "issues:read"
    token = assertion(place.company, resource=resource, scope=scope)
    return place.machine({"grant_type": JWT_BEARER, "assertion": token}, headers, "agent")


def subject(place: Place) -> str:
    """Return a token of a user for the issue tracker, bound to no key."""
    client = McpClient(place.deployment).register()
    return str(client.connect(place.browser)["access_token"])


def exchange(place: Place, headers: dict[str, str], resource: str = RESOURCE) -> Any:
    params = {
        "grant_type": EXCHANGE, "subject_token": subject(place), "subject_token_type": ACCESS_TOKEN,
        "audience": "safe" if resource == SAFE else "wiki",
    }  # fmt: skip
    return place.machine(params, headers, "issues")


GRANTS: dict[str, Any] = {
    "code": code, "refresh": refresh, "device": device, "machine": machine, "workload": workload,
    "identity": identity, "exchange": exchange,
}  # fmt: skip


def pushed(place: Place, headers: dict[str, str]) -> Any:
    return form(place.deployment, "/par", place.client().authorize_params(), headers=headers)


def batch(place: Place, headers: dict[str, str], token: str = "") -> Any:
    params = {
        "grant_type": EXCHANGE, "subject_token": token or subject(place),
        "subject_token_type": ACCESS_TOKEN, "audience": "wiki",
    }  # fmt: skip
    said = {**basic("issues", SECRET), **headers}
    return form(place.deployment, "/token-batch", params, headers=said)


def device_request(place: Place, headers: dict[str, str]) -> Any:
    asking = devices.Device(place.deployment).register()
    return asking.post("/device_authorization", {"resource": RESOURCE}, headers=headers)


def proof_for(place: Place, path: str, **claims: Any) -> dict[str, str]:
    """Return a new proof for an endpoint that takes forms."""
    return place.holder.header(htu=f"{ISSUER}{path}", **claims)


ENDPOINTS: dict[str, Any] = {
    "/token": machine, "/par": pushed, "/token-batch": batch,
    "/device_authorization": device_request,
}  # fmt: skip


def bound_token(place: Place) -> str:
    """Return a token that `/userinfo` takes with a proof of the holder's key."""
    client = place.client()
    params = client.code_params(client.code(place.browser, scope="openid issues:read"))
    proof = place.holder.header(nonce=place.nonce)
    return str(client.token(params, headers=proof).json["access_token"])


def userinfo(place: Place, token: str, headers: dict[str, str]) -> Any:
    said = {"Authorization": f"DPoP {token}", **headers}
    return place.deployment.http().get("/userinfo", headers=said)


def userinfo_proof(place: Place, token: str, **claims: Any) -> dict[str, str]:
    return place.holder.header("GET", f"{ISSUER}/userinfo", token=token, **claims)
