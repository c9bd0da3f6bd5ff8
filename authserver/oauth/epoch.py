"""Revoking is an epoch: whom a counter concerns, and how a grant depends on them: RFC 7009 §2.1.

Each user, client, consent and upstream session has a counter that only grows. What is issued
stores the sum of the counters it depends on; the statement that spends or rotates it compares
that sum with today's. Counters only grow, so the sums are equal only if none has moved
(docs/decisions/0003-revocation-epochs.md).
"""

import hashlib


def user(sub: str) -> str:
    """Return the name of a user's counter."""
    return f"user:{sub}"


def client(client_id: str) -> str:
    """Return the name of a client's counter."""
    return f"client:{_digest(client_id)}"


def consent(sub: str, client_id: str, resource: str) -> str:
    """Return the name of the counter of what a user allowed a client at a resource."""
    return f"consent:{_digest(sub, client_id, resource)}"


def upstream_session(sid: str) -> str:
    """Return the name of the counter of a session at the upstream.

    The upstream's `sid` alone names it: a logout token may say nothing else
    (docs/decisions/0007-back-channel-logout.md).
    """
    return f"sid:{_digest(sid)}"


def without_upstream_session(sub: str) -> str:
    """Return the name of the counter of what a user got by sign-ins that named no `sid`."""
    return f"no-sid:{sub}"


def of_session(sub: str, sid: str | None) -> tuple[str, ...]:
    """Return the counters that a browser session depends on."""
    return (user(sub), _at_the_upstream(sub, sid))


def of_consent(sub: str, client_id: str, resource: str) -> tuple[str, ...]:
    """Return the counters that the memory of a decision depends on."""
    return (user(sub), client(client_id), consent(sub, client_id, resource))


def of_grant(sub: str, client_id: str, resource: str, sid: str | None) -> tuple[str, ...]:
    """Return the counters that a code or grant depends on."""
    return (*of_consent(sub, client_id, resource), _at_the_upstream(sub, sid))


def of_subject(sub: str, client_id: str) -> tuple[str, ...]:
    """Return the counters that a token depends on that comes from no grant: RFC 8693 §2.1.

    `client_id` is who brought the subject's foreign token.
    """
    return (user(sub), client(client_id), without_upstream_session(sub))


def _at_the_upstream(sub: str, sid: str | None) -> str:
    return without_upstream_session(sub) if sid is None else upstream_session(sid)


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.sha256(joined).hexdigest()
