"""Pending authorizations, the way to the upstream and back, and browser sessions: OAuth 2.1 §4.1"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import bindparam, delete, insert, select, update

from authserver.oauth import epoch
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.interaction import PendingAuthorization, Session
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, epoch_sum, subject_parameters
from authserver.storage.epochs import EpochReads

TOUCH_INTERVAL = 60  # seconds; a page view within them writes nothing

_pending, _logins, _sessions = (
    tables.pending_authorizations,
    tables.upstream_logins,
    tables.sessions,
)

_FIND_PENDING = select(_pending).where(_pending.c.id == bindparam("pending_id"))
_ADD_PENDING = insert(_pending)
_DECIDE = (
    update(_pending)
    .where(
        _pending.c.id == bindparam("pending_id"),
        _pending.c.status == "pending",
        _pending.c.expires_at > bindparam("now"),
        bindparam("known_epochs", type_=_pending.c.epochs.type) == epoch_sum(),
    )
    .values(status=bindparam("decision"))
)

_ADD_LOGIN = insert(_logins)
_SPEND_LOGIN = (
    delete(_logins)
    .where(_logins.c.state_digest == bindparam("digest"), _logins.c.expires_at > bindparam("now"))
    .returning(_logins.c.pending_id)
)

_FIND_SESSION = select(_sessions).where(_sessions.c.digest == bindparam("digest"))
_ADD_SESSION = insert(_sessions)
_TOUCH_SESSION = (
    update(_sessions)
    .where(
        _sessions.c.digest == bindparam("session_digest"),
        _sessions.c.last_seen_at <= bindparam("before"),
    )
    .values(last_seen_at=bindparam("now"))
)
_DELETE_SESSION = delete(_sessions).where(_sessions.c.digest == bindparam("digest"))


class LoginReads(EpochReads):
    """Reading pending authorizations and sessions."""

    def pending(self, pending_id: str) -> PendingAuthorization | None:
        """Return a pending authorization, decided or expired ones too."""
        row = self._row(_FIND_PENDING, {"pending_id": pending_id})
        return None if row is None else _pending_authorization(row)

    def session(self, digest: str) -> Session | None:
        """Return a session, None where its user or upstream session was revoked.

        Whether it is past its end is for the caller to ask: `Session.expired`.
        """
        row = self._row(_FIND_SESSION, {"digest": digest})
        if row is None:
            return None
        session = Session(**row)
        subjects = epoch.of_session(session.sub, session.upstream_sid)
        return session if self.epoch_sum(subjects) == session.epochs else None


class LoginWrites(Connected):
    """A request on its way through login and consent."""

    def add_pending(self, pending: PendingAuthorization) -> None:
        """Store a request that is to be decided."""
        row = {**documents.members(pending), **request_columns(pending.request)}
        self._changed(_ADD_PENDING, row)

    def decide_pending(
        self,
        pending_id: str,
        status: Literal["approved", "denied"],
        now: int,
        subjects: Sequence[str],
        epochs: int,
    ) -> bool:
        """Decide a pending authorization once; False where it is decided, expired or revoked.

        `epochs` is what the epochs of `subjects` summed up to when each was read.
        """
        parameters = {
            "pending_id": pending_id, "decision": status, "now": now, "known_epochs": epochs,
            **subject_parameters(subjects),
        }  # fmt: skip
        return self._changed(_DECIDE, parameters) == 1

    def add_upstream_login(
        self, state_digest: str, pending_id: str, created_at: int, expires_at: int
    ) -> None:
        """Store that a browser left for the upstream with this state."""
        row = {"state_digest": state_digest, "pending_id": pending_id}
        self._changed(_ADD_LOGIN, {**row, "created_at": created_at, "expires_at": expires_at})

    def spend_upstream_login(self, state_digest: str, now: int) -> str | None:
        """Take the way back once: the pending authorization's id, None the second time."""
        row = self._row(_SPEND_LOGIN, {"digest": state_digest, "now": now})
        return None if row is None else str(row["pending_id"])

    def add_session(self, session: Session) -> None:
        """Store a session."""
        self._changed(_ADD_SESSION, documents.members(session))

    def touch_session(self, digest: str, now: int) -> None:
        """Note that a session was used, at most once a minute."""
        before = now - TOUCH_INTERVAL
        self._changed(_TOUCH_SESSION, {"session_digest": digest, "now": now, "before": before})

    def delete_session(self, digest: str) -> bool:
        """End a session."""
        return self._changed(_DELETE_SESSION, {"digest": digest}) == 1


def request_columns(request: AuthorizationRequest) -> dict[str, str]:
    """Return the columns in which a request is stored."""
    return {"request": documents.dump(documents.members(request)), "client_id": request.client_id}


def authorization_request(text: str) -> AuthorizationRequest:
    """Return a request from its stored document."""
    document = documents.load(text, AuthorizationRequest)
    document["prompt"] = frozenset(document.get("prompt", ()))
    return AuthorizationRequest(**document)


def _pending_authorization(row: Mapping[Any, Any]) -> PendingAuthorization:
    columns = {name: value for name, value in row.items() if name != "client_id"}
    columns["request"] = authorization_request(row["request"])
    return PendingAuthorization(**{**columns, "network_digest": row["network_digest"] or ""})
