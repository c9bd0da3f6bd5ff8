"""How many requests one network may have on their way, over all processes: OAuth 2.1 §4.1."""

from authserver.app import AuthServer
from authserver.oauth import opaque
from authserver.rate_limit import network_of
from authserver.storage.store import Reads


def network_digest(address: str) -> str:
    """Return the digest of the network of an address, which is what is stored of it."""
    return opaque.digest(network_of(address))


def check(server: AuthServer, reads: Reads, address: str, now: int) -> None:
    """Raise `temporarily_unavailable` (429) where the network has as many as it may have."""
    most = server.limiter.most_on_their_way(address)
    if most is not None:
        count = reads.on_their_way(network_digest(address), now, most)
        server.limiter.check_on_their_way(count, most)
