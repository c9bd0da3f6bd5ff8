"""A user decides in Chromium: what they see, what they press, and where it leads"""

import pytest

from tests.actors import RESOURCE
from tests.browser.tour import APP

VIEWS: dict[str, dict[str, bool]] = {
    "with scripts": {},
    "without scripts": {"java_script_enabled": False},
}


def code_of(answer, client):
    assert set(answer) == {"code", "state", "iss"}
    assert answer["iss"] == client.deployment.issuer
    tokens = client.redeem(answer["code"])
    assert tokens.status_code == 200
    return tokens.json


@pytest.mark.spec("OAuth 2.1", "4.1.2")
@pytest.mark.parametrize("view", VIEWS)
def test_an_approval_reaches_the_client_that_listens_on_another_origin(
    visit, register, callback, view
):
    client, visitor = register(callback.url), visit(**VIEWS[view])
    visitor.to_consent(client)
    visitor.press("Approve")
    visitor.page.wait_for_url(f"{callback.url}?*")

    code_of(callback.arrived[0], client)
    assert callback.referers == [None]
    assert visitor.strangers(callback.url) == set()


@pytest.mark.parametrize("button", ["Deny", "Cancel"])
def test_a_refusal_reaches_the_client_as_one(visit, register, callback, button):
    client, visitor = register(callback.url), visit()
    if button == "Cancel":
        visitor.open(client.authorize_url())
    else:
        visitor.to_consent(client)
    visitor.press(button)
    visitor.page.wait_for_url(f"{callback.url}?*")

    assert callback.arrived[0]["error"] == "access_denied"
    assert (callback.arrived[0]["state"], len(callback.arrived)) == ("state-1", 1)


@pytest.mark.spec("MCP 2026-07-28", "Security Best Practices")
def test_consent_shows_who_asks_whom_for_what_and_where_it_leads(visit, register):
    client, visitor = register("https://app.client.example/callback", "Acme Chat"), visit()
    visitor.to_consent(client)
    page = visitor.page

    for text in (
        "Acme Chat",  # who asks
        "Not verified",  # and that nobody knows them
        "registered itself",
        "app.client.example",  # where it leads
        "Issue tracker",  # for which MCP server
        RESOURCE,
        "Read your issues",  # to do what, in words
        "Create and close issues",
        "Ada Lovelace",  # as whom
        "ada@example.com",
        "Access lasts 30 days",  # for how long
        "Example Corporation",  # who runs this
    ):
        assert page.get_by_text(text).first.is_visible(), text
    for button in ("Approve", "Deny", "Not you?"):
        assert page.get_by_role("button", name=button).is_visible(), button
    assert page.get_by_role("checkbox").count() == 2


def test_an_unticked_box_narrows_what_is_granted(visit, register, callback):
    client, visitor = register(callback.url), visit()
    visitor.to_consent(client)
    visitor.page.get_by_label("Create and close issues").uncheck()
    visitor.press("Approve")
    visitor.page.wait_for_url(f"{callback.url}?*")

    assert code_of(callback.arrived[0], client)["scope"] == "issues:read"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("button", "member"), [("Approve", "code"), ("Deny", "error")])
def test_an_app_is_reached_by_a_link_that_can_be_seen(visit, register, view, button, member):
    client, visitor = register(APP), visit(**VIEWS[view])
    visitor.to_consent(client)
    with visitor.page.expect_response(lambda r: r.request.method == "POST") as answered:
        visitor.press(button)

    link = visitor.page.get_by_role("link", name="Return to Cursor")
    assert link.is_visible()
    assert answered.value.status == 200
    assert (link.get_attribute("href") or "").startswith(f"{APP}?{member}=")


def test_the_keyboard_alone_signs_in_unticks_and_approves(visit, register, callback):
    client, visitor = register(callback.url), visit()
    visitor.open(client.authorize_url())
    visitor.page.keyboard.press("Tab")
    assert focused(visitor) == "Continue with Example IdP"
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/consent*")

    stops: list[str] = []
    while not stops or stops[-1] != "Approve":
        visitor.page.keyboard.press("Tab")
        stops.append(focused(visitor))
        assert len(stops) < 10, stops
        if stops[-1] == "issues:write":
            visitor.page.keyboard.press("Space")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(f"{callback.url}?*")

    assert stops == ["Not you?", "issues:read", "issues:write", "Deny", "Approve"]
    assert code_of(callback.arrived[0], client)["scope"] == "issues:read"


def focused(visitor):
    """Return the name of what has the focus, which must be drawn around."""
    element = visitor.page.locator(":focus-visible")
    width = element.evaluate("each => getComputedStyle(each).outlineWidth")
    assert int(width.removesuffix("px")) >= 2
    return element.evaluate("each => each.type === 'checkbox' ? each.value : each.innerText")


def test_another_browser_that_has_the_address_gets_nothing(visit, register):
    client, mine, theirs = register(APP), visit(), visit()
    mine.to_consent(client)

    assert theirs.open(mine.page.url).status == 403
    assert "Ada" not in theirs.page.content()


def test_a_double_click_decides_once_and_arrives(visit, register, callback):
    client, visitor = register(callback.url), visit()
    visitor.to_consent(client)
    visitor.page.get_by_role("button", name="Approve").dblclick()
    visitor.page.wait_for_url(f"{callback.url}?*")

    assert len(callback.arrived) == 1
    code_of(callback.arrived[0], client)


def test_going_back_after_the_decision_offers_no_second_one(visit, register, callback):
    client, visitor = register(callback.url), visit()
    visitor.to_consent(client)
    visitor.press("Approve")
    visitor.page.wait_for_url(f"{callback.url}?*")
    visitor.page.go_back()

    if visitor.page.get_by_role("button", name="Approve").count():
        visitor.press("Approve")
    assert visitor.page.get_by_text("was answered already").is_visible()
    assert len(callback.arrived) == 1


def test_no_script_of_any_page_can_read_a_cookie(visit, register):
    client, visitor = register(APP), visit()
    visitor.to_consent(client)
    cookies = visitor.context.cookies()

    assert {each["sameSite"] for each in cookies} == {"Lax"}
    assert all(each["httpOnly"] for each in cookies)
    assert visitor.page.evaluate("document.cookie") == ""
