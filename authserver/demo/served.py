"""How gunicorn serves the authorization server of the demo: its settings and its application.

As in production: a process of its own with two workers, which share nothing but the database. So
the walk-through fails where something is kept in the memory of one process.
"""

import os
import signal
import threading
from pathlib import Path

import flask

workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 2
control_socket_disable = True  # it would lie in the home directory of whoever tries the demo


def when_ready(_arbiter: object) -> None:
    """Let the server end with the demo, also where the demo was killed and could not end it."""
    threading.Thread(target=_end_with_the_demo, daemon=True).start()


def application() -> flask.Flask:
    """Return the application for the configuration file that $AUTHSERVER_CONFIG names."""
    from authserver.settings import load  # noqa: PLC0415 - the master needs only the settings
    from authserver.web import create_app  # noqa: PLC0415

    return create_app(load(Path(os.environ["AUTHSERVER_CONFIG"])))


def _end_with_the_demo() -> None:
    # The demo holds the other end of this pipe, and the kernel closes it however the demo ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
