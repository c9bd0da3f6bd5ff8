"""Real Chromium in front of a real server; skipped by name where there is none"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.actors import Deployment, McpClient
from tests.live import deployed
from tests.served import served
from tests.upstream.hostile_idp import HostileIdp

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
MORE = """
[server]
device_authorization = true
[pages]
operator = "Example Corporation"
[rate_limits]
register_per_address = 0
authorize_per_address = 0
[resources.vault]
url = "https://vault.example/mcp"
name = "Avaultwithanamewithoutanyplacetobreakitsline"
allow = { groups = ["admins"] }
"""
PATIENCE = 5000  # milliseconds
# What Chromium says of a page that is meant to be a 400, and of an app that is not installed here.
EXPECTED = ("Failed to load resource: the server responded with a status of", "Failed to launch")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Return the browser of this module; not of the session, for it holds the thread's loop."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium on the PATH (looked for {', '.join(NAMES)})")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated_sqlite) -> Iterator[Deployment]:
    """Serve one deployment for all tests of a module."""
    folder = tmp_path_factory.mktemp("site")
    database = folder / "authserver.db"
    shutil.copy(migrated_sqlite, database)
    with (
        HostileIdp() as idp,
        deployed(folder, f"sqlite:///{database}", idp, path="/oauth", more=MORE) as deployment,
    ):
        yield deployment


@dataclass
class Callback:
    """A client that listens on loopback, on another origin; `arrived` is what reached it."""

    url: str = ""
    arrived: list[dict[str, str]] = field(default_factory=list)
    referers: list[str | None] = field(default_factory=list)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/callback":
            query = parse_qs(environ["QUERY_STRING"])
            self.arrived.append({name: values[0] for name, values in query.items()})
            self.referers.append(environ.get("HTTP_REFERER"))
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b"<!doctype html><title>Client</title><link rel=icon href=data:,><p>Done."]


@pytest.fixture
def callback() -> Iterator[Callback]:
    listening = Callback()
    with served(listening) as origin:
        listening.url = f"{origin}/callback"
        yield listening


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Visitor:
    """One browser profile, and everything that it complained of or asked for."""

    def __init__(self, chromium: Any, site: Deployment, **options: Any) -> None:
        self.site = site
        self.context = chromium.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", lambda request: self.asked.add(origin_of(request.url)))
        self.page = self.context.new_page()
        self._ours = {origin_of(site.issuer), site.idp.origin}

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def open(self, url: str) -> Any:
        return self.page.goto(url)

    def turn_to_another_tab(self) -> None:
        """Leave a page that opens an app: Chromium asks about it, and takes no other click."""
        self.page.close()
        self.page = self.context.new_page()

    def press(self, name: str) -> None:
        """Press a button and wait for the page that it leads to."""
        with self.page.expect_navigation(wait_until="commit"):
            self.page.get_by_role("button", name=name, exact=False).click()
        self.page.wait_for_load_state("domcontentloaded")

    def type_code(self, user_code: str) -> None:
        """Type the code of a device into the page that asks for it."""
        self.page.get_by_label("Code").fill(user_code)
        self.press("Continue")

    def to_consent(self, client: McpClient, **changes: Any) -> None:
        """Go from an authorization URL to the consent page, signed in or not."""
        self.open(client.authorize_url(**changes))
        if "/sign-in" in self.page.url:
            self.press("Continue with")
        assert "/consent" in self.page.url, self.page.url

    def strangers(self, *known: str) -> set[str]:
        """Return the origins that were asked and are neither ours nor known."""
        web = {origin for origin in self.asked if origin.startswith(("http:", "https:", "ws"))}
        return web - self._ours - {origin_of(url) for url in known}


@pytest.fixture
def visit(chromium, site):
    """Return a function that opens a profile; at the end nobody may have complained."""
    visitors: list[Visitor] = []

    def begin(**options: Any) -> Visitor:
        visitors.append(Visitor(chromium, site, **options))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture
def register(site):
    """Return a function that registers a client under a name, for a redirect URI."""

    def registered(redirect_uri: str, name: str = "Cursor") -> McpClient:
        return McpClient(site, redirect_uri=redirect_uri, metadata={"client_name": name}).register()

    return registered
