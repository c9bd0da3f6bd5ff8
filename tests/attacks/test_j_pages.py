"""Cases 145, 146, 149, 161: our pages, framed, fed with markup, and steered elsewhere"""

import re
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.actors import Browser, Deployment, McpClient, links_of, response_of
from tests.attacks.outcomes import is_page
from tests.attacks.visiting import (
    callback,
    consent_page,
    decide,
    fields_of,
    is_consent_page,
    is_sign_in_page,
    sign_in_page,
    upstream_url,
)
from tests.upstream.hostile_idp import HostileIdp

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}{%x%}"
_ACTIVE = re.compile(
    r'<(?:script|img|iframe|object|embed|base|link(?! rel="icon" href="data:))\b'
    r"|<[^>]+\s(?:on\w+|src|style)\s*=",
    re.IGNORECASE,
)
EVIL = ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]


@pytest.fixture
def client(deployment):
    return McpClient(deployment, metadata={"client_name": MARKUP}).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def _every_page(client, browser):
    """Show every page there is, errors included."""
    yield "sign-in", (page := sign_in_page(client, browser))
    yield "no token", browser.submit(page, csrf_token="x", decision="continue")
    yield "signed in", (page := browser.sign_in(page))
    yield "nothing decided", decide(browser, page, "x")
    yield "nothing ticked", decide(browser, page, "approve", scope=None)
    yield "answered", decide(browser, page, "deny", follow=False)
    yield "ended", browser.get(f"/consent?pending={fields_of(page)['pending']}")
    yield "unknown client", browser.get("/authorize?client_id=x")
    yield "redirect URI", browser.get(client.authorize_url(redirect_uri="https://evil.example/"))
    yield "too long", browser.get(client.authorize_url(state="x" * 17_000))
    yield "not found", browser.get(f"/{quote(MARKUP)}")
    yield "wrong method", browser.client.delete("/consent", base_url="https://auth.example")
    yield "no callback", browser.get("/callback?state=x")
    stranger = McpClient(client.deployment, "https://app.example/cb").register()
    yield "stranger", browser.get(stranger.authorize_url(response_type="token"))
    app = McpClient(client.deployment, "cursor://anysphere.cursor-mcp/oauth/callback").register()
    yield "an app", decide(browser, consent_page(app, browser), "approve")


@pytest.mark.spec("OAuth 2.1", "7.11")
def test_145_no_page_can_be_framed_stored_or_told_to_others(client, browser):
    for name, page in _every_page(client, browser):
        headers = page.headers
        assert headers["Referrer-Policy"] == "no-referrer", name
        assert headers["Cache-Control"] == "no-store", name
        assert not [each for each in headers if each[0].startswith("Access-Control")], name
        if page.status_code == 303:
            continue
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, name
        assert "default-src 'none'" in policy, name
        assert "base-uri 'none'" in policy, name
        assert "script-src" not in policy, name
        assert "unsafe" not in policy, name


@pytest.mark.spec("OAuth 2.1", "7.11")
def test_146_no_page_has_a_script_a_handler_or_a_thing_from_elsewhere(client, browser):
    for name, page in _every_page(client, browser):
        text = page.get_data(as_text=True)
        assert not _ACTIVE.search(text), name


@pytest.mark.parametrize("parameter", ["state", "nonce", "login_hint", "scope", "ui_locales", "x"])
def test_146_markup_in_a_parameter_is_not_on_any_page_of_its_request(
    deployment, browser, parameter
):
    client = McpClient(deployment).register()
    value = MARKUP.replace('"', "").replace(" ", "") if parameter == "scope" else MARKUP

    page = browser.get(client.authorize_url(**{parameter: value}))
    assert is_sign_in_page(page)
    consent = browser.sign_in(page)
    answer = decide(browser, consent, "approve")

    for shown in (page, consent):
        assert "alert(1)" not in shown.get_data(as_text=True).replace(
            "alert(1)&lt;/script&gt;&#34;", ""
        )
    if parameter == "state":
        assert response_of(answer)["state"] == MARKUP


@pytest.mark.parametrize("member", ["resource", "response_type", "code_challenge", "prompt"])
def test_146_markup_in_what_is_refused_is_not_on_the_page(deployment, browser, member):
    stranger = McpClient(deployment, "https://app.example/cb").register()

    page = browser.get(stranger.authorize_url(**{member: MARKUP}))

    assert is_page(page)
    assert "alert" not in page.get_data(as_text=True)


def test_146_what_the_provider_says_is_escaped_or_not_shown(client, browser):
    idp = client.deployment.idp
    idp.claims = {"name": MARKUP, "email": f"{MARKUP}@x", "picture": "https://evil.example/p.png"}
    page = consent_page(client, browser, f"sub{MARKUP}")
    text = page.get_data(as_text=True)
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "evil.example" not in text

    idp.callback = {"code": "", "error": MARKUP, "error_description": MARKUP, "error_uri": EVIL[2]}
    other = Browser(client.deployment)
    refused = other.come_back(callback(client, other))
    client.deployment.wait(1)
    again = browser.come_back({**callback(client, browser, max_age=0), "code": ""})
    for shown in (refused, again):
        assert not _ACTIVE.search(shown.get_data(as_text=True))
        assert "evil" not in shown.get_data(as_text=True)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u2066", "\r\n", "\x1b[2J", "\u0301" * 40])
def test_146_a_name_from_the_provider_cannot_reorder_or_cover_the_page(client, browser, hidden):
    client.deployment.idp.claims = {"name": f"Ada{hidden}Lovelace", "email": f"a{hidden}@x.example"}

    text = consent_page(client, browser).get_data(as_text=True)

    assert hidden not in text


@pytest.mark.spec("RFC 6265bis", "4.1.3.2")
def test_149_cookies_are_the_hosts_alone_and_out_of_scripts(client, browser):
    first = browser.client.get(browser._path(client.authorize_url()), base_url=browser._origin())
    page = browser.get(first.headers["Location"])
    door = browser.submit(page, decision="continue").headers["Location"]
    back = client.deployment.idp.sign_in(door)
    second = browser.client.get(
        f"/callback?state={back['state']}&code={back['code']}&iss={quote(back['iss'])}",
        base_url=browser._origin(),
    )
    kinds = [(first, r"browser|first-[A-Za-z0-9_-]{12}"), (second, "session")]
    lines = [(ln, kind) for answer, kind in kinds for ln in answer.headers.getlist("Set-Cookie")]
    assert len(lines) == 3
    for line, kind in lines:
        [(name, morsel)] = SimpleCookie(line).items()
        assert re.fullmatch(f"__Host-authserver-[0-9a-f]{{8}}-({kind})", name)
        assert (morsel["path"], morsel["domain"], morsel["samesite"]) == ("/", "", "Lax")
        assert morsel["secure"]
        assert morsel["httponly"]
        assert len(line) < 300


def test_149_loopback_without_tls_has_no_prefix_and_no_secure(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, "http://127.0.0.1:9000") as local:
        browser = Browser(local)
        client = McpClient(local).register()
        tokens = client.connect(browser)
        cookies = list(browser.client._cookies.values())

    assert tokens["access_token"]
    assert not any(cookie.key.startswith("__") or cookie.secure for cookie in cookies)
    assert all(cookie.http_only and cookie.same_site == "Lax" for cookie in cookies)


def test_149_two_servers_on_one_host_do_not_share_cookies(deployment, tmp_path, migrated_sqlite):
    import shutil

    other = Path(tmp_path) / "other"
    other.mkdir()
    shutil.copy(migrated_sqlite, other / "authserver.db")
    url = f"sqlite:///{other / 'authserver.db'}"
    with HostileIdp() as idp, Deployment.start(other, url, idp, "https://auth.example/two") as two:
        browsers = [Browser(deployment), Browser(two)]
        for server, browser in zip((deployment, two), browsers, strict=True):
            consent_page(McpClient(server).register(), browser)
    names = [{cookie.key for cookie in each.client._cookies.values()} for each in browsers]
    assert names[0].isdisjoint(names[1])


@pytest.mark.parametrize("name", ["next", "return_to", "redirect", "url", "problem", "account"])
@pytest.mark.parametrize("target", EVIL)
def test_161_no_page_goes_where_a_parameter_says(client, browser, name, target):
    page = sign_in_page(client, browser)
    pending = fields_of(page)["pending"]
    query = f"{name}={quote(target, safe='')}"

    shown = browser.get(f"/sign-in?pending={pending}&{query}")
    door = browser.submit(shown, decision="continue", **{name: target}).headers["Location"]
    back = client.deployment.idp.sign_in(door)
    consent = browser.come_back({**back, name: target})
    consent = browser.get(f"/consent?pending={fields_of(consent)['pending']}&{query}")
    answer = decide(browser, consent, "approve", **{name: target})

    assert door.startswith(client.deployment.idp.origin + "/authorize?")
    assert "evil" not in door
    for each in (shown, consent):
        assert "evil" not in each.get_data(as_text=True)
        assert links_of(each) == []
    assert answer.headers["Location"].startswith(client.redirect_uri + "?")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/logout", "/end_session", "/signout"])
def test_there_is_no_logout_to_forge(client, browser, path, method):
    consent_page(client, browser)

    answer = getattr(browser.client, method)(
        f"{path}?post_logout_redirect_uri=https://evil.example", base_url="https://auth.example"
    )

    assert answer.status_code == 404
    assert is_consent_page(browser.get(client.authorize_url()))


def test_the_switch_of_users_needs_the_pages_own_form(client, browser):
    page = consent_page(client, browser)
    other = McpClient(client.deployment).register()

    assert is_page(decide(browser, page, "switch", csrf_token=None), 403)

    assert is_consent_page(browser.get(other.authorize_url())), "still signed in"
    assert upstream_url(other, Browser(client.deployment))
