"""Who may use a resource, with which scopes: RFC 6749 §3.3, OAuth 2.1 §4.3.1.

Asked before the consent page, at its decision, and at every code exchange and refresh: what the
operator's rules or the user's claims no longer allow is gone with the next access token.
"""

from dataclasses import replace

from authserver.oauth import scope
from authserver.oauth.allow import Allow
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.resource import Resource
from authserver.oauth.user import User


def allowed(
    resource: Resource, user: User | None, names: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return those of the scopes that the user may have at the resource; None where denied.

    Denied is whom the resource does not admit, and who is left with no scope of the resource where
    some were named. A scope that the resource has no more is gone; the built-in ones are for all.
    """
    if not _admits(resource.allow, user):
        return None
    kept = tuple(name for name in names if name in scope.STANDARD or _has(resource, user, name))
    return None if _own(names) and not _own(kept) else kept


def permit(
    resource: Resource, user: User | None, proven: Authorization, narrowed: Authorization
) -> Authorization:
    """Return the authorization for one access token, less the scopes that are not the user's.

    `narrowed` is what the request wants of `proven`. Raises `invalid_grant` where nothing that was
    proven is allowed any more, `invalid_scope` where only what this request names is not.
    """
    held = allowed(resource, user, proven.scope)
    if held is None:
        raise OAuthError("invalid_grant", "The grant is not valid.", detail="policy_denied")
    kept = scope.keep(narrowed.scope, held)
    if _own(narrowed.scope) and not _own(kept):
        raise OAuthError("invalid_scope", "The scope is not available.", detail="policy_denied")
    return replace(narrowed, scope=kept)


def _has(resource: Resource, user: User | None, name: str) -> bool:
    found = resource.scopes.get(name)
    return found is not None and _admits(found.allow, user)


def _admits(allow: Allow | None, user: User | None) -> bool:
    return allow is None or (user is not None and allow.admits(user))


def _own(names: tuple[str, ...]) -> bool:
    return any(name not in scope.STANDARD for name in names)
