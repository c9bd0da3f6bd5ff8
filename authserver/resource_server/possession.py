"""Judges the proof that comes with a bound token. RFC 9449 §4.3, §7, §9"""

import threading
from collections import OrderedDict
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


class SpentProofs:
    """The proofs that this process has seen; a fleet of processes shares a store of its own."""

    def __init__(self) -> None:
        self._spent: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, digest: str, expires_at: int, now: int) -> bool:
        """Take a proof; False where it was taken before."""
        with self._lock:
            while self._spent and next(iter(self._spent.values())) <= now:
                self._spent.popitem(last=False)
            if digest in self._spent:
                return False
            if len(self._spent) >= _MAX_REMEMBERED:
                self._spent.popitem(last=False)
            self._spent[digest] = expires_at
            return True


class ProofCheck:
    """Judges proofs: `spend` remembers them; `nonce_key` is what nonces are made of, if any.

    All processes of a server need the same key of 32 bytes or more.
    """

    def __init__(self, spend: Spend | None = None, nonce_key: bytes | None = None) -> None:
        if nonce_key is not None and len(nonce_key) < _MIN_NONCE_KEY:
            raise ValueError("dpop_nonce_key has at least 32 bytes")
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

    def _check_nonce(self, possession: Possession, now: int) -> None:
        if self._nonces is None:
            return
        if possession.nonce is None or not self._nonces.knows(possession.nonce, now):
            raise NonceRequired(self._nonces.current(now))
