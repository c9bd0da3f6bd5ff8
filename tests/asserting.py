"""A company's provider says who its users are to a client: identity assertions (ID-JAG)."""

from itertools import count
from typing import Any

from authserver.oauth.identity_assertion import GRANT_TYPE
from tests.actors import ISSUER, RESOURCE, Deployment
from tests.exchanging import basic, form
from tests.foreign import ABSENT, minted
from tests.upstream.hostile_idp import HostileIdp

TYPE = "oauth-id-jag+jwt"
SECRET = "agent:secret+of%more/than 32 characters"
_NUMBERS = count()
MORE = """
[trusted_issuers.company]
issuer = "{company}"
identity_assertions = true
algorithms = ["ES256"]
users = {{ "mapped-1" = "usr-nobody" }}

[clients.agent]
client_secrets = ["file:agent-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
targets = ["issues", "wiki"]
scopes = ["issues:read", "issues:write", "wiki:read"]

[clients.robot]
client_secrets = ["file:agent-secret"]
grant_types = ["client_credentials"]
targets = ["issues"]
scopes = ["issues:read"]

[resources.issues.client]
client_secrets = ["file:agent-secret"]
{more}
"""


def start(
    folder: Any,
    database: str,
    idp: HostileIdp,
    company: HostileIdp,
    more: str = "",
    *,
    upstream: bool = True,
    change: tuple[str, str] = ("", ""),
) -> Deployment:
    """Start a server that trusts the company for this, and by default its own upstream.

    `change` is a text of the configuration, and what stands there in its place.
    """
    (folder / "agent-secret").write_text(SECRET)
    from authserver.settings import load
    from tests.actors import write_config

    written = MORE.format(company=company.issuer, more=more)
    path = write_config(folder, database, idp.issuer, more=written)
    if upstream:
        text = path.read_text()
        path.write_text(text.replace("[upstream]", "[upstream]\nidentity_assertions = true", 1))
    path.write_text(path.read_text().replace(*change, 1))
    return Deployment(load(path), idp)


def assertion(issuer: HostileIdp, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return an identity assertion about a user of the issuer, for the client `agent`."""
    said = {
        "sub": "user-1", "aud": ISSUER, "client_id": "agent", "resource": RESOURCE,
        "scope": "issues:read", "jti": f"assertion-{next(_NUMBERS)}", "exp": issuer.now + 300,
        "nbf": ABSENT, "kubernetes.io": ABSENT, **claims,
    }  # fmt: skip
    return minted(issuer, {"typ": TYPE, **(header or {})}, **said)


def bring(deployment: Deployment, token: str | None, **changes: Any) -> Any:
    """Bring an assertion as the client, or as `by`; None leaves a parameter out."""
    by, headers = changes.pop("by", "agent"), changes.pop("headers", {})
    params = {"grant_type": GRANT_TYPE, "assertion": token, **changes}
    kept = {name: value for name, value in params.items() if value is not None}
    return form(deployment, "/token", kept, headers={**basic(by, SECRET), **headers})
