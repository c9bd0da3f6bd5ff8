"""What this server lets clients say about themselves: RFC 7591 §2, §5."""

from dataclasses import dataclass, field, replace

from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.redirect_uri import RedirectPolicy


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """What open registration allows; every value stands in `[registration]`.

    `confidential_redirect_uris` are exact URIs whose clients say `none` and then want a secret; the
    flags say what is on here: keys at a `jwks_uri`, pushed requests, bound tokens, identity
    assertions, devices.
    `idempotent` gives equal public metadata one client_id, `stateless` a signed one that holds it.
    With `management` a client may change its registration; with `initial_access_token_digests`
    only who has one of these tokens registers.
    """

    enabled: bool = True
    redirect: RedirectPolicy = field(default_factory=RedirectPolicy)
    scopes_supported: tuple[str, ...] = ()
    default_client_scopes: tuple[str, ...] = ()
    confidential_redirect_uris: frozenset[str] = frozenset()
    fetches_keys: bool = True
    pushed_requests: bool = True
    dpop: bool = True
    identity_assertions: bool = False
    device: bool = False
    idempotent: bool = False
    stateless: bool = False
    management: bool = False
    initial_access_token_digests: tuple[str, ...] = field(default=(), repr=False)
    unused_lifetime: int = 7 * 86400
    idle_lifetime: int = 90 * 86400

    def of_those_here(self) -> "RegistrationPolicy":
        """Return the policy by which a client is read again that registered or published itself.

        That requests are pushed or devices sign in no more ends there, and not what was granted.
        """
        return replace(self, pushed_requests=True, device=True)

    @property
    def browserless(self) -> tuple[str, ...]:
        """Return the grant types that any client may have in place of `authorization_code`."""
        return (DEVICE_CODE,) if self.device else ()
