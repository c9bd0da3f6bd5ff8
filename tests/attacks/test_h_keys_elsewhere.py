"""Case 111: a registration whose keys lie where nothing is to be fetched"""

import json

import pytest

from tests.actors import Deployment, McpClient
from tests.endpoints.test_registered_keys import prove, register
from tests.publishing import Publisher, refuse_connections, resolve
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
    tried = refuse_connections(monkeypatch, 443)
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


@pytest.mark.parametrize("how", ["redirecting", "huge", "endless"])
def test_111_keys_that_redirect_or_never_end_are_none(sqlite_url, idp, tmp_path, monkeypatch, how):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with (
        Publisher(tmp_path) as publisher,
        Deployment.start(tmp_path, sqlite_url, idp, more=publisher.settings()) as deployment,
    ):
        good = {"keys": [KEY.as_dict(private=False)]}
        publisher.documents["/good.json"] = good
        huge = json.dumps(good).encode() + b" " * 1_000_000
        publisher.documents["/jwks.json"] = {
            "redirecting": Spoiled(302, b"", {"Location": publisher.url("/good.json")}),
            "huge": Spoiled(200, huge),
            "endless": Spoiled(200, huge, {"Content-Length": None, "Connection": "close"}),
        }[how]
        answer = redeemed(deployment, publisher.url("/jwks.json"))
        assert answer.status_code in (401, 503)
        assert "access_token" not in answer.json
        assert publisher.asked == ["/jwks.json"]
        assert redeemed(deployment, publisher.url("/good.json")).status_code == 200
