"""Requests of devices: typed, decided, polled for and redeemed, each once: RFC 8628 §3.3, §3.5

Each step is one conditional statement, whose row count or answer is the verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import bindparam, case, select, update

from authserver.oauth.device_authorization import (
    EARLY,
    SLOWER,
    TIME_TO_ASK,
    Approval,
    DeviceAuthorization,
)
from authserver.oauth.user import User
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, epoch_sum, on_both, subject_parameters
from authserver.storage.logins import authorization_request, request_columns
from authserver.storage.users import USER_COLUMNS, split_user

_devices, _users = tables.device_authorizations, tables.users
_NOW: Any = bindparam("now", type_=_devices.c.expires_at.type)
_OF_APPROVAL = tuple(each.name for each in fields(Approval) if each.name != "epochs")
_BESIDE = frozenset({"client_id", *_OF_APPROVAL})

_FIND = (
    select(_devices, *USER_COLUMNS)
    .outerjoin(_users, _users.c.sub == _devices.c.sub)
    .where(_devices.c.digest == bindparam("digest_of"))
)
_FIND_TYPED = select(_devices).where(_devices.c.typed_digest == bindparam("digest_of"))
# Two codes of eight letters may be the same: the second is made anew.
_ADD = on_both(
    lambda insert: (
        insert(_devices)
        .on_conflict_do_nothing(index_elements=[_devices.c.typed_digest])
        .returning(_devices.c.digest)
    )
)
_of_digest = _devices.c.digest == bindparam("digest_of")
_is_open = (_of_digest, _devices.c.status == "pending", _devices.c.expires_at > _NOW)
_last_chance = _NOW + _devices.c.interval + TIME_TO_ASK
_APPROVE = (
    update(_devices)
    .where(*_is_open)
    .values(
        status="approved",
        # Its user was told that it may connect, so it is left the time to ask.
        expires_at=case(
            (_last_chance > _devices.c.expires_at, _last_chance), else_=_devices.c.expires_at
        ),
        epochs=bindparam("new_epochs"),
        **{name: bindparam(f"new_{name}") for name in _OF_APPROVAL},
    )
)
# Whose address it was is not kept any longer than it is shown.
_DENY = update(_devices).where(*_is_open).values(status="denied", address="")
_early = _devices.c.next_poll_at > _NOW + EARLY
_interval = _devices.c.interval + case((_early, SLOWER), else_=0)
_POLL = (
    update(_devices)
    .where(_of_digest)
    .values(
        slowed=case((_early, True), else_=False),
        interval=_interval,
        next_poll_at=_NOW + _interval,
    )
    .returning(_devices.c.slowed)
)
_SPEND = (
    update(_devices)
    .where(
        _of_digest,
        _devices.c.status == "approved",
        _devices.c.spent_at.is_(None),
        _devices.c.expires_at > _NOW,
        _devices.c.epochs == epoch_sum(),
    )
    .values(spent_at=_NOW, address="")
)


class DeviceAuthorizationReads(Connected):
    """Reading requests of devices: decided, spent and expired ones too."""

    def device_authorization(self, digest: str) -> tuple[DeviceAuthorization, User | None] | None:
        """Return the request of a device code, and who approved it, as they are known now."""
        row = self._row(_FIND, {"digest_of": digest})
        if row is None:
            return None
        device, user = split_user(row)
        return _device_authorization(device), user

    def device_of_user_code(self, digests: Sequence[str]) -> DeviceAuthorization | None:
        """Return the request whose user code has one of these digests."""
        rows = (self._row(_FIND_TYPED, {"digest_of": digest}) for digest in digests)
        return next((_device_authorization(row) for row in rows if row is not None), None)


class DeviceAuthorizationWrites(Connected):
    """A request on its way from the device to its user and back."""

    def add_device_authorization(self, device: DeviceAuthorization) -> bool:
        """Store a request; False where another has the same user code."""
        row = documents.members(device)
        approval = row.pop("approval")
        decided = {name: getattr(approval, name, None) for name in _OF_APPROVAL}
        columns = request_columns(device.request)
        return self._row(_ADD, {**row, **decided, **columns}) is not None

    def approve_device(self, digest: str, approval: Approval, now: int) -> bool:
        """Approve a request once; False where it is decided or expired."""
        values = {f"new_{name}": value for name, value in documents.members(approval).items()}
        return self._changed(_APPROVE, {"digest_of": digest, "now": now, **values}) == 1

    def deny_device(self, digest: str, now: int) -> bool:
        """Deny a request once; False where it is decided or expired."""
        return self._changed(_DENY, {"digest_of": digest, "now": now}) == 1

    def note_poll(self, digest: str, now: int) -> bool:
        """Note that the device asked; True where it was too early, and has to ask more seldom."""
        row = self._row(_POLL, {"digest_of": digest, "now": now})
        return row is not None and bool(row["slowed"])

    def spend_device(self, digest: str, now: int, subjects: Sequence[str]) -> bool:
        """Redeem an approved request once; False where it is spent, expired or revoked."""
        parameters = {"digest_of": digest, "now": now, **subject_parameters(subjects)}
        return self._changed(_SPEND, parameters) == 1


def _device_authorization(row: Mapping[Any, Any]) -> DeviceAuthorization:
    columns = {name: value for name, value in row.items() if name not in _BESIDE}
    decided = {name: row[name] for name in _OF_APPROVAL}
    approval = None if row["sub"] is None else Approval(**decided, epochs=row["epochs"])
    request = authorization_request(row["request"])
    return DeviceAuthorization(**{**columns, "request": request, "approval": approval})
