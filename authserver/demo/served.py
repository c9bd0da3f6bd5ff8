"""The process of the demo's authorization server: what `authserver serve` runs. PEP 3333

Two workers, which share nothing but the database: so the walk-through fails where something is
kept in the memory of one process. Only the socket is the demo's, and the end: it ends with the
demo, also where the demo was killed and could not end it.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from authserver.cli.gunicorn_server import GunicornServer


def serve(config: Path, descriptor: int) -> None:
    """Serve on a listening socket until SIGTERM, or until standard input is closed."""
    threading.Thread(target=_end_with_the_demo, daemon=True).start()
    GunicornServer(config, bind=[f"fd://{descriptor}"], workers=2, threads=4).run()


def _end_with_the_demo() -> None:
    # The demo holds the other end of this pipe, and the kernel closes it however the demo ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
