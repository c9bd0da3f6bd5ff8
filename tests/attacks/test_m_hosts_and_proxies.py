"""Cases 188 to 190: what a request says about its host and its way changes nothing"""

from urllib.parse import urlsplit

import pytest

from tests.actors import ISSUER, Browser, Deployment, McpClient
from tests.attacks.outcomes import is_page_without_a_way_back

MACHINES = ("/.well-known/oauth-authorization-server", "/jwks.json", "/health")
OURS = [
    "auth.example",
    "auth.example:443",
    "AUTH.Example",
    "localhost:8000",
    "127.0.0.1",
    "[::1]:9",
]
FOREIGN = [
    "evil.example", "auth.example.evil.example", "evil.example:443", "auth.example@evil.example",
    "auth.example,evil.example", "192.0.2.1", "localhost.evil.example", "127.0.0.1.evil.example",
    "auth.example.", "evil.example#auth.example", "evil.example/auth.example", "", "a b",
    "[::1", "[::2]", "x" * 5000, "é", "127.0.0.1@evil.example",
]  # fmt: skip
FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "evil.example",
    "Forwarded": "for=evil.example;host=evil.example;proto=http",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-HTTP-Method-Override": "DELETE",
    "X-Script-Name": "/evil",
    "Front-End-Https": "off",
}


def _deployment(sqlite_url, idp, folder, more):
    return Deployment.start(folder, sqlite_url, idp, more=more)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.mark.parametrize("host", FOREIGN, ids=lambda value: ascii(value)[:30])
def test_188_no_page_answers_under_a_name_that_is_not_ours(client, host):
    http = client.deployment.http()
    query = urlsplit(client.authorize_url()).query

    for path in ("/authorize", "/sign-in", "/consent", "/callback"):
        answer = http.get(path, query_string=query, headers={"Host": host})
        assert is_page_without_a_way_back(answer)
        assert "Set-Cookie" not in answer.headers
        assert "evil.example" not in answer.get_data(as_text=True)
    assert not [e for e in client.deployment.events if e["event"] == "authorization.requested"]


@pytest.mark.parametrize("host", OURS)
def test_188_pages_answer_under_the_issuers_host_and_on_loopback(client, host):
    url = client.authorize_url().removeprefix(ISSUER)

    answer = client.deployment.http().get(url, headers={"Host": host})

    assert answer.headers["Location"].startswith(f"{ISSUER}/sign-in?pending=")


@pytest.mark.parametrize(
    "host", [*OURS, "evil.example", "192.0.2.1", "10.0.0.7:8000", "testserver"]
)
@pytest.mark.parametrize("path", MACHINES)
def test_188_machine_endpoints_and_probes_answer_the_same_under_any_name(deployment, path, host):
    plain = deployment.http().get(path)
    other = deployment.http().get(path, headers={"Host": host})

    assert (other.status_code, other.data) == (plain.status_code, plain.data) == (200, plain.data)


@pytest.mark.spec("RFC 9700", "4.13")
@pytest.mark.parametrize("trusted_proxies", [0, 1])
@pytest.mark.parametrize("path", MACHINES)
def test_189_forwarding_headers_change_no_document(
    sqlite_url, idp, tmp_path, path, trusted_proxies
):
    more = f"\n[server]\ntrusted_proxies = {trusted_proxies}\n"
    with _deployment(sqlite_url, idp, tmp_path, more) as deployment:
        plain = deployment.http().get(path)
        other = deployment.http().get(path, headers=FORWARDED)

        assert (other.status_code, other.data) == (200, plain.data)


@pytest.mark.spec("RFC 9700", "4.13")
@pytest.mark.parametrize("trusted_proxies", [0, 1])
def test_189_forwarding_headers_change_no_page_redirect_or_cookie(
    sqlite_url, idp, tmp_path, trusted_proxies
):
    more = f"\n[server]\ntrusted_proxies = {trusted_proxies}\n"
    with _deployment(sqlite_url, idp, tmp_path, more) as deployment:
        client = McpClient(deployment).register()
        browser = Browser(deployment)
        path = client.authorize_url().removeprefix(ISSUER)

        first = browser.client.get(path, base_url=ISSUER, headers=FORWARDED)
        page = browser.client.get(
            first.headers["Location"].removeprefix(ISSUER), base_url=ISSUER, headers=FORWARDED
        )

        assert first.headers["Location"].startswith(f"{ISSUER}/sign-in?")
        assert "Secure" in first.headers["Set-Cookie"]
        assert first.headers["Set-Cookie"].startswith("__Host-")
        assert f'action="{ISSUER}/sign-in"' in page.get_data(as_text=True)
        assert "evil" not in page.get_data(as_text=True) + str(page.headers) + str(first.headers)


def test_189_a_request_that_arrives_by_plain_http_is_one_like_any_other(client):
    path = client.authorize_url().removeprefix(ISSUER)

    answer = client.deployment.http().get(path, base_url="http://auth.example")
    refused = client.deployment.http().get(path, base_url="http://internal.example:8000")

    assert answer.headers["Location"].startswith(f"{ISSUER}/sign-in?")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert is_page_without_a_way_back(refused)


def _limited(deployment, addresses, path="/authorize"):
    """Ask once for each X-Forwarded-For; return which were refused by the limit of 3."""
    http = deployment.http()
    answers = [http.get(path, headers={"X-Forwarded-For": each}) for each in addresses]
    assert {each.status_code for each in answers} <= {400, 429}
    return [each.status_code == 429 for each in answers]


LIMIT = "\n[rate_limits]\nauthorize_per_address = 3\n"
BEHIND = "\n[server]\ntrusted_proxies = {}\n" + LIMIT


def test_190_without_a_proxy_the_header_is_not_read(sqlite_url, idp, tmp_path):
    with _deployment(sqlite_url, idp, tmp_path, LIMIT) as deployment:
        invented = [f"203.0.113.{number}" for number in range(5)]

        assert _limited(deployment, invented) == [False] * 3 + [True] * 2
        assert deployment.last("page.refused")["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    "invented", ["203.0.113.{n}, 192.0.2.7", "203.0.113.{n},192.0.2.7", "{n}, x, 192.0.2.7:{n}4",
                 "192.0.2.{n}, ::ffff:192.0.2.7", "\u00e9{n}, 192.0.2.7"],
)  # fmt: skip
def test_190_behind_a_proxy_what_the_client_put_before_is_not_read(
    sqlite_url, idp, tmp_path, invented
):
    with _deployment(sqlite_url, idp, tmp_path, BEHIND.format(1)) as deployment:
        sent = [invented.format(n=number) for number in range(5)]

        assert _limited(deployment, sent) == [False] * 3 + [True] * 2
        assert _limited(deployment, ["192.0.2.8"]) == [False]


def test_190_two_proxies_are_two_entries_and_fewer_are_not_believed(sqlite_url, idp, tmp_path):
    with _deployment(sqlite_url, idp, tmp_path, BEHIND.format(2)) as deployment:
        through_both = [f"203.0.113.{n}, 192.0.2.7, 10.0.0.{n}" for n in range(5)]
        past_the_first = [f"203.0.113.{n}" for n in range(5)]

        assert _limited(deployment, through_both) == [False] * 3 + [True] * 2
        assert _limited(deployment, past_the_first) == [False] * 3 + [True] * 2


@pytest.mark.parametrize("form", ["2001:db8:1:2::{n:x}", "[2001:db8:1:2:{n:x}::1]:443"])
def test_190_an_ipv6_network_of_64_bits_is_one_peer(sqlite_url, idp, tmp_path, form):
    with _deployment(sqlite_url, idp, tmp_path, BEHIND.format(1)) as deployment:
        assert _limited(deployment, [form.format(n=n) for n in range(1, 6)]) == (
            [False] * 3 + [True] * 2
        )
        assert _limited(deployment, ["2001:db8:1:3::1"]) == [False]


def test_190_a_user_whose_proxy_writes_ports_is_not_shut_out_by_others(sqlite_url, idp, tmp_path):
    with _deployment(sqlite_url, idp, tmp_path, BEHIND.format(1)) as deployment:
        others = [f"198.51.100.{number}:40{number}" for number in range(9)]

        assert _limited(deployment, others) == [False] * 9


def test_190_a_refused_page_says_when_to_come_again(sqlite_url, idp, tmp_path):
    with _deployment(sqlite_url, idp, tmp_path, LIMIT) as deployment:
        answer = [deployment.http().get("/authorize") for _ in range(4)][-1]

        assert (answer.status_code, answer.mimetype) == (429, "text/html")
        assert answer.headers["Retry-After"] == "60"
