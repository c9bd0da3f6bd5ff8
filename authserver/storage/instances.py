"""The running instances and the sealing keys that each of them holds"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both


@dataclass(frozen=True, slots=True)
class Instance:
    """One process that serves: it seals with `sealing_kid` and opens with all of `kids`."""

    id: str
    sealing_kid: str
    kids: tuple[str, ...]
    last_seen_at: int


_instances = tables.instances
_SEEN = select(_instances).where(_instances.c.last_seen_at > bindparam("since"))
_PUBLISH = on_both(
    lambda insert: (statement := insert(_instances)).on_conflict_do_update(
        index_elements=[_instances.c.id],
        set_={name: statement.excluded[name] for name in ("sealing_kid", "kids", "last_seen_at")},
    )
)
_WITHDRAW = delete(_instances).where(_instances.c.id == bindparam("instance"))
_FORGET = delete(_instances).where(_instances.c.last_seen_at <= bindparam("since"))


class InstanceReads(Connected):
    """Reading who runs."""

    def instances(self, since: int) -> tuple[Instance, ...]:
        """Return the instances that were seen after a moment."""
        return tuple(Instance(**row) for row in self._rows(_SEEN, {"since": since}))


class InstanceWrites(Connected):
    """Coming, staying, going."""

    def publish_instance(self, instance: Instance) -> None:
        """Say that an instance runs, and with which keys."""
        self._changed(_PUBLISH, documents.members(instance))

    def withdraw_instance(self, instance_id: str) -> None:
        """Forget an instance that ends."""
        self._changed(_WITHDRAW, {"instance": instance_id})

    def forget_instances(self, since: int) -> int:
        """Forget the instances that were last seen at a moment or before; return how many."""
        return self._changed(_FORGET, {"since": since})
