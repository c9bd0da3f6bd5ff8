"""What may be deleted, and when. Each rule is one condition, asked twice: to find and to delete.

Finding is a read that blocks nobody; the delete asks again, because the row may be used meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Delete, Select, bindparam, delete, exists, or_, select

from authserver.oauth.client_document import MAX_FRESH, STALE
from authserver.oauth.interaction import SESSION_IDLE_LIFETIME, SESSION_LIFETIME
from authserver.storage import tables
from authserver.storage.connected import Connected

# Instances' clocks differ, and jump: nothing goes in the hour in which one may still see it live.
CLOCK_MARGIN = 3600
# No access token lives longer, so that its grant can be looked up for as long as it is valid.
ENDED_GRANT_KEPT = 86400

_grants, _codes, _clients = tables.grants, tables.codes, tables.clients
_documents = tables.client_documents
_tokens, _entries = tables.upstream_tokens, tables.status_entries
_devices, _pushed = tables.device_authorizations, tables.pushed_requests
_pending, _consents, _sessions = tables.pending_authorizations, tables.consents, tables.sessions


def _moment(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=_grants.c.expires_at.type)


@dataclass(frozen=True, slots=True)
class Moments:
    """What the conditions compare with, in epoch seconds."""

    now: int
    unused_before: int
    idle_before: int

    def parameters(self) -> dict[str, object]:
        """Return the parameters of every rule's statements."""
        return {
            "now": self.now,
            "expired_before": self.now - CLOCK_MARGIN,
            "ended_before": self.now - ENDED_GRANT_KEPT,
            # A root without a grant is noted once a day, and its tokens live for a day at most.
            "root_before": self.now - 2 * ENDED_GRANT_KEPT - CLOCK_MARGIN,
            "document_before": self.now - MAX_FRESH - STALE - CLOCK_MARGIN,
            "session_before": self.now - CLOCK_MARGIN - SESSION_LIFETIME,
            "seen_before": self.now - CLOCK_MARGIN - SESSION_IDLE_LIFETIME,
            "unused_before": self.unused_before,
            "idle_before": self.idle_before,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of rows that end: how they are found, and the statements that delete them."""

    find: Select[Any]
    deletes: tuple[Delete, ...]


def _rule(key: Column[str], condition: ColumnElement[bool], *also: Delete) -> Rule:
    chosen = key.in_(bindparam("keys", expanding=True))
    find = select(key).where(condition).limit(bindparam("batch"))
    return Rule(find, (delete(key.table).where(chosen, condition), *also))


_newer = _grants.alias("newer")
# The newest grant of a client stays as long as it tells how long the client is idle.
_grant_ended = or_(
    _grants.c.expires_at <= _moment("ended_before"),
    _grants.c.idle_expires_at <= _moment("ended_before"),
) & or_(
    _grants.c.rotated_at <= _moment("idle_before"),
    exists().where(
        _newer.c.client_id == _grants.c.client_id, _newer.c.rotated_at > _grants.c.rotated_at
    ),
)
_grant_live = (
    _grants.c.revoked_at.is_(None)
    & (_grants.c.expires_at > _moment("now"))
    & (_grants.c.idle_expires_at > _moment("now"))
)
_of_tokens = (_grants.c.sub == _tokens.c.sub) & (_grants.c.resource == _tokens.c.resource)
_still_used = (
    _grants.c.revoked_at.is_(None)
    & (_grants.c.expires_at > _moment("expired_before"))
    & (_grants.c.idle_expires_at > _moment("expired_before"))
)
_of_client = _grants.c.client_id == _clients.c.client_id
_consented = _consents.c.client_id == _clients.c.client_id


def _on_its_way(client_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Say whether somebody may still decide about a request of the client, or approved one.

    What was denied does not count: whoever asks in vain again and again would keep a client.
    """
    waiting = (
        exists().where(
            each.c.client_id == client_id,
            each.c.expires_at > _moment("expired_before"),
            *((each.c.status != "denied",) if "status" in each.c else ()),
        )
        for each in (_pending, _pushed, _devices)
    )
    return or_(*waiting)


# A blocked one stays, or it would come back: its id may be made of what it says.
_removable = (
    ~_clients.c.preregistered & _clients.c.blocked_at.is_(None) & ~_on_its_way(_clients.c.client_id)
)
_unused = (
    _removable
    & (_clients.c.registered_at <= _moment("unused_before"))
    & ~exists().where(_of_client)
    & ~exists().where(_consented)
)
_idle = (
    _removable
    & (_clients.c.registered_at <= _moment("idle_before"))
    & ~exists().where(_of_client, or_(_grant_live, _grants.c.rotated_at > _moment("idle_before")))
    & ~exists().where(_consented, _consents.c.granted_at > _moment("idle_before"))
)
_forget_consents = delete(_consents).where(
    _consents.c.client_id.in_(bindparam("keys", expanding=True)), ~exists().where(_consented)
)

# Whoever comes back has it fetched again. One that no user agreed to is not kept for an outage.
_document_unused = (
    or_(
        _documents.c.fetched_at <= _moment("document_before"),
        (_documents.c.fresh_until <= _moment("expired_before"))
        & ~exists().where(_consents.c.client_id == _documents.c.client_id),
    )
    & ~_on_its_way(_documents.c.client_id)
    & ~exists().where(_grants.c.client_id == _documents.c.client_id, _grant_live)
)

RULES = {
    # Before the grants, which tell when a client was used.
    "unused clients": _rule(_clients.c.client_id, _unused, _forget_consents),
    "idle clients": _rule(_clients.c.client_id, _idle, _forget_consents),
    "client documents": _rule(_documents.c.client_id, _document_unused),
    "pending authorizations": _rule(
        _pending.c.id, _pending.c.expires_at <= _moment("expired_before")
    ),
    "pushed requests": _rule(_pushed.c.digest, _pushed.c.expires_at <= _moment("expired_before")),
    "upstream logins": _rule(
        tables.upstream_logins.c.state_digest,
        tables.upstream_logins.c.expires_at <= _moment("expired_before"),
    ),
    "logout tokens": _rule(
        tables.logout_tokens.c.digest,
        tables.logout_tokens.c.expires_at <= _moment("expired_before"),
    ),
    "spent assertions": _rule(
        tables.spent_assertions.c.digest,
        tables.spent_assertions.c.expires_at <= _moment("expired_before"),
    ),
    "revoked tokens": _rule(
        tables.revoked_tokens.c.jti,
        tables.revoked_tokens.c.expires_at <= _moment("expired_before"),
    ),
    "sessions": _rule(
        _sessions.c.digest,
        (_sessions.c.created_at <= _moment("session_before"))
        | (_sessions.c.last_seen_at <= _moment("seen_before")),
    ),
    "grants": _rule(_grants.c.id, _grant_ended),
    # After the grants: a spent code shows a replay for as long as there is something to revoke.
    "codes": _rule(
        _codes.c.digest,
        (_codes.c.expires_at <= _moment("expired_before"))
        & ~exists().where(_grants.c.id == _codes.c.grant_id),
    ),
    "device authorizations": _rule(
        _devices.c.digest,
        (_devices.c.expires_at <= _moment("expired_before"))
        & ~exists().where(_grants.c.id == _devices.c.grant_id),
    ),
    # After the grants: while one is there, a token of it may be out.
    "status entries": _rule(
        _entries.c.root,
        or_(
            _entries.c.grant_id.is_not(None)
            & ~exists().where(_grants.c.id == _entries.c.grant_id)
            & (_entries.c.renewed_at <= _moment("ended_before")),
            _entries.c.grant_id.is_(None) & (_entries.c.renewed_at <= _moment("root_before")),
        ),
    ),
    # Nobody can ask for them any more.
    "upstream tokens": _rule(
        _tokens.c.digest,
        (_tokens.c.obtained_at <= _moment("ended_before"))
        & ~exists().where(_of_tokens, _still_used),
    ),
}


class ExpiryReads(Connected):
    """Finding what has ended."""

    def ended(self, kind: str, moments: Moments, batch: int) -> Sequence[str]:
        """Return the keys of up to `batch` rows of a kind, one of `RULES`, that may be deleted."""
        parameters = {**moments.parameters(), "batch": batch}
        return self._execute(RULES[kind].find, parameters).scalars().all()


class ExpiryWrites(Connected):
    """Deleting what has ended."""

    def delete_ended(self, kind: str, moments: Moments, keys: Sequence[str]) -> int:
        """Delete the rows that `ended` found and that have still ended, and return how many."""
        parameters = {**moments.parameters(), "keys": list(keys)}
        deleted, *_ = [self._changed(each, parameters) for each in RULES[kind].deletes]
        return deleted
