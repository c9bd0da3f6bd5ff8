"""Walks the whole story with the official MCP client: OAuth 2.1 §4.1, RFC 8707, RFC 9207.

The client is the one of the `mcp` package, used as its users use it. The person is a scripted
browser that presses the buttons of the real pages.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from mcp.client import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from authserver.demo.browser import Browser, Page
from authserver.demo.interruptions import Interruption
from authserver.demo.story import StepFailed, Story
from authserver.demo.wire import Wire, expect, shown

_CLIENT_NAME = "Demo client"
# Nobody listens here: the scripted browser hands over what it would have opened.
_REDIRECT_URI = "http://127.0.0.1:17999/callback"
_LONG_AGO = 1.0
_PATIENCE = 60


@dataclass
class _Storage:
    """Where the client keeps what it got: in memory, for one walk."""

    tokens: OAuthToken | None = field(default=None, repr=False)
    client: OAuthClientInformationFull | None = field(default=None, repr=False)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class _Person:
    """Somebody in front of a browser, who signs in and approves."""

    name: str
    browser: Browser
    story: Story
    answer: dict[str, str] = field(default_factory=dict, repr=False)

    async def open(self, url: str) -> None:
        """Go through the pages from the authorization request to the client's redirect URI."""
        self.story.step(f"It opens the browser, and {self.name} sees who wants what.")
        self.story.sent(f"GET {url.partition('?')[0]}")
        self.story.note(shown(dict(parse_qsl(urlsplit(url).query))))
        page = self._page(await self.browser.open(url))
        expect(_CLIENT_NAME in page.text, "the page must say which client asks")

        self.story.step(f"{self.name} signs in at the identity provider that is already there.")
        self.story.sent("the button that continues")
        page = self._page(await self.browser.press(page, "continue"))
        self.story.sent(f"the button “{self.name}”")
        page = self._page(await self.browser.press(page, self.name))
        expect(_CLIENT_NAME in page.text, "the page must say which client asks")
        expect(self.name in page.text, "the page must say who is signed in")

        self.story.step(f"{self.name} allows it.")
        for scope in [scope for form in page.forms for scope in form.values("scope")]:
            self.story.note(f"[x] {scope}")
        self.story.sent("the button “Approve”")
        arrived = await self.browser.press(page, "approve")
        if isinstance(arrived, Page):
            self._page(arrived)
            raise StepFailed(f"the browser must end at {_REDIRECT_URI}, not at {arrived.url}")
        self.answer = dict(parse_qsl(urlsplit(arrived).query))
        self.story.seen(f"303 to {_REDIRECT_URI}")
        self.story.note(shown(self.answer))

    async def result(self) -> AuthorizationCodeResult:
        """Return what arrived at the redirect URI; raises StepFailed for an error."""
        if "code" not in self.answer:
            raise StepFailed(f"the answer must have a code, not {self.answer}")
        return AuthorizationCodeResult(
            code=self.answer["code"], state=self.answer.get("state"), iss=self.answer.get("iss")
        )

    def _page(self, arrived: Page | str) -> Page:
        if isinstance(arrived, str):
            raise StepFailed(f"a page was expected, not the end of the story at {arrived}")
        self.story.seen(
            f"{arrived.status} page “{arrived.title}” at {arrived.url.partition('?')[0]}"
        )
        expect(arrived.status == 200, f"the page must be shown with 200; it says: {arrived.text}")
        return arrived


def walk(mcp_url: str, story: Story, *, person: str = "Ada") -> bool:
    """Walk from a 401 to a refreshed token and tell it; return whether every step held."""
    try:
        with _logged_elsewhere():
            anyio.run(_walk, mcp_url, story, person)
    except Exception as error:  # noqa: BLE001 - whatever it was, the step that it hit is named
        story.fail(_reason(error))
    except BaseExceptionGroup as group:
        # Tasks that were under way end with it, each with what it had to say.
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise Interruption from None
    return story.failure is None


async def _walk(mcp_url: str, story: Story, person: str) -> None:
    wire = Wire(mcp_url, story)
    with anyio.fail_after(_PATIENCE):
        async with Browser(_REDIRECT_URI) as browser:
            somebody = _Person(person, browser, story)
            provider = OAuthClientProvider(
                mcp_url,
                OAuthClientMetadata.model_validate(
                    {"client_name": _CLIENT_NAME, "redirect_uris": [_REDIRECT_URI]}
                ),
                _Storage(),
                redirect_handler=somebody.open,
                callback_handler=somebody.result,
            )
            async with (
                httpx2.AsyncClient(
                    auth=provider,
                    timeout=20,
                    trust_env=False,
                    event_hooks={"request": [wire.on_request], "response": [wire.on_response]},
                ) as http,
                Client(streamable_http_client(mcp_url, http_client=http)) as client,
            ):
                await _use(client, provider, story)
        await _tamper(mcp_url, story, wire.tokens["access_token"])
    for title in wire.missing():
        story.fail(f"this never happened: {title}")


async def _use(client: Client, provider: OAuthClientProvider, story: Story) -> None:
    story.step("The client uses the MCP server in this person's name.")
    tools = await client.list_tools()
    story.seen(f"tools: {', '.join(tool.name for tool in tools.tools)}")
    await _call(client, story, "whoami")
    await _call(client, story, "create_issue", title="The coffee machine is empty")
    await _call(client, story, "list_issues")
    # The client believes that its token has expired, and refreshes before the next call.
    provider.context.token_expiry_time = _LONG_AGO
    result = await client.call_tool("whoami")
    story.step("It goes on with the new token, and nobody noticed.")
    story.sent("whoami()")
    story.seen(_text_of(result))


async def _call(client: Client, story: Story, tool: str, **arguments: str) -> None:
    story.sent(f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})")
    story.seen(_text_of(await client.call_tool(tool, arguments)))


async def _tamper(mcp_url: str, story: Story, access_token: str) -> None:
    story.step("Somebody changes one letter of the token, and is refused.")
    head, _, signature = access_token.rpartition(".")
    changed = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as http:
        headers = {"Authorization": f"Bearer {changed}", "Accept": "application/json"}
        refused = await http.post(mcp_url, headers=headers, json={})
    challenge = refused.headers.get("WWW-Authenticate", "")
    story.seen(f"{refused.status_code}")
    story.note(f"WWW-Authenticate: {challenge}")
    expect(refused.status_code == 401, "a forged token must be answered with 401")
    expect('error="invalid_token"' in challenge, "the challenge must say invalid_token")


def _text_of(result: object) -> str:
    content = getattr(result, "content", [])
    text = " ".join(getattr(item, "text", "") for item in content).strip()
    expect(not getattr(result, "is_error", True), f"the tool must not fail: {text}")
    return text


def _reason(error: BaseException) -> str:
    """Return what went wrong at the bottom of nested groups and causes."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, StepFailed):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"nothing happened for {_PATIENCE} seconds"
    return f"{type(error).__name__}: {error}"


@contextmanager
def _logged_elsewhere() -> Iterator[None]:
    # The client logs each failure with a traceback; the story says it in one line.
    silent, logger = logging.NullHandler(), logging.getLogger("mcp")
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
