"""A worker process on a database: makes the first key when told to go, says which one signs

Called with the database's URL; says "ready", and goes when a line arrives.
"""

import sys

from joserfc import jws

from authserver.keys import SigningKeys
from authserver.sealing import Sealer, SealingKey
from authserver.storage.store import Store

NOW = 1_800_000_000


def main(url):
    sealer = Sealer((SealingKey.from_secret(b"a sealing key of thirty-two bytes"),))
    keys = SigningKeys(Store.open(url), sealer, longest_token_lifetime=900)
    _say("ready")
    sys.stdin.readline()
    keys.prepare(NOW)
    token = keys.sign("at+jwt", {"exp": NOW + 60}, NOW)
    _say(jws.extract_compact(token.encode()).headers()["kid"])


def _say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
