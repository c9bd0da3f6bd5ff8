"""Judges the proof that comes with a bound token. RFC 9449 §4.3, §7, §9"""

import heapq
import threading
from collections.abc import Callable

from authserver.oauth import dpop
from authserver.oauth.dpop import Possession
from authserver.oauth.dpop_nonce import Nonces
from authserver.oauth.errors import OAuthError
from authserver.resource_server.credentials import PresentedProof
from authserver.resource_server.errors import InvalidProof, NonceRequired

_MAX_REMEMBERED = 100_000
_MIN_NONCE_KEY = 32

# Takes a proof's digest, the moment it may be forgotten, and now; says whether it is new.
Spend = Callable[[str, int, int], bool]
Headers = tuple[tuple[str, str], ...]


class SpentProofs:
    """The proofs that this process has seen; a fleet of processes shares a store of its own.

    It remembers `most`, those that end last. Whether one that ends before them was taken is not
    known any more, so it counts as taken: a flood makes the time shorter, and nothing good twice.
    """

    def __init__(self, most: int = _MAX_REMEMBERED) -> None:
        self._most = most
        self._ends: list[tuple[int, str]] = []
        self._spent: set[str] = set()
        self._known_after = 0
        self._lock = threading.Lock()

    def __call__(self, digest: str, expires_at: int, now: int) -> bool:
        """Take a proof; False where it was taken before, or may have been."""
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                self._known_after = self._forget()  # also where the clock is set back after that
            if digest in self._spent or expires_at <= self._known_after:
                return False
            heapq.heappush(self._ends, (expires_at, digest))
            self._spent.add(digest)
            if len(self._ends) > self._most:
                self._known_after = self._forget()
            return True

    def _forget(self) -> int:
        expires_at, digest = heapq.heappop(self._ends)
        self._spent.discard(digest)
        return expires_at


class ProofCheck:
    """Judges proofs: `spend` remembers them; `nonce_key` is what nonces are made of, if any.

    All processes of a server need the same key of 32 bytes or more.
    """

    def __init__(self, spend: Spend | None = None, nonce_key: bytes | None = None) -> None:
        if nonce_key is not None and len(nonce_key) < _MIN_NONCE_KEY:
            raise ValueError("nonce_key has at least 32 bytes")
        self._spend = spend or SpentProofs()
        self._nonces = None if nonce_key is None else Nonces((nonce_key,))

    def prove(self, presented: PresentedProof, token: str, now: int) -> Possession:
        """Return the key that the request proved to hold; raises InvalidProof, NonceRequired."""
        if len(presented.headers) != 1:
            raise InvalidProof("malformed" if presented.headers else "missing")
        try:
            possession = dpop.prove(
                presented.headers[0],
                htm=presented.method,
                url=presented.url,
                now=now,
                access_token=token,
            )
        except OAuthError as error:
            refusal = InvalidProof.of(error)
        else:
            self._check_nonce(possession, now)
            return possession
        raise refusal

    def spend(self, possession: Possession, now: int) -> None:
        """Take a proof, which is good once; raises InvalidProof."""
        if not self._spend(possession.digest, possession.expires_at, now):
            raise InvalidProof("replayed")

    def next_nonce(self, now: int) -> Headers:
        """Return the header with the nonce of now, none where proofs need none."""
        return () if self._nonces is None else (("DPoP-Nonce", self._nonces.current(now)),)

    def _check_nonce(self, possession: Possession, now: int) -> None:
        if self._nonces is None:
            return
        if possession.nonce is None or not self._nonces.knows(possession.nonce, now):
            raise NonceRequired(self._nonces.current(now))
