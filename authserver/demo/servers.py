"""Starts the three servers of the demo on loopback, and ends them: PEP 3333, ASGI 3.0.

The development identity provider and the demo MCP server are threads of this process and end with
it. The authorization server is gunicorn, as in production (`authserver.demo.served` says why).
"""

import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

import authserver
from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.loopback import asgi_server, listen, url, wsgi_server
from authserver.demo.mcp_server import create_mcp_server
from authserver.demo.place import CLIENT_ID, Place

_SERVED = "authserver.demo.served"  # by name, so that this process loads nothing of the server
_AUTHSERVER_PORT, _MCP_PORT, _IDP_PORT = 9100, 9101, 9102
_STARTS_WITHIN = 30.0
_ENDS_WITHIN = 5.0
_LAST_LINES = 20


class ServerDown(Exception):
    """A server of the demo is not up; the text ends with what it said last."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The three servers: where they are, and the process of the one that is a process."""

    place: Place
    authserver: subprocess.Popen[bytes]

    def wait_until_up(self) -> None:
        """Return when the authorization server answers; raises ServerDown."""
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline:
            self.require_up()
            if _answers(f"{self.place.issuer}/.well-known/oauth-authorization-server"):
                return
            time.sleep(0.1)
        raise ServerDown(f"no answer for {_STARTS_WITHIN:.0f} seconds:\n{self.last_words()}")

    def require_up(self) -> None:
        """Raise ServerDown when the authorization server has ended."""
        status = self.authserver.poll()
        if status is not None:
            raise ServerDown(
                f"the authorization server ended with status {status}:\n{self.last_words()}"
            )

    def last_words(self) -> str:
        """Return the last lines of what the authorization server said."""
        lines = self.place.log.read_text(errors="replace").splitlines()
        return "\n".join(f"      | {line}" for line in lines[-_LAST_LINES:])


def start(directory: Path, ends: ExitStack) -> Servers:
    """Start everything in a directory; `ends` is given all that has to be ended."""
    at_authserver, at_mcp, at_idp = (
        ends.enter_context(closing(listen(port)))
        for port in (_AUTHSERVER_PORT, _MCP_PORT, _IDP_PORT)
    )
    place = Place(directory.resolve(), url(at_authserver), url(at_idp), f"{url(at_mcp)}/mcp")
    client_secret = secrets.token_urlsafe(32)
    place.furnish(client_secret)
    ends.enter_context(_logging_to(place.directory / "demo.log"))
    client = RelyingParty(CLIENT_ID, client_secret, (f"{place.issuer}/callback",))
    ends.enter_context(wsgi_server(create_idp(place.upstream, client), at_idp))
    mcp_server = create_mcp_server(place.issuer, place.mcp_url)
    ends.enter_context(asgi_server(mcp_server, at_mcp))
    process = ends.enter_context(_gunicorn(place, at_authserver.fileno()))
    at_authserver.close()  # only the process answers there now; if it ends, nobody does
    return Servers(place, process)


@contextmanager
def _gunicorn(place: Place, descriptor: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", _SERVED, str(place.config), str(descriptor)]
    with place.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(descriptor,),
            # A Ctrl-C in the terminal is for us: gunicorn's threads can deadlock on SIGINT, and on
            # SIGTERM they cannot.
            process_group=0,
            env=_environment(),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with its workers
            process.wait()


def _environment() -> dict[str, str]:
    # The same package as here, also where it is not installed but lies beside us.
    here = str(Path(authserver.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    # The SDK installs a handler of its own where the root logger has none.
    handler, root = logging.FileHandler(path, delay=True), logging.getLogger()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address, timeout=2, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
