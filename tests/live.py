"""A server on a real socket, and its actors over real HTTP"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import requests

from authserver.settings import load
from tests.actors import Clock, Deployment, write_config
from tests.served import Late, served
from tests.upstream.hostile_idp import HostileIdp


class Reply:
    """An answer over HTTP, read as the actors read one of Flask's test client."""

    def __init__(self, answer: requests.Response) -> None:
        self.status_code = answer.status_code
        self.headers = answer.headers
        self.mimetype = answer.headers.get("Content-Type", "").partition(";")[0]
        self.text = answer.text
        self._answer = answer
        parts = urlsplit(answer.url)
        self.request = SimpleNamespace(path=parts.path, query_string=parts.query.encode())

    @property
    def json(self) -> Any:
        return self._answer.json()

    def get_data(self, *, as_text: bool = False) -> str | bytes:
        return self.text if as_text else self._answer.content


class Http:
    """What the actors need of a test client, over HTTP; with cookies only for a browser."""

    def __init__(self, origin: str, *, cookies: bool) -> None:
        self._origin = origin
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Connection"] = "close"
        self._cookies = cookies

    def get(self, path: str, **options: Any) -> Reply:
        return self._send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        return self._send("POST", path, **options)

    def _send(
        self, method: str, path: str, *, base_url: str = "", content_type: str = "", **options: Any
    ) -> Reply:
        headers = {**options.pop("headers", {})}
        if content_type:
            headers["Content-Type"] = content_type
        answer = self._session.request(
            method,
            (base_url or self._origin) + path,
            headers=headers,
            allow_redirects=False,
            timeout=20,
            **options,
        )
        if not self._cookies:
            self._session.cookies.clear()
        return Reply(answer)


@dataclass(frozen=True)
class Remote:
    """A server that is known by its address only; an actor takes it for a Deployment."""

    issuer: str
    idp: HostileIdp

    @property
    def app(self) -> "Remote":
        return self

    def test_client(self) -> Http:
        return Http(self.issuer.removesuffix(urlsplit(self.issuer).path), cookies=True)

    def http(self) -> Http:
        return Http(self.issuer.removesuffix(urlsplit(self.issuer).path), cookies=False)


@contextmanager
def deployed(
    folder: Path,
    database: str,
    idp: HostileIdp,
    *,
    path: str = "",
    more: str = "",
    change: Callable[[Path], object] = bool,
) -> Iterator[Deployment]:
    """Serve a deployment whose issuer is its real address, at today's time.

    `change` may change the configuration file before it is read.
    """
    late = Late()
    with served(late) as origin:
        now = int(time.time())
        idp.now = now
        config = write_config(folder, database, idp.issuer, origin + path, more)
        change(config)
        with Deployment(load(config), idp, Clock(now)) as deployment:
            late.app = deployment.app
            yield deployment
