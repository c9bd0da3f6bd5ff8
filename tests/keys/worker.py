"""A worker process on a database: makes the first key when all are ready, says which one signs"""

from typing import Any

from joserfc import jws

from authserver.keys import SigningKeys
from authserver.sealing import Sealer, SealingKey
from authserver.storage.store import Store

NOW = 1_800_000_000


def work(url: str, ready: Any, signed_with: Any) -> None:
    sealer = Sealer((SealingKey.from_secret(b"a sealing key of thirty-two bytes"),))
    keys = SigningKeys(Store.open(url), sealer, longest_token_lifetime=900)
    ready.wait(30)
    keys.prepare(NOW)
    token = keys.sign("at+jwt", {"exp": NOW + 60}, NOW)
    signed_with.put(jws.extract_compact(token.encode()).headers()["kid"])
