"""What was revoked, one bit for each root of tokens: Token Status List draft -21 §4, §5, §6.

Verifiers that work offline fetch the list now and then. An index says nothing about the token it
stands for, and a bit nothing but that it is good no more.
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping

TYPE = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
MIN_SIZE = 2**17  # bits: who is one of so many is not known by its index (§13.5)
MAX_BYTES = 2**24  # of a list that is read: more is no list of a server
LIFETIME = 86400  # seconds until a list that was fetched is good no more, however long it is kept
TTL = 30  # seconds after which to fetch it again


def claim(uri: str, index: int) -> dict[str, object]:
    """Return the claim `status` of a token (§6.1)."""
    return {"status_list": {"idx": index, "uri": uri}}


def read_claim(status: object) -> tuple[str, int] | None:
    """Return URI and index of a claim `status`, None for one that is of another kind."""
    found = status.get("status_list") if isinstance(status, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    uri, index = found.get("uri"), found.get("idx")
    if not isinstance(uri, str) or type(index) is not int or index < 0:
        return None
    return uri, index


def list_claims(
    indexes: Iterable[int], size: int, *, issuer: str, uri: str, now: int
) -> dict[str, object]:
    """Return the claims of the list in which these bits of `size` are set (§5.1)."""
    return {
        "iss": issuer,
        "sub": uri,
        "iat": now,
        "exp": now + LIFETIME,
        "ttl": TTL,
        "status_list": {"bits": 1, "lst": encode(indexes, size)},
    }


def encode(indexes: Iterable[int], size: int) -> str:
    """Return `lst` (§4.1): bits from the lowest of the first byte on, compressed, in base64url."""
    bits = bytearray(size // 8)
    for index in indexes:
        bits[index // 8] |= 1 << index % 8
    return urlsafe_b64encode(zlib.compress(bits, 9)).rstrip(b"=").decode()


def decode(claims: Mapping[str, object]) -> bytes:
    """Return the bits of a list; raises ValueError for what is none."""
    found = claims.get("status_list")
    lst = found.get("lst") if isinstance(found, Mapping) and found.get("bits") == 1 else None
    if not isinstance(lst, str) or not lst.isascii():
        raise ValueError("not a status list of one bit each")
    compressed = urlsafe_b64decode(lst + "=" * (-len(lst) % 4))
    inflate = zlib.decompressobj()
    try:
        bits = inflate.decompress(compressed, MAX_BYTES)
    except zlib.error:
        raise ValueError("not a compressed status list") from None
    if not inflate.eof:
        raise ValueError("the status list is too long or cut off")
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """Say whether the bit is set; raises ValueError for one that the list does not have."""
    if index // 8 >= len(bits):
        raise ValueError("the status list has no such index")
    return bool(bits[index // 8] >> index % 8 & 1)
