"""Values to store, each complete, so that a forgotten column shows."""

from dataclasses import replace
from typing import Any

from authserver.oauth import epoch
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.device_authorization import DeviceAuthorization
from authserver.oauth.grant import Code, Grant
from authserver.oauth.interaction import PendingAuthorization, Session
from authserver.oauth.pushed_request import PushedRequest
from authserver.storage.signing_keys import StoredKey
from authserver.storage.vault import StoredTokens

NOW = 1_790_000_000
HOUR = 3600
DAY = 86400
RESOURCE = "https://issues.example/mcp"
SUBJECTS = epoch.of_grant("user-1", "client-1", RESOURCE, "sid-1")


def a_client(client_id: str = "client-1", **changes: Any) -> Client:
    client = Client(
        client_id=client_id,
        redirect_uris=("https://app.example/callback", "http://127.0.0.1/callback"),
        client_name="Zürich ☕ editor",
        token_endpoint_auth_method="client_secret_basic",
        grant_types=("authorization_code",),
        scope=("issues:read",),
        application_type="native",
        other={"client_uri": "https://app.example/"},
        jwks={"keys": [{"kty": "EC", "kid": "one"}]},
        jwks_uri="https://app.example/jwks.json",
        token_endpoint_auth_signing_alg="ES256",
        require_pushed_authorization_requests=True,
        dpop_bound_access_tokens=True,
        secret_digest="5" * 64,
        registered_at=NOW,
    )
    return replace(client, **changes)


def a_request(**changes: Any) -> AuthorizationRequest:
    request = AuthorizationRequest(
        client_id="client-1",
        redirect_uri="http://127.0.0.1:3999/callback",
        redirect_uri_given=True,
        state="state ☕",
        scope=("issues:read", "openid"),
        resource=RESOURCE,
        code_challenge="c" * 43,
        nonce="nonce-1",
        prompt=frozenset({"login", "consent"}),
        max_age=600,
        login_hint="alice@example.com",
    )
    return replace(request, **changes)


def a_pending(pending_id: str = "pending-1", **changes: Any) -> PendingAuthorization:
    pending = PendingAuthorization(
        id=pending_id,
        request=a_request(),
        binding_digest="b" * 64,
        network_digest="n" * 64,
        epochs=0,
        created_at=NOW,
        expires_at=NOW + 600,
    )
    return replace(pending, **changes)


def a_pushed_request(digest: str = "pushed-1", **changes: Any) -> PushedRequest:
    return replace(PushedRequest(digest, a_request(), "n" * 64, NOW + 90), **changes)


def a_device(digest: str = "device-1", **changes: Any) -> DeviceAuthorization:
    device = DeviceAuthorization(
        digest=digest,
        typed_digest=f"typed-{digest}",
        request=a_request(redirect_uri="", code_challenge=""),
        address="192.0.2.1",
        network_digest="n" * 64,
        epochs=3,
        created_at=NOW,
        expires_at=NOW + 600,
    )
    return replace(device, **changes)


def a_session(digest: str = "session-1", **changes: Any) -> Session:
    session = Session(
        digest=digest,
        sub="user-1",
        auth_time=NOW - 5,
        created_at=NOW,
        last_seen_at=NOW,
        upstream_sid="sid-1",
    )
    return replace(session, **changes)


def a_code(digest: str = "code-1", **changes: Any) -> Code:
    code = Code(
        digest=digest,
        grant_id=f"grant-of-{digest}",
        client_id="client-1",
        redirect_uri="http://127.0.0.1:3999/callback",
        redirect_uri_given=True,
        sub="user-1",
        resource=RESOURCE,
        scope=("issues:read", "openid"),
        code_challenge="c" * 43,
        auth_time=NOW - 5,
        epochs=0,
        expires_at=NOW + 60,
        nonce="nonce-1",
        upstream_sid="sid-1",
    )
    return replace(code, **changes)


def a_grant(grant_id: str = "grant-1", **changes: Any) -> Grant:
    grant = Grant(
        id=grant_id,
        handle=f"handle-of-{grant_id}",
        client_id="client-1",
        sub="user-1",
        resource=RESOURCE,
        scope=("issues:read", "openid"),
        auth_time=NOW - 5,
        seed=bytes(range(32)),
        generation=0,
        rotated_at=NOW,
        created_at=NOW,
        expires_at=NOW + 365 * DAY,
        idle_expires_at=NOW + 30 * DAY,
        epochs=0,
        upstream_sid="sid-1",
    )
    return replace(grant, **changes)


def a_key(sequence: int = 1, **changes: Any) -> StoredKey:
    key = StoredKey(
        kid=f"kid-{sequence}",
        sequence=sequence,
        alg="ES256",
        sealed="v1:00000000:sealed",
        created_at=NOW,
        active_at=NOW + DAY,
    )
    return replace(key, **changes)


def some_tokens(digest: str = "tokens-1", **changes: Any) -> StoredTokens:
    tokens = StoredTokens(
        digest=digest,
        sub="user-1",
        upstream_issuer="https://idp.example",
        upstream_subject="ada",
        resource=RESOURCE,
        access_token="v1:0a0a0a0a:access",
        refresh_token="v1:0a0a0a0a:refresh",
        id_token="v1:0a0a0a0a:id",
        scope=("api:read",),
        requested_scope=("openid", "api:read"),
        expires_at=NOW + HOUR,
        upstream_client_id="mcp-auth",
        obtained_at=NOW,
    )
    return replace(tokens, **changes)
