"""Cases 119, 124, 127 and 131: what a client_id makes us ask for, and what its failures tell"""

import re

import pytest
from joserfc.jwk import ECKey

from tests.actors import Deployment, McpClient
from tests.publishing import CALLBACK, HOST, asked_for, refuse_connections, resolve
from tests.upstream.spoiled_server import Spoiled

USELESS = ECKey.generate_key("P-521").as_dict(private=False)


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path, publisher):
    more = publisher.settings()
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


@pytest.fixture
def client(deployment, publisher):
    return McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())


@pytest.mark.parametrize(
    "spoil",
    [
        Spoiled(404),
        Spoiled(500),
        Spoiled(302, b"", {"Location": "/elsewhere"}),
        Spoiled(200, b"<html>"),
        Spoiled(200, b"[]"),
        {"padding": "y" * 10240},
        Spoiled(200, b"{}", {"Content-Type": "text/plain"}),
        {"client_id": "https://other.example/c", "client_name": "x", "redirect_uris": [CALLBACK]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [USELESS]}},
    ],
    ids=["404", "500", "redirect", "HTML", "array", "long", "text", "another", "no keys"],
)
def test_127_131_every_failure_is_the_same_page_and_is_not_kept(
    client, deployment, publisher, spoil
):
    publisher.documents["/client.json"] = spoil
    if isinstance(spoil, dict):
        publisher.publish(**spoil)
    assert failure(client) == failure(client, client_id="https://localhost/client.json")
    assert publisher.asked == ["/client.json"]

    publisher.publish()
    assert client.connect()["access_token"]


def failure(client, **changes):
    """Return the page that says what could not be checked, less its request id and nonce."""
    page = asked_for(client, **changes)
    refused = client.deployment.last("page.refused")
    assert page.status_code == 400
    assert "could not be checked" in page.text
    assert HOST not in page.text
    assert refused["reason"].startswith(("document", "client"))
    assert page.text.count(refused["request_id"]) == 1
    text = re.sub(r'nonce="[\w-]+"', "", page.text.replace(refused["request_id"], ""))
    return sorted(page.headers.keys()), text


@pytest.mark.parametrize("addresses", [[], ["93.184.216.34"], ["10.0.0.7"], ["::1"]], ids=str)
def test_131_who_is_not_there_refuses_or_lies_inside_is_the_same_page_as_a_404(
    client, publisher, monkeypatch, addresses
):
    publisher.documents.clear()
    missing = failure(client)
    resolve(monkeypatch, lambda _: addresses)
    refuse_connections(monkeypatch, 443)
    assert failure(client, client_id="https://other.example/client.json") == missing


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "10.0.0.7", "::1"])  # noqa: S104
def test_124_a_client_whose_host_lies_inside_opens_no_connection(client, monkeypatch, address):
    resolve(monkeypatch, lambda _: [address])
    tried = refuse_connections(monkeypatch, 443)
    failure(client, client_id="https://inner.example/client.json")
    assert tried == []


def test_119_a_url_that_is_none_is_refused_without_asking_anybody(client, deployment, publisher):
    for client_id in (
        publisher.url() + "#x", publisher.url() + "?x", publisher.url("/a/../client.json"),
        "https://localhost/client.json", "https://127.0.0.1/client.json", "https://x.example",
        f"https://{HOST}/client.json", f"https://user@{publisher.netloc}/client.json",
    ):  # fmt: skip
        page = asked_for(client, client_id=client_id)
        assert (page.status_code, "could not be checked" in page.text) == (400, True)
    assert publisher.asked == []


def test_131_one_address_has_us_ask_only_so_often(deployment, publisher):
    for number in range(25):
        client_id = publisher.publish(f"/{number}.json")
        client = McpClient(deployment, redirect_uri=CALLBACK, client_id=client_id)
        page = asked_for(client)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "60")
    assert len(publisher.asked) == 20
    assert deployment.last("page.refused")["reason"] == "rate_limited"


def test_131_one_host_is_asked_only_so_often_whoever_wants_it(sqlite_url, idp, tmp_path, publisher):
    more = publisher.settings() + "\n[rate_limits]\nfetches_per_host = 3\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        statuses = [
            deployment.http()
            .get(
                "/authorize",
                query_string=McpClient(
                    deployment, CALLBACK, client_id=publisher.publish(f"/{number}.json")
                ).authorize_params(),
                base_url=deployment.issuer,
                environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"},
            )
            .status_code
            for number in range(4)
        ]
    assert statuses == [303, 303, 303, 429]
    assert publisher.asked == ["/0.json", "/1.json", "/2.json"]
