"""A scripted browser: follows redirects, reads pages, presses the buttons of their real forms.

It sends what a browser sends with a form (WHATWG Fetch: Origin, Sec-Fetch-Site), so that a
server's defence against forged posts is walked through as well.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx2

from authserver.demo.story import StepFailed

_MAX_REDIRECTS = 10
_SILENT = frozenset({"script", "style", "title", "template"})


@dataclass
class Button:
    """A submit button, with what it adds to its form."""

    name: str
    value: str
    label: str = ""


@dataclass
class Form:
    """A form as the page has it: hidden fields, ticked checkboxes, buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return what the form would send under a name."""
        return [value for each, value in self.fields if each == name]


@dataclass
class Page:
    """A page that was shown: where, what a person reads, and its forms."""

    url: str
    status: int
    headers: httpx2.Headers
    title: str = ""
    text: str = ""
    forms: list[Form] = field(default_factory=list)

    def find(self, label: str) -> tuple[Form, Button]:
        """Return the button whose label contains the words, and its form; raises StepFailed."""
        for form in self.forms:
            for button in form.buttons:
                if label.lower() in button.label.lower():
                    return form, button
        labels = [button.label for form in self.forms for button in form.buttons]
        raise StepFailed(
            f"the page {self.title!r} ({self.status}) at {self.url} has no button {label!r}; "
            f"it has {labels}, and says: {self.text[:300]}"
        )


class Browser:
    """One browser with its cookies; `stop_at` is the URI where a native client listens."""

    def __init__(self, stop_at: str) -> None:
        self._stop_at = stop_at
        self._http = httpx2.AsyncClient(
            timeout=15,
            trust_env=False,
            headers={"Accept": "text/html", "User-Agent": "authserver-demo-browser"},
        )

    async def __aenter__(self) -> Self:
        """Return the browser."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Forget the cookies and close the connections."""
        await self._http.aclose()

    async def open(self, url: str) -> Page | str:
        """Go to an address; return the page, or the URL that was meant for the client."""
        headers = {"Sec-Fetch-Site": "none"}
        return await self._follow(self._http.build_request("GET", url, headers=headers))

    async def press(self, page: Page, label: str) -> Page | str:
        """Press the button with this label and go where its form leads."""
        form, button = page.find(label)
        action = urljoin(page.url, form.action)
        sent = [*form.fields, *([(button.name, button.value)] if button.name else [])]
        if form.method != "post":
            url = httpx2.URL(action, params=sent)
            return await self._follow(self._http.build_request("GET", url))
        body: dict[str, list[str]] = {}
        for name, value in sent:
            body.setdefault(name, []).append(value)
        headers = _form_headers(page, action)
        return await self._follow(
            self._http.build_request("POST", action, data=body, headers=headers)
        )

    async def _follow(self, request: httpx2.Request) -> Page | str:
        for _ in range(_MAX_REDIRECTS):
            response = await self._http.send(request)
            if response.next_request is None:
                return _read(response)
            request = response.next_request
            if str(request.url).startswith(self._stop_at):
                return str(request.url)
        raise StepFailed(f"more than {_MAX_REDIRECTS} redirects, the last one to {request.url}")


def _form_headers(page: Page, action: str) -> dict[str, str]:
    here, there = urlsplit(page.url), urlsplit(action)
    same_origin = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    hidden = page.headers.get("Referrer-Policy") == "no-referrer"
    return {
        "Origin": "null" if hidden else f"{here.scheme}://{here.netloc}",
        "Sec-Fetch-Site": "same-origin" if same_origin else "same-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }


def _read(response: httpx2.Response) -> Page:
    page = Page(str(response.url), response.status_code, response.headers)
    reader = _Reader(page)
    reader.feed(response.text)
    reader.close()
    page.text = " ".join(page.text.split())
    page.title = " ".join(page.title.split())
    return page


class _Reader(HTMLParser):
    """Reads title, text and forms of a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._form: Form | None = None
        self._button: Button | None = None
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._within.append(tag)
        elif tag == "form":
            self._form = Form(has.get("action", ""), has.get("method", "get").lower())
            self._page.forms.append(self._form)
        elif tag == "button" and self._form is not None and has.get("type") != "button":
            self._button = Button(has.get("name", ""), has.get("value", ""))
            self._form.buttons.append(self._button)
        elif tag == "input" and self._form is not None and "disabled" not in has:
            self._input(self._form, has)

    def _input(self, form: Form, has: dict[str, str]) -> None:
        kind, name = has.get("type", "text").lower(), has.get("name", "")
        if kind == "submit":
            form.buttons.append(Button(name, has.get("value", ""), has.get("value", "Submit")))
        elif kind in ("checkbox", "radio"):
            if "checked" in has:
                form.fields.append((name, has.get("value", "on")))
        elif name:
            form.fields.append((name, has.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if self._within and tag == self._within[-1]:
            self._within.pop()
        elif tag == "form":
            self._form = None
        elif tag == "button" and self._button is not None:
            self._button.label = " ".join(self._button.label.split())
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._within == ["title"]:
            self._page.title += data
        if self._within:
            return
        self._page.text += f" {data}"
        if self._button is not None:
            self._button.label += data
