"""Connections as they are made: checked TLS, several addresses, no endless handshake."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession
from tests.upstream.spoiled_server import Spoiled, SpoiledServer


@pytest.fixture
def session():
    made = UpstreamSession()
    yield made
    made.close()


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1 and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    day = dt.timedelta(days=1)
    today = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - day)
        .not_valid_after(today + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = SpoiledServer(lambda seen: Spoiled(drip=0.05) if seen.path == "/drip" else Spoiled())
    server.wrap(context)
    server.start()
    yield server
    server.stop()


def test_a_certificate_that_nobody_vouches_for_is_an_outage(session, tls):
    with pytest.raises(UpstreamUnavailable, match="SSLError"):
        session.get("discovery", tls.origin, Deadline(2))


def test_a_certificate_for_another_name_is_an_outage(session, tls, certificate):
    session._pooled().verify = str(certificate)

    with pytest.raises(UpstreamUnavailable, match="SSLError"):
        session.get("discovery", tls.origin.replace("127.0.0.1", "localhost"), Deadline(2))


def test_an_authority_that_is_configured_is_the_only_one(tls, certificate):
    ours = UpstreamSession(certificate)
    assert ours.get("discovery", tls.origin, Deadline(2)).status == 200
    assert ours._pooled().verify == str(certificate)
    ours.close()


def test_an_answer_over_tls_is_read_and_its_connection_reused(session, tls, certificate):
    session._pooled().verify = str(certificate)

    for _ in range(2):
        assert session.get("discovery", tls.origin, Deadline(2)).json_object() == {}
    assert len({seen.connection for seen in tls.seen}) == 1


def test_the_limit_holds_for_bytes_that_drip_through_tls(session, tls, certificate):
    session._pooled().verify = str(certificate)
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable):
        session.get("discovery", f"{tls.origin}/drip", Deadline(0.3))

    assert time.monotonic() - started < 0.8


def test_the_limit_holds_for_a_handshake_that_never_ends(session):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(UpstreamUnavailable):
            session.get("discovery", f"https://127.0.0.1:{silent.getsockname()[1]}", Deadline(0.3))

        assert time.monotonic() - started < 0.8


def test_a_dead_address_does_not_keep_us_from_the_next(session, monkeypatch):
    server = SpoiledServer(lambda _: Spoiled())
    server.start()
    resolve = socket.getaddrinfo

    def several(host, *args, **kwargs):
        if host != "localhost":
            return resolve(host, *args, **kwargs)
        return [*resolve("127.0.0.9", *args, **kwargs), *resolve("127.0.0.1", *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    url = server.origin.replace("127.0.0.1", "localhost")

    assert session.get("discovery", url, Deadline(2)).json_object() == {}
    server.stop()


def test_a_name_that_does_not_resolve_is_an_outage(session, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(UpstreamUnavailable):
        session.get("discovery", "https://idp.example", Deadline(2))


def test_the_connections_are_made_anew_after_a_fork(session, monkeypatch):
    before = session._pooled()
    assert session._pooled() is before

    monkeypatch.setattr("os.getpid", lambda: -1)
    assert session._pooled() is not before
    before.close()


def test_threads_share_the_one_session(session):
    found = []
    threads = [threading.Thread(target=lambda: found.append(session._pooled())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(map(id, found))) == 1
