"""One module per grant_type; each proves what was granted and says how to spend the proof."""

from collections.abc import Callable
from dataclasses import dataclass

from authserver.app import AuthServer
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization, Grant
from authserver.oauth.params import Params
from authserver.oauth.user import User
from authserver.storage.store import Reads, Transaction

HONEST_REPEAT = 5  # seconds in which a second valid redemption is a double submit, not a theft


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request proves, and the statement that spends it.

    `spend` gets the key that the request proved to hold, and returns the grant that the answer
    belongs to. It raises `invalid_grant` where it lost a race or meets a replay; only a replay
    verdict leaves something written. `user` is whom the policy is asked about: without one, only a
    resource without rules is open. `rotates` is the grant whose current refresh token this is; of
    a code, or an answer given again, there is none. `device_address` is where the device asked
    from whose code this is.
    """

    authorization: Authorization
    spend: Callable[[Transaction, str | None], Grant]
    user: User | None = None
    rotates: Grant | None = None
    device_address: str | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """A request that proves nothing yet; `note` writes that it was made, and returns the answer."""

    note: Callable[[Transaction], OAuthError]


Prove = Callable[[AuthServer, Reads, Client, Params, int], Proof | Undecided]
