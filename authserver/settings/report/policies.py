"""What each resource asks and gives, as `config check` says it"""

from collections.abc import Iterator

from authserver.oauth.allow import Allow
from authserver.oauth.resource import Resource


def in_effect(resource: Resource) -> Iterator[tuple[str, str]]:
    """Return the resource with its scopes, who may use it, and what its tokens say."""
    retired = ", retired: no new authorizations" if resource.retired else ""
    key, everybody = resource.key, "everybody who signs in"
    yield f"resource {key}", f"{resource.url} ({_scopes(resource)}){retired}"
    yield f"who may use {key}", _who(resource.allow) if resource.allow else everybody
    for name, scope in resource.scopes.items():
        if scope.allow:
            yield f"who may have {name} of {key}", f"of these: {_who(scope.allow)}"
    if resource.claims:
        yield f"tokens for {key} say", ", ".join(resource.claims)
    if resource.status_list:
        yield f"revocations for {key}", "on the status list"


def _scopes(resource: Resource) -> str:
    names = [f"{name}, sensitive" if s.sensitive else name for name, s in resource.scopes.items()]
    return "; ".join(names) or "no scopes"


def _who(allow: Allow) -> str:
    subjects = (f"{sub} of {issuer}" if issuer else sub for issuer, sub in allow.subjects)
    rules = (
        ("verified e-mail", (*(f"at {each}" for each in allow.email_domains), *allow.emails)),
        ("subject", tuple(subjects)),
        *((f"{path} has", tuple(wanted)) for path, wanted in allow.claims.items()),
    )
    return "; ".join(f"{name} {', or '.join(sorted(each))}" for name, each in rules if each)
