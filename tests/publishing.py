"""A host that publishes clients over TLS, and a server of ours that fetches there."""

import datetime as dt
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import TestResponse

from tests.actors import Browser, McpClient
from tests.upstream.spoiled_server import Seen, Spoiled, SpoiledServer

HOST = "clients.example"
CALLBACK = "https://app.example/callback"


def make_certificate(folder: Path, *names: str) -> Path:
    """Write a self-signed certificate for these names with its key into one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    day, today = dt.timedelta(days=1), dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - day)
        .not_valid_after(today + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "publisher.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


class Publisher:
    """Serves documents by their path; what is changed here is what is served next."""

    def __init__(self, folder: Path) -> None:
        self.certificate = make_certificate(folder, HOST)
        self.documents: dict[str, Any] = {}
        self.headers: dict[str, str | None] = {"Content-Type": "application/json"}
        self.server = SpoiledServer(self._answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.server.wrap(context)
        self.port = int(self.server.origin.rpartition(":")[2])
        self.netloc = f"{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def asked(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [each.path for each in self.server.seen]

    def url(self, path: str = "/client.json") -> str:
        return f"https://{self.netloc}{path}"

    def publish(self, path: str = "/client.json", **changes: Any) -> str:
        """Publish a client at a path and return its id; None leaves a member out."""
        document = {
            "client_id": self.url(path),
            "client_name": "Editor",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        self.documents[path] = {name: each for name, each in document.items() if each is not None}
        return self.url(path)

    def settings(self, more: str = "") -> str:
        """Return the TOML with which a server trusts this host."""
        return (
            f'\n[client_documents]\nca_file = "{self.certificate}"\n'
            f'private_hosts = ["{self.netloc}"]\n{more}'
        )

    def _answer(self, seen: Seen) -> Spoiled:
        found = self.documents.get(seen.path, Spoiled(404))
        if isinstance(found, Spoiled):
            return replace(found, headers={**self.headers, **found.headers})
        return Spoiled(200, json.dumps(found).encode(), self.headers)


def resolve(monkeypatch: Any, answer: Callable[[str], list[str]]) -> list[str]:
    """Have names below `example` mean what `answer` says; return the list of those asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        if not str(host).rstrip(".").endswith("example"):
            return list(real(host, port, *args, **options))
        asked.append(host)
        found = answer(host)
        if not found:
            raise socket.gaierror("no such name")
        return [_resolved(each, port) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def _resolved(address: str, port: Any) -> tuple[Any, ...]:
    is_6 = ":" in address
    where = (address, port, 0, 0) if is_6 else (address, port)
    family = socket.AF_INET6 if is_6 else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def refuse_connections(monkeypatch: Any, *ports: int) -> list[str]:
    """Have connections to these ports refused; return the list of the addresses tried."""
    tried: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, where: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and where[1] in ports:
            tried.append(where[0])
            raise ConnectionRefusedError
        real(self, where)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def asked_for(client: McpClient, browser: Browser | None = None, **changes: Any) -> TestResponse:
    """Return the page that an authorization request leads to."""
    return (browser or Browser(client.deployment)).get(client.authorize_url(**changes))
