"""A cluster whose tokens a delegate exchanges, and the upstream's tokens beside them."""

import json
from collections.abc import Sequence
from typing import Any

from tests.actors import Deployment
from tests.exchanging import SECRETS, exchange
from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, HostileIdp, changed
from tests.upstream.jose import sign

AUDIENCE = "https://auth.example/exchange"
ROBOT = "system:serviceaccount:prod:robot"
MORE = """
[resources.issues.client]
client_secrets = ["file:issues-secret"]

[clients.chat]
client_secrets = ["file:chat-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
targets = ["wiki", "issues"]
scopes = ["wiki:read", "issues:read"]
source_clients = {source_clients}

[trusted_issuers.cluster]
issuer = "{cluster}"
audiences = ["{audience}"]
algorithms = ["ES256"]
{issuer_more}

[exchanges.cluster-wiki]
requester = "chat"
source = "cluster"
target = "wiki"
scopes = ["wiki:read"]

[exchanges.upstream-issues]
requester = "chat"
source = "upstream"
target = "issues"
scopes = ["issues:read"]

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = {{ "issues:read" = ["wiki:read"] }}
actors = {actors}
{more}
"""
UPSTREAM_AUDIENCES = '["chat-frontend", "api://authserver"]'


def start(
    folder: Any,
    database: str,
    idp: HostileIdp,
    cluster: HostileIdp,
    issuer_more: str = "",
    more: str = "",
    actors: Sequence[str] = (),
    source_clients: Sequence[str] = ("*",),
) -> Deployment:
    """Start a server that trusts the cluster, and takes the upstream's tokens."""
    from authserver.settings import load
    from tests.actors import write_config

    for name in ("issues", "chat"):
        (folder / f"{name}-secret").write_text(SECRETS[name])
    written = MORE.format(
        cluster=cluster.issuer, audience=AUDIENCE, issuer_more=issuer_more, more=more,
        actors=json.dumps(list(actors)), source_clients=json.dumps(list(source_clients)),
    )  # fmt: skip
    path = write_config(folder, database, idp.issuer, more=written)
    named = f"[upstream]\nexchange_audiences = {UPSTREAM_AUDIENCES}"
    path.write_text(path.read_text().replace("[upstream]", named, 1))
    return Deployment(load(path), idp)


def minted(issuer: HostileIdp, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a token that the issuer signed: a service account's, as Kubernetes projects it."""
    head = {"alg": "ES256", "kid": issuer.signing_key.get("kid", ABSENT)}
    honest = {
        "iss": issuer.issuer,
        "sub": ROBOT,
        "aud": [AUDIENCE, "https://kubernetes.default.svc"],
        "iat": issuer.now,
        "nbf": issuer.now,
        "exp": issuer.now + 3600,
        "jti": "00000000-0000-4000-8000-000000000001",
        "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "robot", "uid": "1"}},
    }
    payload = json.dumps(changed(honest, claims)).encode()
    return sign(changed(head, header or {}), payload, issuer.signing_key)


def id_token(idp: HostileIdp, **claims: Any) -> str:
    """Return an ID token of the upstream, of the kind that a delegate's own login brings."""
    honest = {
        "aud": "chat-frontend", "sub": "user-1", "email": "ada@example.com", "name": "Ada",
        "email_verified": True, "nonce": "n", "kubernetes.io": ABSENT, "auth_time": idp.now - 5,
    }  # fmt: skip
    return minted(idp, {"typ": "JWT"}, **{**honest, **claims})


def ask(deployment: Deployment, token: str, target: str = "wiki", **changes: Any) -> Any:
    """Ask for a token in the name of the delegate."""
    type_ = "urn:ietf:params:oauth:token-type:jwt"
    changes = {"audience": target, "subject_token_type": type_, **changes}
    return exchange(deployment, changes.pop("by", "chat"), token, **changes)


__all__ = ["ABSENT", "AUDIENCE", "CLIENT_ID", "ROBOT", "ask", "id_token", "minted", "start"]
