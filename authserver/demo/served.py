"""How gunicorn serves the authorization server of the demo: its settings and its application.

As in production: a process of its own with two workers, which share nothing but the database. So
the walk-through fails where something is kept in the memory of one process.
"""

import os
from pathlib import Path

import flask

workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 2
control_socket_disable = True  # it would lie in the home directory of whoever tries the demo


def application() -> flask.Flask:
    """Return the application for the configuration file that $AUTHSERVER_CONFIG names."""
    from authserver.settings import load  # noqa: PLC0415 - gunicorn's master needs only the settings
    from authserver.web import create_app  # noqa: PLC0415

    return create_app(load(Path(os.environ["AUTHSERVER_CONFIG"])))
