"""Every value of the vault, opened: is it whole, and sealed as it should be by now?"""

from collections.abc import Iterator
from dataclasses import dataclass

from authserver.keys.vault_cipher import VaultCipher
from authserver.sealing import Damaged, UnknownKey, sealed_by
from authserver.storage.sealed_values import VaultColumn, VaultRow
from authserver.storage.store import Store

BATCH = 200


@dataclass(slots=True)
class VaultReport:
    """How many values were found in which state; `resealed` counts those that were not `current`.

    `plaintext` was never sealed, `damaged` does not open in its place, `missing` is of a key that
    is not configured.
    """

    current: int = 0
    old: int = 0
    plaintext: int = 0
    damaged: int = 0
    missing: int = 0
    resealed: int = 0


def examine(store: Store, cipher: VaultCipher) -> VaultReport:
    """Open every value and say what was found; nothing is written."""
    report = VaultReport()
    for batch in _batches(store):
        for row in batch:
            for column, stored in row.values.items():
                _open(report, cipher, row.digest, column, stored)
    return report


def reseal(store: Store, cipher: VaultCipher) -> VaultReport:
    """Seal with the first key what is not, in small batches between which others write.

    Values that do not open stay as they are; plaintext is sealed where it is accepted.
    """
    report = VaultReport()
    for batch in _batches(store):
        due = [
            (row.digest, column, stored, plaintext)
            for row in batch
            for column, stored in row.values.items()
            if (plaintext := _open(report, cipher, row.digest, column, stored)) is not None
            and not cipher.is_current(stored)
        ]
        if not due:
            continue
        with store.write() as tx:
            report.resealed += sum(
                tx.reseal_vault_value(
                    digest, column, old=stored, new=cipher.seal(plaintext, column, digest)
                )
                for digest, column, stored, plaintext in due
            )
    return report


def _batches(store: Store) -> Iterator[tuple[VaultRow, ...]]:
    after = ""
    while True:
        with store.read() as reads:
            rows = reads.vault_rows(after, BATCH)
        if not rows:
            return
        yield rows
        after = rows[-1].digest


def _open(
    report: VaultReport, cipher: VaultCipher, digest: str, column: VaultColumn, stored: str
) -> str | None:
    """Return the value where it opens, and count in which state it is."""
    plaintext = None
    sealed = sealed_by(stored) is not None
    try:
        plaintext = cipher.open(stored, column, digest)
    except UnknownKey:
        report.missing += 1
    except Damaged:
        report.damaged += sealed
    else:
        report.current += cipher.is_current(stored)
        report.old += sealed and not cipher.is_current(stored)
    report.plaintext += not sealed
    return plaintext
