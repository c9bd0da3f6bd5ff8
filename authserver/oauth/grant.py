"""What a grant_type proves, the stored grant, and narrowing: OAuth 2.1 §4.3, RFC 8707 §2.2."""

from dataclasses import dataclass, field, replace

from authserver.oauth import epoch, resource, scope
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor, Link
from authserver.oauth.params import Params


@dataclass(frozen=True, slots=True)
class Authorization:
    """The one currency: who may use which resource with which scopes, and what it hangs on.

    `anchor` is what ends every token minted from this. What was exchanged says who acts, the
    newest first, and `via` which tokens of ours. Nobody signs in for some subjects: no `auth_time`.
    `jkt` is the thumbprint of the key that its tokens are bound to, None for bearer tokens.
    """

    sub: str
    client_id: str
    resource: str
    scope: tuple[str, ...]
    anchor: Anchor
    auth_time: int | None
    nonce: str | None = field(default=None, repr=False)
    actors: tuple[Party, ...] = ()
    via: tuple[Link, ...] = ()
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """An issued authorization code; `digest` is the SHA-256 of what the client holds.

    `dpop_jkt` is the key that the client asked for it to be bound to (RFC 9449 §10).
    """

    digest: str = field(repr=False)
    grant_id: str
    client_id: str
    redirect_uri: str
    redirect_uri_given: bool
    sub: str
    resource: str
    scope: tuple[str, ...]
    code_challenge: str = field(repr=False)
    auth_time: int
    epochs: int
    expires_at: int
    nonce: str | None = field(default=None, repr=False)
    upstream_sid: str | None = None
    spent_at: int | None = None
    dpop_jkt: str | None = None

    @property
    def epoch_subjects(self) -> tuple[str, ...]:
        """Return the counters that the code depends on."""
        return epoch.of_grant(self.sub, self.client_id, self.resource, self.upstream_sid)

    def authorization(self) -> Authorization:
        """Return what the code proves, and the key that it is bound to."""
        return Authorization(
            self.sub, self.client_id, self.resource, self.scope, Anchor(self.grant_id),
            self.auth_time, self.nonce, jkt=self.dpop_jkt,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """One authorization that came from one code: the root of a refresh family.

    `handle` names it in refresh tokens, `id` in access tokens; `generation` counts rotations;
    `expires_at` is its absolute end, `idle_expires_at` moves with each rotation. `refresh_kid` is
    the key with which its current refresh token was made, None of one that an earlier version made.
    `status_index` is its bit in the status list, where it has one. `dpop_jkt` is the key that was
    proved when the code was redeemed: it never changes, and is never added later.
    """

    id: str
    handle: str = field(repr=False)
    client_id: str
    sub: str
    resource: str
    scope: tuple[str, ...]
    auth_time: int
    seed: bytes = field(repr=False)
    generation: int
    rotated_at: int
    created_at: int
    expires_at: int
    idle_expires_at: int
    epochs: int
    upstream_sid: str | None = None
    revoked_at: int | None = None
    refresh_kid: str | None = None
    status_index: int | None = None
    dpop_jkt: str | None = None

    @property
    def epoch_subjects(self) -> tuple[str, ...]:
        """Return the counters that the grant depends on."""
        return epoch.of_grant(self.sub, self.client_id, self.resource, self.upstream_sid)

    def authorization(self) -> Authorization:
        """Return what a refresh token of this grant proves, and the key that it is bound to."""
        return Authorization(
            self.sub, self.client_id, self.resource, self.scope, Anchor(self.id), self.auth_time,
            jkt=self.dpop_jkt,
        )  # fmt: skip


def narrow(authorization: Authorization, params: Params) -> Authorization:
    """Return the authorization for one access token: scope and resource only ever narrow.

    Raises `invalid_scope` or `invalid_target`.
    """
    return replace(
        authorization,
        resource=resource.narrow(authorization.resource, params.all("resource")),
        scope=scope.narrow(params.get("scope"), authorization.scope),
    )
