"""How values of the vault are sealed: each to its table, column and row"""

from authserver.sealing import Damaged, Sealer, sealed_by
from authserver.storage.sealed_values import VaultColumn

_TABLE = "upstream_tokens"


class VaultCipher:
    """Seals and opens upstream tokens.

    With `accept_plaintext` a value that was never sealed is taken for what it is, and due to be
    sealed; else it is damaged: anybody who can write to the database could have put it there.
    """

    def __init__(self, sealer: Sealer, *, accept_plaintext: bool = False) -> None:
        self._sealer = sealer
        self._accept_plaintext = accept_plaintext

    def seal(self, value: str, column: VaultColumn, digest: str) -> str:
        """Return the value sealed to its place."""
        return self._sealer.seal(value.encode(), aad=(_TABLE, column, digest))

    def open(self, stored: str, column: VaultColumn, digest: str) -> str:
        """Return the value of a place; raises UnknownKey or Damaged."""
        if self._accept_plaintext and sealed_by(stored) is None:
            return stored
        try:
            return self._sealer.open(stored, aad=(_TABLE, column, digest)).decode()
        except UnicodeDecodeError:
            raise Damaged from None

    def is_current(self, stored: str) -> bool:
        """Say whether the value is sealed with the first key."""
        return self._sealer.is_current(stored)
