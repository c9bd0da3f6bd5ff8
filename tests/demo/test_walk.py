"""The walk-through in one process, and how it says what is wrong."""

import io
from collections.abc import Iterator

import pytest

from authserver.app import AuthServer
from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.interruptions import Interruption
from authserver.demo.loopback import asgi_server, listen, url, wsgi_server
from authserver.demo.mcp_server import create_mcp_server
from authserver.demo.place import CLIENT_ID, Place
from authserver.demo.story import Story
from authserver.demo.walk import walk
from authserver.demo.wire import TITLES
from authserver.settings import load
from authserver.web import create_app


@pytest.fixture(scope="module")
def mcp_url(tmp_path_factory) -> Iterator[str]:
    """The three servers of the demo, each in a thread."""
    with listen(0) as at_authserver, listen(0) as at_mcp, listen(0) as at_idp:
        directory = tmp_path_factory.mktemp("demo")
        place = Place(directory, url(at_authserver), url(at_idp), f"{url(at_mcp)}/mcp")
        place.furnish("secret-of-the-upstream")
        client = RelyingParty(CLIENT_ID, "secret-of-the-upstream", (f"{place.issuer}/callback",))
        app = create_app(load(place.config), upkeep=False)
        server: AuthServer = app.extensions["authserver"]
        with (
            wsgi_server(create_idp(place.upstream, client), at_idp),
            wsgi_server(app, at_authserver),
            asgi_server(create_mcp_server(place.issuer, place.mcp_url), at_mcp),
        ):
            yield place.mcp_url
        server.upstream.close()
        server.store.close()


def told(mcp_url: str, person: str = "Ada") -> tuple[bool, Story]:
    story = Story(io.StringIO())
    return walk(mcp_url, story, person=person), story


def test_every_step_holds_and_the_story_shows_no_whole_secret(mcp_url):
    holds, story = told(mcp_url)
    assert holds, story.failure
    assert len(story.titles) == 12
    assert isinstance(story.out, io.StringIO)
    text = story.out.getvalue()
    assert "[x] issues:write" in text
    assert "eyJ" not in text


def test_somebody_else_can_walk_as_well(mcp_url):
    holds, story = told(mcp_url, "Grace")
    assert holds, story.failure


def test_a_button_that_is_missing_fails_at_its_step_with_what_the_page_says(mcp_url):
    holds, story = told(mcp_url, "Zoe")
    assert not holds
    assert story.failure is not None
    assert story.failure.startswith("FAILED at step 6 (Zoe signs in")
    assert "no button 'Zoe'" in story.failure
    assert "Ada Lovelace" in story.failure


def test_an_authorization_server_that_is_down_fails_at_the_step_that_needs_it():
    with listen(0) as at_mcp, listen(0) as down:
        issuer = url(down)
        down.close()
        with asgi_server(create_mcp_server(issuer, f"{url(at_mcp)}/mcp"), at_mcp):
            holds, story = told(f"{url(at_mcp)}/mcp")
    assert not holds
    assert story.failure is not None
    assert TITLES["server"] in story.failure


def test_an_mcp_server_that_is_down_fails_at_the_first_step():
    with listen(0) as down:
        address = f"{url(down)}/mcp"
    holds, story = told(address)
    assert not holds
    assert story.failure is not None
    assert TITLES["no token"] in story.failure


def test_an_interruption_among_tasks_is_one(monkeypatch):
    def interrupted(*_):
        raise BaseExceptionGroup("under way", [ValueError(), Interruption()])

    monkeypatch.setattr("authserver.demo.walk.anyio.run", interrupted)
    with pytest.raises(Interruption):
        walk("http://127.0.0.1:9/mcp", Story(io.StringIO()))
