"""gunicorn as we run it: threads, long authorize URLs, no trust in headers. PEP 3333"""

import sys
import time
import traceback
from pathlib import Path
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication

from authserver.build import prepare
from authserver.cli.gunicorn_worker import REQUEST_LINE, Worker
from authserver.cli.refusal import explained
from authserver.cli.watching import WatchingArbiter
from authserver.endpoints import pages
from authserver.settings import Settings, load
from authserver.settings.report.describe import describe
from authserver.storage.errors import StorageUnavailable
from authserver.web import create_app  # here, so that workers share it and need not load it

_BOOT_ATTEMPTS = 10  # a second apart, well within gunicorn's timeout


class GunicornServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Prepares the database once, then lets each worker make its own application.

    Raises what `load` and `prepare` raise. On SIGHUP the file is read again; where a server could
    not start with it, that is reported and changes nothing.
    """

    def __init__(
        self, path: Path, *, bind: list[str], workers: int, threads: int, revoke: bool = False
    ) -> None:
        self._path = path.absolute()
        self._upstream_calls = max(1, threads // 2)
        self._options = {"bind": bind, "workers": workers, "threads": threads, **_OPTIONS}
        self._settings = self._prepared(revoke=revoke)
        for each in describe(self._settings).loosened:
            sys.stderr.write(f"looser than the default: {each}\n")
        super().__init__()

    def run(self) -> None:
        """Serve until told to stop; a secret that changes is taken."""
        WatchingArbiter(self, lambda: self._settings.secret_files).run()

    def load_config(self) -> None:
        """Give gunicorn our options; those that this gunicorn does not know are left out."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Make the application, in the worker: engines and sessions do not survive a fork.

        While the database is away it waits, and then gives way to another worker.
        """
        for _ in range(_BOOT_ATTEMPTS):
            try:
                return create_app(
                    self._settings, prepared=True, upstream_calls=self._upstream_calls
                )
            except StorageUnavailable as error:
                sys.stderr.write(f"this worker waits: {error}\n")
            time.sleep(1)
        # Not an exception: gunicorn stops everything for one.
        sys.exit(1)

    def reload(self) -> None:
        """Take the configuration as it is now, if a server can start with it."""
        try:
            self._settings = self._prepared()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server that runs goes on
            said = explained(error) or traceback.format_exc()
            sys.stderr.write(f"{said}\nThe configuration before stays in effect.\n")
        super().reload()

    def _prepared(self, *, revoke: bool = False) -> Settings:
        """Return the settings of the file, with which pages and database were tried.

        Only a start ends grants: whoever reloads has not said so again.
        """
        settings = load(self._path)
        pages.check_again(settings.pages.templates, devices=settings.device_authorization)
        for each in prepare(settings, int(time.time()), revoke=revoke):
            sys.stderr.write(f"{each}\n")
        return settings


_OPTIONS: dict[str, object] = {
    "worker_class": Worker,
    "proc_name": "authserver",
    "limit_request_line": REQUEST_LINE,
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
