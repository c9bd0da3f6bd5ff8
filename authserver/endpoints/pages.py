"""Pages for people: one renderer, one policy   (OAuth 2.1 §7.11, RFC 9700 §4.16)."""

import secrets
import traceback
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Response, g, has_app_context
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from markupsafe import Markup

from authserver.assets import asset
from authserver.endpoints import specimens

if TYPE_CHECKING:
    from authserver.app import AuthServer

LONGEST_NAME: Final = 48

_TITLES: Final = {
    "sign_in.html": "Sign in",
    "consent.html": "Allow access",
    "denied.html": "No access",
    "device.html": "Connect a device",
    "device_done.html": "Return to your device",
    "continue.html": "Return to your application",
    "error.html": "Something went wrong",
    "unknown_client.html": "Connect again",
    "message.html": "Notice",
}

_HEADERS: Final = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

# A link with one of these runs or shows what its author wrote, with our page's standing.
_UNFOLLOWABLE: Final = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"}
)


class TemplateBroken(Exception):
    """A template cannot be rendered; the text names the file."""


def render(
    server: "AuthServer", template: str, *, status: int = 200, **context: object
) -> Response:
    """Return a page that runs no script, cannot be framed and is stored nowhere.

    ``context`` holds what the template names; ``page_title`` and ``request_id`` have defaults.
    Raises jinja2.UndefinedError when a value that the template names is missing.
    """
    look, nonce = server.settings.pages, secrets.token_urlsafe(16)
    body = _body(look.templates, template, {"operator": look.operator, "nonce": nonce} | context)
    return _response(body, status, nonce)


def plain(status: int, *lines: str) -> Response:
    """Return a page that needs no template: what is left where the templates fail."""
    paragraphs = Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)
    body = Markup('<!doctype html><html lang="en"><title>{}</title>{}').format(lines[0], paragraphs)
    return _response(body, status, secrets.token_urlsafe(16))


@cache
def check(override: Path | None, *, devices: bool) -> None:
    """Render every page once; raises TemplateBroken where the templates cannot.

    Where `devices` may ask, also where a page on which their users decide does not show from where.
    """
    for template, context in specimens.PAGES.values():
        _specimen(override, template, context)
    for template, context in specimens.FOR_A_DEVICE.items() if devices else ():
        if specimens.ELSEWHERE not in _specimen(override, template, context):
            raise TemplateBroken(
                f"{template}: does not show device.address, by which a user sees that somebody "
                'else asks: write {% if device %}{% include "_device.html" %}{% endif %}'
            )


def check_again(override: Path | None, *, devices: bool) -> None:
    """Read the templates anew and check them."""
    _look.cache_clear()
    check.cache_clear()
    check(override, devices=devices)


def _specimen(override: Path | None, template: str, context: dict[str, Any]) -> str:
    try:
        return _body(override, template, {"operator": "", "nonce": ""} | context)
    except Exception as error:
        raise TemplateBroken(f"{_where(error, template)}: {error}") from error


def _where(error: Exception, template: str) -> str:
    """Return file and line of an error in a template: Jinja writes them into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename or error.name}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [each for each in frames if each.filename.endswith(".html")]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else template


def _body(override: Path | None, template: str, context: dict[str, object]) -> str:
    environment, style = _look(override)
    shared: dict[str, object] = {
        "page_title": _TITLES.get(template, "Authorization server"),
        "request_id": g.get("request_id") if has_app_context() else None,
        "style": style,
    }
    return environment.get_template(template).render(shared | context)


def _response(body: str, status: int, nonce: str) -> Response:
    headers = _HEADERS | {"Content-Security-Policy": content_security_policy(nonce)}
    return Response(body, status, headers, mimetype="text/html")


def content_security_policy(nonce: str) -> str:
    """Return the policy of every page: our one style sheet and nothing else."""
    # No form-action: Chromium applies it to the redirects that follow a form, which end at a
    # client's address that no list can hold.
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def shown(value: object) -> str:
    """Return a stranger's text on one line, without what hides or reorders its neighbours."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", " ".join(str(value or "").split())):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind.startswith("M") else 0
        if not kind.startswith("C") and marks <= 2:
            kept.append(character)
    return "".join(kept)


def name(value: object) -> str:
    """Return an application's own name, short enough not to pass for a sentence of ours."""
    text = shown(value).strip() or "An application without a name"
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def initial(value: object) -> str:
    """Return the first letter or digit of a name, for the tile that stands for it."""
    return next((c.upper() for c in shown(value) if c.isalnum()), "•")


def followable(value: object) -> bool:
    """Tell whether a link may lead there: a path of ours, or a URL that carries no content."""
    url = str(value)
    if any(ord(c) <= 0x20 or c == "\\" for c in url):
        return False
    if url.startswith("/"):
        return not url.startswith("//")
    scheme, colon, rest = url.partition(":")
    return bool(colon and rest) and _is_scheme(scheme) and scheme.lower() not in _UNFOLLOWABLE


def _is_scheme(text: str) -> bool:
    return text.isascii() and text[:1].isalpha() and all(c.isalnum() or c in "+-." for c in text)


@cache
def _look(override: Path | None) -> tuple[Environment, Markup]:
    loader = FileSystemLoader([*([override] if override else []), asset("templates")])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"shown": shown, "name": name, "initial": initial}
    environment.tests["followable"] = followable
    style, _, _ = loader.get_source(environment, "style.css")
    return environment, Markup(style)  # noqa: S704  # a file of ours or of the operator's


def see_other(target: str) -> Response:
    """Return the redirect to `target`: 303, so that a posted form is never posted again."""
    headers = {"Location": target, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status=303, headers=headers)
