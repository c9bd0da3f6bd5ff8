"""The authorization server inside a WSGI application. PEP 3333"""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import IO, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from authserver.app import Clock
from authserver.audit import Audit
from authserver.embedding.ownership import LONGEST_BODY, Ownership, is_disowned
from authserver.settings import Settings
from authserver.web import answers_at, create_app


def embed_wsgi(
    host: WSGIApplication,
    settings: Settings,
    *,
    clock: Clock = lambda: int(time.time()),
    audit: Audit | None = None,
    upkeep: bool = True,
) -> WSGIApplication:
    """Return the host with the authorization server in it; options and errors are `create_app`'s.

    The host's answer wins where both have one, except below the issuer's path.
    """
    ours = create_app(settings, clock=clock, audit=audit, upkeep=upkeep)
    return _Embedded(host, ours, Ownership.of(partial(answers_at, ours), settings.issuer))


@dataclass(frozen=True, slots=True)
class _Embedded:
    host: WSGIApplication
    ours: WSGIApplication
    ownership: Ownership

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match self.ownership.owner(_full_path(environ)):
            case "ours":
                return self.ours(environ, start_response)
            case "host":
                return self.host(environ, start_response)
            case "either":
                return self._ask_host_first(environ, start_response)

    def _ask_host_first(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        body = _read(environ)
        if len(body) > LONGEST_BODY:
            rest = environ["wsgi.input"]
            whole = io.BufferedReader(_Chain((io.BytesIO(body), rest)))
            return self.host({**environ, "wsgi.input": whole}, start_response)
        # Whatever the host's middlewares write into its environ stays there.
        asked = _HeldBack(start_response)
        answer = asked.ask(self.host, {**environ, "wsgi.input": io.BytesIO(body)})
        if answer is not None:
            return answer
        return self.ours({**environ, "wsgi.input": io.BytesIO(body)}, start_response)


@dataclass(slots=True)
class _HeldBack:
    """An answer of the host, held back until its status shows whether it counts."""

    start_response: StartResponse
    started: tuple[str, list[tuple[str, str]]] | None = None
    exc_info: Any = None
    written: list[bytes] = field(default_factory=list)
    write: Callable[[bytes], object] | None = None

    def ask(self, host: WSGIApplication, environ: WSGIEnvironment) -> Iterable[bytes] | None:
        """Return the body of the host's answer, None where the host has nothing."""
        answer = host(environ, self._start)
        chunks, seen = iter(answer), list[bytes]()
        while self.started is None:
            try:
                seen.append(next(chunks))
            except StopIteration:
                break
        if self.started is None:
            _close(answer)
            raise RuntimeError("the host application ended without an answer")
        status, headers = self.started
        if is_disowned(int(status[:3]), headers):
            _close(answer)
            return None
        self.write = self.start_response(status, headers, self.exc_info)
        for chunk in self.written:
            self.write(chunk)
        return _Resumed(chain(seen, chunks), answer)

    def _start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - of sys.exc_info, handed on
        /,
    ) -> Callable[[bytes], object]:
        if self.write is not None:
            return self.start_response(status, headers, exc_info)
        self.started, self.exc_info = (status, headers), exc_info
        return self._write

    def _write(self, chunk: bytes) -> object:
        return (self.write or self.written.append)(chunk)


@dataclass(frozen=True, slots=True)
class _Resumed:
    """A body whose beginning was taken already; closing it closes the whole."""

    chunks: Iterator[bytes]
    whole: Iterable[bytes]

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        _close(self.whole)


def _close(body: object) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _full_path(environ: WSGIEnvironment) -> str:
    return f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"


def _read(environ: WSGIEnvironment) -> bytes:
    """Read the body, but no more than one byte past what a request of ours may have."""
    declared = environ.get("CONTENT_LENGTH") or ""
    longest = LONGEST_BODY + 1
    if environ.get("wsgi.input_terminated"):
        length = longest
    else:
        length = min(int(declared), longest) if declared.isdecimal() else 0
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body


class _Chain(io.RawIOBase):
    """Two streams as one: what was read already, and what is still to come."""

    def __init__(self, streams: tuple[IO[bytes], ...]) -> None:
        self._streams = list(streams)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        while self._streams:
            chunk = self._streams[0].read(len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)
            self._streams.pop(0)
        return 0
