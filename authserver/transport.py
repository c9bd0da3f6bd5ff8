"""HTTP connections whose time limits are totals, not pauses: RFC 9112

The limits that sockets know apply to each wait: a peer that sends one byte a second, or has
sixteen dead addresses, outlives them. Here the connect limit covers the resolver, all addresses
and the TLS handshake, and the read limit everything from the status line to the last byte of the
body.
"""

import io
import socket
import threading
import time
from concurrent.futures import Future
from http import client
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from authserver.addresses import is_public

_FAIR_SHARE = 1.0  # seconds an address gets at least, while there is time
_LOOKUPS = 32  # threads that the resolver may hold: nothing ends one before it answers


class NotPublic(Exception):
    """A name leads to this machine, or into a private network."""


class _Lookups:
    """Asks the system's resolver, which knows no deadline, in threads that can be left behind."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_LOOKUPS)

    def find(self, host: str, port: int, ends_at: float) -> list[str]:
        """Return the addresses of a name; raises TimeoutError, another OSError, UnicodeError."""
        if not self._free.acquire(blocking=False):
            raise socket.gaierror("too many lookups are under way")
        answer: Future[list[str]] = Future()
        try:
            threading.Thread(target=self._ask, args=(host, port, answer), daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise socket.gaierror("there is no thread to be had") from None
        return answer.result(max(ends_at - time.monotonic(), 0.0))

    def _ask(self, host: str, port: int, answer: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.set_result([str(address[0]) for *_, address in found])
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits raises it
            answer.set_exception(error)
        finally:
            self._free.release()


class _TimedReader(io.RawIOBase):
    """The bytes of one answer, until its time is over; raises TimeoutError then."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, ends_at: float) -> None:
        self._sock = sock
        self._raw = raw
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  (Buffer comes with Python 3.12)
        remaining = self._ends_at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(client.HTTPResponse):
    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        ends_at = time.monotonic() + (sock.gettimeout() or 0.0)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach(), ends_at))


class _TimedConnection(HTTPConnection):
    response_class = _TimedResponse
    lookups = _Lookups()

    def _new_conn(self) -> socket.socket:
        ends_at = time.monotonic() + float(self.timeout or 0)
        try:
            found = self.lookups.find(self._dns_host, self.port, ends_at)
        except TimeoutError:
            raise ConnectTimeoutError(self, "the resolver did not answer in time") from None
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from None
        self._check_addresses(found)
        for position, address in enumerate(found):
            remaining = ends_at - time.monotonic()
            if remaining <= 0:
                break
            share = min(remaining, max(_FAIR_SHARE, remaining / (len(found) - position)))
            try:
                sock = create_connection(
                    (address, self.port), share, socket_options=self.socket_options
                )
            except OSError:
                continue
            sock.settimeout(max(ends_at - time.monotonic(), 0.001))  # what the handshake has left
            return sock
        if time.monotonic() >= ends_at:
            raise ConnectTimeoutError(self, "no address answered in time")
        raise NewConnectionError(self, "no address answered")

    def _check_addresses(self, addresses: list[str]) -> None:
        """Raise NotPublic for a host that this kind of connection must not reach."""


class _TimedTlsConnection(_TimedConnection, HTTPSConnection):
    pass


class _PublicConnection(_TimedConnection):
    lookups = _Lookups()  # their own: a stranger's slow name server holds up nobody else's

    def _check_addresses(self, addresses: list[str]) -> None:
        # Judged here, where they are used: a name may mean another address the next time.
        if not all(is_public(each) for each in addresses):
            raise NotPublic


class _PublicTlsConnection(_PublicConnection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


class _PublicHttpPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


def timed_adapter(pool_size: int, *, public_only: bool = False) -> HTTPAdapter:
    """Return a requests adapter whose connections keep total time limits; it never retries.

    With `public_only` they reach no address of this machine or of a private network.
    """
    adapter = HTTPAdapter(pool_connections=pool_size, pool_maxsize=pool_size)
    manager: PoolManager = adapter.poolmanager
    if public_only:
        manager.pool_classes_by_scheme = {"http": _PublicHttpPool, "https": _PublicHttpsPool}
    else:
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return adapter
