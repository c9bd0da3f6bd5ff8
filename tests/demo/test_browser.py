"""The scripted browser does what a browser does with pages, forms, redirects and cookies."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio
import flask
import flask.typing
import pytest

from authserver.demo.browser import Browser, Page
from authserver.demo.loopback import listen, url, wsgi_server
from authserver.demo.story import StepFailed

PAGE = """<!doctype html><title> A &amp; B
</title><style>body { color: red }</style><body><h1>Which &lt;one&gt;?</h1>
<form method="post" action="/quiet"><input type="hidden" name="pending" value="1">
  <button name="decision" value="switch">Not you?</button></form>
<form method="post" action="take?x=1">
  <input type="hidden" name="pending" value="p&amp;2">
  <input type="checkbox" name="scope" value="read" checked>
  <input type="checkbox" name="scope" value="write" checked>
  <input type="checkbox" name="scope" value="admin">
  <input name="gone" value="x" disabled>
  <button type="button" name="decision" value="no">Approve nothing</button>
  <button type="submit" name="decision" value="approve"><b>Ap</b><i>prove</i> it</button>
  <input type="submit" name="decision" value="Deny">
</form>"""
END = "http://127.0.0.1:17999/callback"


@dataclass
class Site:
    origin: str
    seen: list[tuple[dict[str, list[str]], flask.Request]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    app, seen = flask.Flask(__name__), []

    def page() -> flask.Response:
        answer = flask.Response(PAGE)
        answer.set_cookie("binding", "browser", httponly=True, samesite="Lax")
        if "silent" in flask.request.args:
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def take() -> flask.typing.ResponseReturnValue:
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
        seen.append((request.form.to_dict(flat=False), request))
        return flask.redirect(f"{END}?code=c&state=s", 303)

    app.add_url_rule("/a/page", view_func=page)
    app.add_url_rule("/go", "go", lambda: flask.redirect("/a/page"))
    app.add_url_rule("/loop", "loop", lambda: flask.redirect("/loop"))
    app.add_url_rule("/a/take", view_func=take, methods=["POST"])
    with listen(0) as listening, wsgi_server(app, listening):
        yield Site(url(listening), seen)


def through(site: Site, start: str, press: str | None = None) -> Page | str:
    async def go() -> Page | str:
        async with Browser(END) as browser:
            page = await browser.open(f"{site.origin}{start}")
            assert isinstance(page, Page)
            return page if press is None else await browser.press(page, press)

    return anyio.run(go)


def test_a_page_is_read_as_a_person_reads_it(site):
    page = through(site, "/go")
    assert isinstance(page, Page)
    assert (page.status, page.title) == (200, "A & B")
    assert page.url == f"{site.origin}/a/page"
    assert page.text.startswith("Which <one>?")
    assert "color" not in page.text
    assert [button.value for button in page.forms[1].buttons] == ["approve", "Deny"]


def test_a_form_sends_its_fields_its_ticked_boxes_and_the_pressed_button(site):
    assert through(site, "/a/page", "approve it") == f"{END}?code=c&state=s"
    [(sent, request)] = site.seen
    assert sent == {"pending": ["p&2"], "scope": ["read", "write"], "decision": ["approve"]}
    assert request.args["x"] == "1"
    assert request.cookies["binding"] == "browser"


@pytest.mark.parametrize(("page", "origin"), [("/a/page", None), ("/a/page?silent", "null")])
@pytest.mark.spec("WHATWG Fetch", "3.1")
def test_a_form_is_sent_with_the_origin_that_a_browser_would_send(site, page, origin):
    through(site, page, "deny")
    [(_, request)] = site.seen
    assert request.headers["Origin"] == (origin or site.origin)
    assert request.headers["Sec-Fetch-Site"] == "same-origin"


def test_a_missing_button_fails_with_what_the_page_says(site):
    with pytest.raises(StepFailed, match=r"no button 'Continue'.*Not you\?.*Which <one>\?"):
        through(site, "/a/page", "Continue")


def test_redirects_come_to_an_end(site):
    with pytest.raises(StepFailed, match="more than 10 redirects"):
        through(site, "/loop")
