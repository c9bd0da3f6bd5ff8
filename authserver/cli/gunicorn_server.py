"""gunicorn as we run it: threads, long authorize URLs, no trust in headers. PEP 3333"""

import sys
import time
from pathlib import Path
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication

from authserver.build import prepare
from authserver.cli.gunicorn_worker import Worker
from authserver.settings import SettingsError, load
from authserver.settings.describe import describe


class GunicornServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Prepares the database once, then lets each worker make its own application.

    Raises what `load` and `prepare` raise. On SIGHUP the file is read again; one with mistakes
    is reported and changes nothing.
    """

    def __init__(self, path: Path, *, bind: list[str], workers: int, threads: int) -> None:
        self._path = path.absolute()
        self._options = {"bind": bind, "workers": workers, "threads": threads, **_OPTIONS}
        self._settings = load(self._path)
        prepare(self._settings, int(time.time()))
        for each in describe(self._settings).loosened:
            sys.stderr.write(f"looser than the default: {each}\n")
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn our options; those that this gunicorn does not know are left out."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Make the application, in the worker: engines and sessions do not survive a fork."""
        from authserver.web import create_app  # noqa: PLC0415 - the master needs no application

        return create_app(self._settings)

    def reload(self) -> None:
        """Read the configuration again before new workers start."""
        try:
            self._settings = load(self._path)
        except SettingsError as error:
            sys.stderr.write(f"{error}\nThe configuration before stays in effect.\n")
        super().reload()


_OPTIONS: dict[str, object] = {
    "worker_class": Worker,
    "proc_name": "authserver",
    # An authorize URL carries a resource, scopes, state and a challenge: 4094 is not enough.
    "limit_request_line": 8190,
    "keepalive": 15,
    "timeout": 60,
    "graceful_timeout": 30,
    # The audit is the log of what was decided; URLs carry codes and states.
    "accesslog": None,
    "errorlog": "-",
    # It would lie in the home directory, which a container may not even have.
    "control_socket_disable": True,
    # Whoever is in front, URLs come from the issuer and the peer's address from our own setting.
    "forwarded_allow_ips": "",
    "secure_scheme_headers": {},
}
