"""Cases 1 to 18: the redirect URI, before anything is sent to it"""

import pytest

from tests.actors import LOOPBACK, Browser, McpClient, response_of
from tests.attacks.outcomes import is_back, is_page_without_a_way_back

WEB = "https://app.example/cb"


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.fixture
def web(deployment):
    return McpClient(deployment, WEB).register()


def _register(deployment, uris, **metadata):
    return deployment.http().post("/register", json={"redirect_uris": uris, **metadata})


def _is_refused_everywhere(deployment, uri):
    """Registration names the member; a client that somehow has the URI gets no redirect to it."""
    answer = _register(deployment, [uri])
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_redirect_uri"), uri
    together = _register(deployment, [LOOPBACK, uri])
    assert together.json["error"] == "invalid_redirect_uri", uri
    client = McpClient(deployment).register()
    return _is_page_at_authorize(client, uri)


def _is_page_at_authorize(client, uri):
    answer = Browser(client.deployment).get(client.authorize_url(redirect_uri=uri))
    return is_page_without_a_way_back(answer)


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize("client_id", [None, "", "unknown", "mcp-" + "A" * 43, "x" * 12000])
@pytest.mark.parametrize("uri", [None, LOOPBACK, "https://evil.example/cb"])
def test_001_an_unknown_client_gets_a_page_whatever_the_redirect_uri(browser, web, client_id, uri):
    url = web.authorize_url(client_id=client_id, redirect_uri=uri)

    assert is_page_without_a_way_back(browser.get(url))


@pytest.mark.spec("OAuth 2.1", "2.3.5")
@pytest.mark.parametrize(
    "also",
    [{}, {"response_type": "token"}, {"code_challenge": None}, {"resource": "x"}, {"prompt": "x"},
     {"scope": '"'}, {"request": "x"}, {"state": ["1", "2"]}],
)  # fmt: skip
@pytest.mark.parametrize("uri", ["https://evil.example/cb", "http://127.0.0.1:3999/other"])
def test_002_an_unregistered_redirect_uri_gets_a_page_whatever_else_is_wrong(
    browser, web, uri, also
):
    answer = browser.get(web.authorize_url(redirect_uri=uri, **also))

    assert is_page_without_a_way_back(answer)
    assert "evil.example" not in answer.get_data(as_text=True)


@pytest.mark.spec("OAuth 2.1", "4.1.1")
@pytest.mark.parametrize(
    "uri", [f"{WEB}/", f"{WEB}?x=1", f"{WEB}%2F", "https://app.example/CB", f"{WEB}?",
            "https://app.example/c%62", "https://app.example:443/cb", "http://app.example/cb"],
)  # fmt: skip
def test_003_another_spelling_of_the_path_is_another_uri(web, uri):
    assert _is_page_at_authorize(web, uri)


@pytest.mark.spec("OAuth 2.1", "4.1.1")
@pytest.mark.parametrize("uri", ["HTTPS://app.example/cb", "https://APP.example/cb"])
def test_004_capitals_in_scheme_or_host_are_another_uri(web, uri):
    assert _is_page_at_authorize(web, uri)


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize(
    "uri", ["https://a@evil.example/", "http://127.0.0.1:80@evil.example/",
            "https://app.example@evil.example/cb", "https://@app.example/cb"],
)  # fmt: skip
def test_005_user_information_is_refused_everywhere(deployment, uri):
    assert _is_refused_everywhere(deployment, uri)


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize("end", ["#", "#f", "?#", "?x=1#"])
def test_006_a_fragment_even_an_empty_one_is_refused_everywhere(deployment, web, end):
    assert _is_refused_everywhere(deployment, WEB + end)
    assert _is_page_at_authorize(web, WEB + end)


@pytest.mark.parametrize(
    "path", ["/x/../cb", "/%2e%2e/cb", "/..;/cb", "//cb", "/./cb", "/%252e%252e/cb"]
)
def test_007_dot_segments_and_doubled_slashes_are_refused(web, path):
    assert _is_page_at_authorize(web, f"https://app.example{path}")
    assert _is_refused_everywhere(web.deployment, f"https://app.example{path}")


@pytest.mark.parametrize(
    "uri", [f" {WEB}", f"{WEB} ", f"\t{WEB}", "https://app.exa\tmple/cb", f"{WEB}\n", f"{WEB}\r",
            "https://app.example\\cb", f"{WEB}\\@evil.example", f"\x0b{WEB}",
            f'{WEB}"', f"{WEB}é", f"{WEB}`"],
)  # fmt: skip
def test_008_controls_backslashes_quotes_and_spaces_are_refused(web, uri):
    assert _is_page_at_authorize(web, uri)


def test_008_a_nul_is_refused_before_anybody_is_asked(web):
    assert _is_page_at_authorize(web, f"{WEB}\0")
    assert web.deployment.last("page.refused")["endpoint"] == "/authorize"


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "host", ["exämple.com", "127。0。0。1", "ⓔxample.com", "exam\u202eple.com", "app\u200b.example"]
)
def test_009_a_host_outside_ascii_is_refused_and_punycode_is_shown_as_such(deployment, host):
    assert _is_refused_everywhere(deployment, f"https://{host}/cb")

    client = McpClient(deployment, "https://xn--exmple-cua.com/cb").register()
    page = Browser(deployment).get(client.authorize_url())
    assert "xn--exmple-cua.com" in page.get_data(as_text=True)


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
@pytest.mark.parametrize("port", ["", ":1", ":49152", ":65535"])
def test_010_a_loopback_client_may_come_back_on_any_port(deployment, host, port):
    client = McpClient(deployment, f"http://{host}:3000/cb").register()
    client.redirect_uri = f"http://{host}{port}/cb"

    answer = Browser(deployment).approve(client.authorize_url())

    assert answer.headers["Location"].startswith(f"http://{host}{port}/cb?code=")
    assert client.redeem(response_of(answer)["code"]).status_code == 200


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:3000/other", "http://127.0.0.1:3000/cb?x=1",
            "http://127.0.0.1:3000/cb?", "https://127.0.0.1:3000/cb", "http://127.1:3000/cb",
            "http://0x7f.1/cb", "http://2130706433/cb", "http://127.000.000.001/cb",
            "http://[::ffff:127.0.0.1]/cb", "http://localhost.:3000/cb", "http://localhost/cb",
            "http://[::1]:3000/cb", "http://127.0.0.2/cb", "http://0.0.0.0:3000/cb"],
)  # fmt: skip
def test_011_every_other_spelling_of_a_loopback_uri_is_another_uri(deployment, uri):
    client = McpClient(deployment, "http://127.0.0.1:3000/cb").register()

    assert _is_page_at_authorize(client, uri)


@pytest.mark.parametrize("port", ["0080", "", "0", "99999", "-1", ":", "8o", "+1", "%31"])
def test_012_a_port_that_is_none_is_refused(deployment, port):
    assert _is_refused_everywhere(deployment, f"http://127.0.0.1:{port}/callback")


@pytest.mark.spec("RFC 9700", "2.6")
@pytest.mark.parametrize("host", ["app.example", "10.0.0.1", "localhost.evil.example"])
def test_013_http_beyond_this_computer_is_refused(deployment, host):
    assert _is_refused_everywhere(deployment, f"http://{host}/cb")


@pytest.mark.parametrize("scheme", ["javascript", "data", "vbscript", "blob", "file", "about"])
@pytest.mark.parametrize("shape", ["{}:x", "{}:/x", "{}://x/%0ax", " {}:x", "{}\n:x", "\t{}:x"])
def test_014_a_scheme_that_the_browser_acts_upon_is_refused_in_any_spelling(
    deployment, scheme, shape
):
    assert _is_refused_everywhere(deployment, shape.format(scheme))
    assert _is_refused_everywhere(deployment, shape.format(scheme.title()))


def test_015_a_scheme_without_a_dot_is_accepted_where_it_is_listed(deployment):
    listed = _register(deployment, ["cursor://anysphere.cursor-mcp/oauth/callback"])
    unlisted = _register(deployment, ["fictional://cb"])
    both = _register(deployment, ["fictional://cb", "vscode://cb/x"])

    assert listed.status_code == 201
    assert (unlisted.status_code, unlisted.json["error"]) == (400, "invalid_redirect_uri")
    assert both.json["redirect_uris"] == ["vscode://cb/x"]


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize(
    "query",
    ["code=1&state=2", "state=", "x=1&iss=y", "error=z", "%63ode=1", "x=1;code=2", "CODE=1"],
)
def test_016_a_uri_that_already_has_a_member_of_the_answer_is_refused(deployment, query):
    assert _is_refused_everywhere(deployment, f"{WEB}?{query}")


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize("uri", [f"{WEB}?tenant=7&x=%20", f"{WEB}?", "https://app.example?a=1"])
def test_016_any_other_query_is_kept_and_each_member_stands_once(deployment, uri):
    client = McpClient(deployment, uri).register()

    answer = Browser(deployment).approve(client.authorize_url())

    assert answer.headers["Location"].startswith(uri)
    assert {"code", "state", "iss"} <= set(response_of(answer))


@pytest.mark.parametrize("uri", ["https://app.example/cb[1]", f"{WEB}?x[]=1"])
def test_016_a_uri_that_could_not_be_sent_as_it_is_written_is_refused(deployment, uri):
    assert _is_refused_everywhere(deployment, uri)


@pytest.mark.spec("OAuth 2.1", "2.3.2")
def test_017_a_redirect_uri_may_be_left_out_where_only_one_is_registered(deployment, browser):
    one = McpClient(deployment).register()
    two = McpClient(deployment, metadata={"redirect_uris": [LOOPBACK, WEB]}).register()

    answer = browser.get(one.authorize_url(redirect_uri=None, response_type="token"))

    assert is_back(answer, "unsupported_response_type", LOOPBACK)
    assert is_page_without_a_way_back(browser.get(two.authorize_url(redirect_uri=None)))
    assert is_page_without_a_way_back(browser.get(two.authorize_url(redirect_uri="")))


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "uris", [[], "https://app.example/cb", [LOOPBACK, None], [1], {}, None, 5, [[LOOPBACK]], [""],
             [f"https://app.example/{number}" for number in range(10_000)],
             [f"https://app.example/{number}" for number in range(1000)]],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_018_redirect_uris_that_are_no_short_list_of_texts_are_refused(deployment, uris):
    answer = _register(deployment, uris)

    assert answer.status_code in (400, 413)
    assert answer.json["error"] in ("invalid_redirect_uri", "invalid_request")
    with deployment.server.store.read() as reads:
        assert reads.client_count() == 0
