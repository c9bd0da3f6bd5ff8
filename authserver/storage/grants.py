"""Codes and grants: each is spent or rotated by one conditional statement: OAuth 2.1 §4.1.3, §4.3.1

The row count is the verdict: two requests with one code, in two processes, have one winner.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, insert, literal, select, update

from authserver.oauth.grant import Code, Grant
from authserver.oauth.user import User
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, epoch_sum, subject_parameters
from authserver.storage.users import USER_COLUMNS, split_user

_codes, _grants, _users = tables.codes, tables.grants, tables.users
_NOW: ColumnElement[int] = bindparam("now", type_=_grants.c.expires_at.type)

_FIND_CODE = select(_codes).where(_codes.c.digest == bindparam("digest"))
_FIND_CODE_AND_USER = (
    select(_codes, *USER_COLUMNS)
    .outerjoin(_users, _users.c.sub == _codes.c.sub)
    .where(_codes.c.digest == bindparam("digest"))
)
_ADD_CODE = insert(_codes)
_SPEND_CODE = (
    update(_codes)
    .where(
        _codes.c.digest == bindparam("code_digest"),
        _codes.c.spent_at.is_(None),
        _codes.c.expires_at > _NOW,
        _codes.c.epochs == epoch_sum(),
    )
    .values(spent_at=_NOW)
)

_FIND_GRANT = select(_grants).where(_grants.c.id == bindparam("grant_id"))
_FIND_BY_HANDLE = select(_grants).where(_grants.c.handle == bindparam("handle"))
_FIND_BY_HANDLE_AND_USER = (
    select(_grants, *USER_COLUMNS)
    .outerjoin(_users, _users.c.sub == _grants.c.sub)
    .where(_grants.c.handle == bindparam("handle"))
)
_ADD_GRANT = insert(_grants)
_UNREVOKED = (
    _grants.c.revoked_at.is_(None),
    _grants.c.expires_at > _NOW,
    _grants.c.epochs == epoch_sum(),
)
_IS_LIVE = select(literal(1)).where(_grants.c.id == bindparam("grant_id"), *_UNREVOKED)
_ROTATE = (
    update(_grants)
    .where(
        _grants.c.handle == bindparam("grant_handle"),
        _grants.c.generation == bindparam("presented"),
        _grants.c.idle_expires_at > _NOW,
        *_UNREVOKED,
    )
    .values(
        generation=_grants.c.generation + 1,
        rotated_at=_NOW,
        idle_expires_at=bindparam("idle_until"),
        refresh_kid=bindparam("kid"),
    )
    .returning(*_grants.c)
)
_SET_STATUS_INDEX = (
    update(_grants)
    .where(_grants.c.id == bindparam("grant_id"))
    .values(status_index=bindparam("index"))
)
_REVOKE = (
    update(_grants)
    .where(_grants.c.id == bindparam("grant_id"), _grants.c.revoked_at.is_(None))
    .values(revoked_at=_NOW)
)


class GrantReads(Connected):
    """Reading codes and grants: spent, revoked and expired ones too, so that replay is seen."""

    def code(self, digest: str) -> Code | None:
        """Return an authorization code."""
        row = self._row(_FIND_CODE, {"digest": digest})
        return None if row is None else Code(**row)

    def code_and_user(self, digest: str) -> tuple[Code, User | None] | None:
        """Return an authorization code and whom it was issued for, as they are known now."""
        row = self._row(_FIND_CODE_AND_USER, {"digest": digest})
        if row is None:
            return None
        code, user = split_user(row)
        return Code(**code), user

    def grant(self, grant_id: str) -> Grant | None:
        """Return the grant that access tokens name by this id."""
        row = self._row(_FIND_GRANT, {"grant_id": grant_id})
        return None if row is None else Grant(**row)

    def grant_by_handle(self, handle: str) -> Grant | None:
        """Return the grant that refresh tokens name by this handle."""
        row = self._row(_FIND_BY_HANDLE, {"handle": handle})
        return None if row is None else Grant(**row)

    def grant_and_user(self, handle: str) -> tuple[Grant, User | None] | None:
        """Return the grant of a handle and its user, as they are known now."""
        row = self._row(_FIND_BY_HANDLE_AND_USER, {"handle": handle})
        if row is None:
            return None
        grant, user = split_user(row)
        return Grant(**grant), user

    def grant_is_live(self, grant_id: str, subjects: Sequence[str], now: int) -> bool:
        """Say whether access tokens of the grant still hold: not revoked, not past its end."""
        parameters = {"grant_id": grant_id, "now": now, **subject_parameters(subjects)}
        return self._scalar(_IS_LIVE, parameters) is not None


class GrantWrites(Connected):
    """Issuing, spending, rotating, revoking."""

    def add_code(self, code: Code) -> None:
        """Store an authorization code."""
        self._changed(_ADD_CODE, documents.members(code))

    def spend_code(self, digest: str, now: int, subjects: Sequence[str]) -> bool:
        """Spend a code once; False where it is spent, expired or revoked."""
        parameters = {"code_digest": digest, "now": now, **subject_parameters(subjects)}
        return self._changed(_SPEND_CODE, parameters) == 1

    def add_grant(self, grant: Grant) -> None:
        """Store a grant."""
        self._changed(_ADD_GRANT, documents.members(grant))

    def rotate(
        self,
        handle: str,
        generation: int,
        now: int,
        idle_expires_at: int,
        subjects: Sequence[str],
        *,
        refresh_kid: str | None = None,
    ) -> Grant | None:
        """Move a live grant from this generation to the next one and return it so.

        `refresh_kid` is the key of the token that follows. None where the generation is another
        one by now, or the grant is expired or revoked.
        """
        parameters = {
            "grant_handle": handle, "presented": generation, "now": now,
            "idle_until": idle_expires_at, "kid": refresh_kid, **subject_parameters(subjects),
        }  # fmt: skip
        row = self._row(_ROTATE, parameters)
        return None if row is None else Grant(**row)

    def set_status_index(self, grant_id: str, index: int) -> None:
        """Note the index of a grant in the status list."""
        self._changed(_SET_STATUS_INDEX, {"grant_id": grant_id, "index": index})

    def revoke_grant(self, grant_id: str, now: int) -> bool:
        """Revoke a grant; False where it was revoked before."""
        return self._changed(_REVOKE, {"grant_id": grant_id, "now": now}) == 1
