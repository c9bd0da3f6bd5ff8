"""HTTP connections whose time limits are totals, not pauses: RFC 9112

The limits that sockets know apply to each wait: a peer that sends one byte a second, or has
sixteen dead addresses, outlives them. Here the connect limit covers all addresses and the TLS
handshake, and the read limit everything from the status line to the last byte of the body.
Only the resolver keeps its own limits.
"""

import io
import socket
import time
from http import client
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from authserver.addresses import is_public

_FAIR_SHARE = 1.0  # seconds an address gets at least, while there is time


class NotPublic(Exception):
    """A name leads to this machine, or into a private network."""


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

    def _new_conn(self) -> socket.socket:
        ends_at = time.monotonic() + float(self.timeout or 0)
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from None
        self._check_addresses([str(address[0]) for *_, address in found])
        for position, (*_, address) in enumerate(found):
            remaining = ends_at - time.monotonic()
            if remaining <= 0:
                break
            share = min(remaining, max(_FAIR_SHARE, remaining / (len(found) - position)))
            try:
                sock = create_connection(
                    (str(address[0]), self.port), share, socket_options=self.socket_options
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
