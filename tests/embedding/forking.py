"""Embeds, forks, and asks in both processes: each writes a line of what it saw, the child first"""

import json
import os
import sys
import threading

from authserver.settings import load
from tests.embedding.both import Embedded, Host


def report(app):
    """Ask for a page of the host, then for one of ours; say which threads there were."""
    before = _names()
    app.ask("GET", "/the-hosts-own")
    after_the_host = _names()
    status = app.ask("GET", "/auth/jwks.json").status
    app.ask("GET", "/auth/jwks.json")
    upkeep = [each.daemon for each in threading.enumerate() if each.name == "authserver-upkeep"]
    seen = {
        "before": before,
        "after the host": after_the_host,
        "status": status,
        "upkeep is a daemon": upkeep,
    }
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()


def _names():
    return [each.name for each in threading.enumerate() if each is not threading.main_thread()]


if __name__ == "__main__":
    embedded = Embedded("wsgi", Host(), load(sys.argv[1]), upkeep=True)
    child = os.fork()
    if child == 0:
        report(embedded)
        os._exit(0)
    os.waitpid(child, 0)
    report(embedded)
