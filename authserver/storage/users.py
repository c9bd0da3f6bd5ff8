"""Users, known by the upstream's issuer and subject, and the consents they gave."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update

from authserver.oauth import epoch
from authserver.oauth.interaction import RememberedConsent
from authserver.oauth.user import User
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, epoch_sum, on_both, subject_parameters

_users, _consents = tables.users, tables.consents
_PROFILE = ("name", "email", "email_verified", "claims", "last_login_at", "described_at")

_FIND_USER = select(_users).where(_users.c.sub == bindparam("sub"))
_FIND_USER_OF = select(_users).where(
    _users.c.upstream_issuer == bindparam("issuer"),
    _users.c.upstream_subject == bindparam("subject"),
)
_SAVE_USER = on_both(
    lambda insert: (
        (statement := insert(_users))
        .on_conflict_do_update(
            index_elements=[_users.c.upstream_issuer, _users.c.upstream_subject],
            set_={name: statement.excluded[name] for name in _PROFILE},
        )
        .returning(*_users.c)
    )
)

_ADD_USER = on_both(
    lambda insert: insert(_users).on_conflict_do_nothing(
        index_elements=[_users.c.upstream_issuer, _users.c.upstream_subject]
    )
)
_DESCRIBED = ("name", "email", "email_verified", "claims", "described_at")
_DESCRIBE_USER = (
    update(_users)
    .where(_users.c.sub == bindparam("described_sub"))
    .values({name: bindparam(f"new_{name}") for name in _DESCRIBED})
)
_LOCK_USER_OF = _FIND_USER_OF.with_for_update()

_FIND_CONSENT = select(_consents.c.scope, _consents.c.client_digest, _consents.c.granted_at).where(
    _consents.c.digest == bindparam("digest"), _consents.c.epochs == epoch_sum()
)
_REMEMBER = on_both(
    lambda insert: (statement := insert(_consents)).on_conflict_do_update(
        index_elements=[_consents.c.digest],
        set_={
            name: statement.excluded[name]
            for name in ("scope", "client_digest", "epochs", "granted_at")
        },
    )
)


# Beside the columns of what belongs to a user, so that one statement reads both.
USER_COLUMNS = tuple(column.label(f"user_{column.name}") for column in _users.c)


class UserReads(Connected):
    """Reading users and their consents."""

    def user(self, sub: str) -> User | None:
        """Return a user."""
        row = self._row(_FIND_USER, {"sub": sub})
        return None if row is None else _user(row)

    def user_of(self, issuer: str, subject: str) -> User | None:
        """Return the user whom the upstream calls so."""
        row = self._row(_FIND_USER_OF, {"issuer": issuer, "subject": subject})
        return None if row is None else _user(row)

    def consent(
        self, sub: str, client_id: str, redirect_uri: str, resource: str
    ) -> RememberedConsent | None:
        """Return what the user last decided about this client, redirect URI and resource.

        None where user, client or this very consent was revoked since.
        """
        digest = _consent_digest(sub, client_id, redirect_uri, resource)
        subjects = subject_parameters(epoch.of_consent(sub, client_id, resource))
        row = self._row(_FIND_CONSENT, {"digest": digest, **subjects})
        return None if row is None else RememberedConsent(**row)


class UserWrites(UserReads):
    """A login, and a decision."""

    def save_user(
        self,
        issuer: str,
        subject: str,
        *,
        name: str | None,
        email: str | None,
        email_verified: bool,
        claims: Mapping[str, object],
        now: int,
        new_sub: str,
    ) -> User:
        """Store what the upstream says at a sign-in, which always counts.

        `new_sub` is taken only by a user not seen before.
        """
        row = {
            "sub": new_sub, "upstream_issuer": issuer, "upstream_subject": subject,
            "name": name, "email": email, "email_verified": email_verified,
            "claims": documents.dump(claims), "created_at": now, "last_login_at": now,
            "described_at": _said_at(claims, now),
        }  # fmt: skip
        saved = self._row(_SAVE_USER, row)
        if saved is None:
            raise AssertionError("an upsert returns its row")
        return _user(saved)

    def locked_user_of(self, issuer: str, subject: str) -> User | None:
        """Return the user whom the upstream calls so; nobody else changes them in the meantime."""
        row = self._row(_LOCK_USER_OF, {"issuer": issuer, "subject": subject})
        return None if row is None else _user(row)

    def describe_user(self, user: User) -> None:
        """Store what was said of a user who is locked here."""
        row = {**documents.members(user), "claims": documents.dump(user.claims)}
        new = {f"new_{name}": row[name] for name in _DESCRIBED}
        self._changed(_DESCRIBE_USER, {"described_sub": user.sub, **new})

    def add_user(self, user: User) -> User:
        """Store a user not seen before; return who is stored, by whoever came first."""
        row = {**documents.members(user), "claims": documents.dump(user.claims)}
        self._changed(_ADD_USER, row)
        found = self.user_of(user.upstream_issuer, user.upstream_subject)
        if found is None:
            raise AssertionError("who was added is there")
        return found

    def remember_consent(
        self,
        sub: str,
        client_id: str,
        redirect_uri: str,
        resource: str,
        *,
        scope: tuple[str, ...],
        client_digest: str,
        epochs: int,
        now: int,
    ) -> None:
        """Remember a decision; it replaces the one before.

        `epochs` is what the epochs that it depends on summed up to when the user was asked.
        """
        self._changed(
            _REMEMBER,
            {
                "digest": _consent_digest(sub, client_id, redirect_uri, resource),
                "sub": sub, "client_id": client_id, "redirect_uri": redirect_uri,
                "resource": resource, "scope": scope, "client_digest": client_digest,
                "epochs": epochs, "granted_at": now,
            },
        )  # fmt: skip


def split_user(row: Mapping[Any, Any]) -> tuple[dict[str, Any], User | None]:
    """Return a row without its `USER_COLUMNS`, and the user that they hold."""
    own = {name: value for name, value in row.items() if not name.startswith("user_")}
    user = {name[5:]: value for name, value in row.items() if name.startswith("user_")}
    return own, None if user["sub"] is None else _user(user)


def _said_at(claims: Mapping[str, object], now: int) -> int:
    """Return when the upstream said it, by its own clock where it tells: never later than now."""
    iat = claims.get("iat")
    return min(iat, now) if isinstance(iat, int) and not isinstance(iat, bool) else now


def _consent_digest(*key: str) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def _user(row: Mapping[Any, Any]) -> User:
    return User(**{**row, "claims": json.loads(row["claims"])})
