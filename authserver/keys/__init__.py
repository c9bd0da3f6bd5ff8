"""Signing keys: made, published, put to use, retired, by all workers together: RFC 7517.

And the sealing keys: what depends on each, and how all instances come to agree about them.
"""

from authserver.keys.agreement import Agreement, KeyInUse, KeysDisagree
from authserver.keys.key_ring import KeyStatus
from authserver.keys.signing_keys import NoSigningKey, SigningKeys
from authserver.keys.vault_cipher import VaultCipher

__all__ = [
    "Agreement",
    "KeyInUse",
    "KeyStatus",
    "KeysDisagree",
    "NoSigningKey",
    "SigningKeys",
    "VaultCipher",
]
