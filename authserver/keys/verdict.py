"""What an operator has to know about the sealing keys: what is wrong, and what may be done next"""

from collections.abc import Iterator
from dataclasses import dataclass

from authserver.keys.inventory import VaultReport, examine
from authserver.keys.signing_key import SigningKey
from authserver.keys.usage import SEEN, KeyUsage, count, counted_as, unattributed
from authserver.keys.vault_cipher import VaultCipher
from authserver.sealing import Damaged, Sealer, UnknownKey
from authserver.storage.store import Store


@dataclass(frozen=True, slots=True)
class Verdict:
    """Sentences: `problems` are for the operator to mend, `remarks` say what each key is good for.

    `removable` are the ids of the keys on which nothing depends any more.
    """

    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    removable: tuple[str, ...]
    vault: VaultReport
    damaged_signing_keys: int


def judge(
    store: Store, sealer: Sealer, cipher: VaultCipher, now: int, *, accept_plaintext: bool
) -> Verdict:
    """Open everything that is sealed and judge every key."""
    usages = count(store, sealer, now)
    vault = examine(store, cipher)
    damaged_keys = _damaged_signing_keys(store, sealer, now)
    _, unknown = unattributed(store, now)
    with store.read() as reads:
        instances = reads.instances(now - SEEN)
    sealing = {each.sealing_kid for each in instances}
    removable = tuple(
        each.kid
        for each in usages
        if each.role == "opens" and not each.total and not unknown and each.kid not in sealing
    )
    problems = (*_missing(usages), *_vault(vault, accept_plaintext), *_damaged(damaged_keys))
    remarks = tuple(_remark(each, len(instances), removable, unknown) for each in usages)
    return Verdict(problems, remarks, removable, vault, damaged_keys)


def _missing(usages: tuple[KeyUsage, ...]) -> Iterator[str]:
    for each in usages:
        if each.role == "missing":
            yield f"The key {each.kid} is not configured, but needed by {each}."


def _vault(vault: VaultReport, accept_plaintext: bool) -> Iterator[str]:  # noqa: FBT001 - a fact
    if vault.damaged:
        damaged = counted_as(vault.damaged, "damaged upstream token")
        yield f"{damaged}: whose it is will be asked to connect again."
    if vault.plaintext and not accept_plaintext:
        plaintext = counted_as(vault.plaintext, "upstream token")
        yield f"{plaintext} not sealed, and so not used: see [keys] accept_plaintext."


def _damaged(keys: int) -> Iterator[str]:
    if keys:
        yield f"{counted_as(keys, 'damaged signing key')}: see authserver keys list."


def _remark(usage: KeyUsage, instances: int, removable: tuple[str, ...], unknown: int) -> str:
    if usage.role != "opens":
        return f"{usage.kid} {usage.role}: needed by {usage}."
    held = f"{usage.instances} of {instances} running instances hold it"
    if usage.kid in removable:
        promoted = " and it may be promoted" if usage.instances == instances else ""
        return f"{usage.kid} opens: nothing depends on it, it may be removed; {held}{promoted}."
    if usage.total:
        return f"{usage.kid} opens: needed by {usage}, it must stay."
    if unknown:
        families = counted_as(unknown, "refresh token")
        return f"{usage.kid} opens: {families} of unknown keys may need it."
    return f"{usage.kid} opens: a running instance still seals with it, it must stay."


def _damaged_signing_keys(store: Store, sealer: Sealer, now: int) -> int:
    with store.read() as reads:
        rows = reads.signing_keys()
    damaged = 0
    for row in rows:
        if row.expires_at is not None and now >= row.expires_at:
            continue
        try:
            SigningKey.open(row, sealer)
        except Damaged:
            damaged += 1
        except UnknownKey:
            continue
    return damaged
