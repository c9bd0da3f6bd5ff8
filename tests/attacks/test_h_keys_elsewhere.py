"""Case 111: a registration whose keys lie where nothing is to be fetched"""

import socket

import pytest

from tests.actors import Deployment, McpClient
from tests.endpoints.test_registered_keys import prove, register
from tests.publishing import Publisher, resolve
from tests.upstream.jose import new_key
from tests.upstream.spoiled_server import Spoiled

KEY = new_key("one")


def redeemed(deployment, uri):
    answer = register(deployment, jwks_uri=uri)
    assert answer.status_code == 201
    client = McpClient(deployment, client_id=answer.json["client_id"])
    return prove(client, KEY, client.code(), "a")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1"])
def test_111_keys_at_an_inner_host_open_no_connection(deployment, monkeypatch, address):
    resolve(monkeypatch, lambda _: [address])
    tried: list[object] = []
    real = socket.socket.connect

    def connect(self, where):
        if self.family == socket.AF_INET and where[1] == 443:
            tried.append(where)
            raise ConnectionRefusedError
        return real(self, where)

    monkeypatch.setattr(socket.socket, "connect", connect)
    answer = redeemed(deployment, "https://inner.example/jwks.json")
    assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")
    assert tried == []


@pytest.mark.parametrize("uri", [
    "http://a.example/jwks.json", "https://127.0.0.1/jwks.json", "https://a.example:22/../x",
    "https://user@a.example/jwks.json", "https://a.example/jwks.json#x", "file:///etc/passwd",
])  # fmt: skip
def test_111_a_url_that_is_no_plain_one_is_refused_at_once(deployment, monkeypatch, uri):
    asked = resolve(monkeypatch, lambda _: ["127.0.0.1"])
    answer = register(deployment, jwks_uri=uri)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
    assert asked == []


@pytest.mark.parametrize("how", ["redirecting", "endless"])
def test_111_keys_that_redirect_or_never_end_are_none(sqlite_url, idp, tmp_path, monkeypatch, how):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with (
        Publisher(tmp_path) as publisher,
        Deployment.start(tmp_path, sqlite_url, idp, more=publisher.settings()) as deployment,
    ):
        publisher.documents["/good.json"] = {"keys": [KEY.as_dict(private=False)]}
        away = {"Location": publisher.url("/good.json")}
        publisher.documents["/jwks.json"] = (
            Spoiled(302, b"", away) if how == "redirecting" else Spoiled(200, b" " * 1_000_000)
        )
        answer = redeemed(deployment, publisher.url("/jwks.json"))
        assert answer.status_code in (401, 503)
        assert "access_token" not in answer.json
        assert publisher.asked == ["/jwks.json"]
        assert redeemed(deployment, publisher.url("/good.json")).status_code == 200
