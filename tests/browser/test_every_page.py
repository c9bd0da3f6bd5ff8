"""Each page, as each kind of user sees it: wide, on a phone, in the dark, without scripts"""

from typing import Any

import pytest

from tests.browser.tour import PAGES, tour
from tests.interop.node import installed

KINDS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone in the dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
    "without scripts": {"java_script_enabled": False},
}
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
BACKGROUND = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_fits_asks_nobody_else_and_complains_of_nothing(visit, register, kind):
    visitor = visit(**KINDS[kind])
    seen = []
    for name in tour(visitor, register):
        seen.append(name)
        page = visitor.page
        assert page.locator("h1").count() == 1, name
        assert page.locator("h1").is_visible(), name
        assert not page.evaluate(SIDEWAYS), f"{name} scrolls sideways"
        assert "font-family" not in (page.locator("body").text_content() or ""), name
        assert page.locator("script").count() == 0, name

    assert len(set(seen)) == PAGES
    assert visitor.strangers() == set()


def test_the_dark_is_dark_and_the_light_is_light(visit, register):
    for scheme, is_dark in (("dark", True), ("light", False)):
        visitor = visit(color_scheme=scheme)
        next(tour(visitor, register))
        assert (sum(visitor.page.evaluate(BACKGROUND)[:3]) < 3 * 64) is is_dark


def test_after_a_wrong_code_the_field_has_the_focus(visit, site):
    visitor = visit()
    visitor.open(f"{site.issuer}/device")
    visitor.type_code("BBBB BBBB")
    assert visitor.page.title().startswith("Error: ")
    assert visitor.page.evaluate("document.activeElement.id") == "user-code"


@pytest.fixture(scope="module")
def axe(request):
    """Return axe-core, which judges accessibility; skipped where npm does not have it."""
    folder = installed(request.config.cache.mkdir("interop"))
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.spec("WCAG 2.2", "AA")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_on_any_page(visit, register, axe, scheme):
    visitor = visit(color_scheme=scheme, viewport={"width": 400, "height": 800})
    for name in tour(visitor, register):
        visitor.page.evaluate(axe)
        found = visitor.page.evaluate(
            "tags => axe.run({runOnly: tags, resultTypes: ['violations']})", AXE_TAGS
        )
        problems = [
            (each["id"], node["html"], node["failureSummary"])
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert problems == [], name
        assert found["passes"], name


def test_a_page_cannot_be_framed(chromium, register, callback):
    """Chromium itself refuses, by frame-ancestors; so no click on it can be stolen."""
    page = chromium.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(callback.url)
    page.evaluate(
        "src => document.body.append(Object.assign(document.createElement('iframe'), {src}))",
        register(callback.url).authorize_url(),
    )
    page.wait_for_event("console", predicate=lambda each: "frame" in each.text, timeout=5000)

    assert any("frame-ancestors" in text or "X-Frame-Options" in text for text in refused)
    assert [frame.url for frame in page.frames[1:]] != []
    assert "Cursor" not in str([frame.content() for frame in page.frames[1:]])
    page.context.close()
