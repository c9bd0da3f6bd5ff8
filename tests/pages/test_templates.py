"""The pages: what they show, what they never carry, and what accompanies them."""

import re
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from authserver.assets import asset
from authserver.endpoints import pages
from authserver.endpoints.specimens import (
    CLIENTS,
    CONSENT,
    CONTINUE,
    DENIED,
    ERROR,
    PAGES,
    SIGN_IN,
)
from tests.pages.page import Page

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></textarea>{{ 7*7 }}"


def a_server(operator="Northwind", templates=None):
    look = SimpleNamespace(templates=templates, operator=operator)
    return SimpleNamespace(settings=SimpleNamespace(pages=look))


def response(template, context, **server):
    return pages.render(a_server(**server), template, request_id="req-1", **context)


def page(template, context, **server):
    return Page(response(template, context, **server).get_data(as_text=True))


def hostile(value):
    match value:
        case str():
            return HOSTILE
        case list():
            return [hostile(item) for item in value]
        case dict():
            return {key: hostile(item) for key, item in value.items()}
    return value


every_page = pytest.mark.parametrize(("template", "context"), PAGES.values(), ids=PAGES.keys())
every_consent = pytest.mark.parametrize("remembered", [False, True])


# --- every page ------------------------------------------------------------------------------


@every_page
@pytest.mark.spec("OAuth 2.1", "7.11")
def test_no_page_can_be_framed_or_stored_or_run_a_script(template, context):
    answer = response(template, context)
    policy = answer.headers["Content-Security-Policy"]
    nonce = Page(answer.get_data(as_text=True)).all("style")[0].attributes["nonce"]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    # A client that signs in through a popup needs its opener: no opener policy.
    assert "Cross-Origin-Opener-Policy" not in answer.headers
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_each_response_has_a_nonce_of_its_own():
    policies = {
        response("message.html", PAGES["message"][1]).headers["Content-Security-Policy"]
        for _ in range(20)
    }
    assert len(policies) == 20


def test_the_status_is_the_caller_s():
    context = PAGES["error without a way out"][1]
    assert pages.render(a_server(), "error.html", status=400, **context).status_code == 400
    assert response("error.html", context).status_code == 200


@every_page
def test_a_page_needs_nothing_but_itself(template, context):
    shown = page(template, context)
    assert not shown.all("script")
    assert [e.attributes["href"] for e in shown.all("link")] == ["data:,"]
    for element in shown.elements:
        names = set(element.attributes)
        assert not names & {"style", "src", "srcset", "background", "poster"}
        assert not [name for name in names if name.startswith("on")]
    [style] = shown.all("style")
    assert not re.search(r"url\(|@import|<", style.text)


@every_page
def test_a_page_is_readable_by_a_screen_reader_and_on_a_phone(template, context):
    shown = page(template, context)
    assert [e.attributes["lang"] for e in shown.all("html")] == ["en"]
    assert shown.all("meta", name="viewport", content="width=device-width, initial-scale=1")
    assert [len(shown.all(tag)) for tag in ("title", "h1", "main", "header")] == [1, 1, 1, 1]
    assert all(e.attributes["aria-hidden"] == "true" for e in shown.all("svg"))
    ids = [e.attributes["id"] for e in shown.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in shown.elements:
        assert element.attributes.get("aria-labelledby") in {None, *ids}


@every_page
def test_hostile_values_come_out_as_text(template, context):
    answer = pages.render(
        a_server(operator=HOSTILE),
        template,
        **hostile(context) | {"request_id": HOSTILE, "page_title": HOSTILE},
    )
    shown = Page(answer.get_data(as_text=True))
    assert "alert(1)" in shown.text
    assert not shown.all("script")
    assert not shown.all("img")
    assert not [e for e in shown.elements if any(a.startswith("on") for a in e.attributes)]
    assert "49" not in shown.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a/b",
        "//evil.example",
        "/\\evil.example",
        "https:",
        "evil",
        "",
    ],
)
def test_a_page_never_links_to_what_runs_or_to_a_stranger_without_a_scheme(url):
    for template, context in [
        ("continue.html", CONTINUE | {"target": url}),
        ("error.html", ERROR | {"client_link": {"host": "h", "href": url}, "retry_href": url}),
    ]:
        shown = page(template, context)
        assert not shown.all("a")
        assert not shown.all("meta", **{"http-equiv": "refresh"})


def test_a_value_that_the_page_names_may_not_be_forgotten():
    with pytest.raises(UndefinedError):
        response("message.html", {"heading": "Only this"})


def test_a_page_without_an_operator_s_name_still_has_a_sender():
    shown = page("consent.html", CONSENT | CLIENTS["unverified"], operator=None)
    assert "this service has not checked who runs it" in shown.text
    assert "None" not in shown.text


def test_an_operator_s_template_and_sheet_win_and_the_rest_is_ours(tmp_path):
    (tmp_path / "message.html").write_text(
        '{% extends "layout.html" %}{% block main %}<h1>Ours: {{ heading }}</h1>{% endblock %}'
    )
    (tmp_path / "style.css").write_text("body { color: teal; }")
    overridden = page("message.html", PAGES["message"][1], templates=tmp_path)
    assert "Ours: You are signed out" in overridden.text
    assert overridden.all("style")[0].text.strip() == "body { color: teal; }"
    ours = page("error.html", ERROR, templates=tmp_path)
    assert "This sign-in has expired" in ours.text


# --- who asks --------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["sign_in.html", "consent.html"])
@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("unverified", "Not verified It gave this name itself."),
        ("on this computer", "Not verified Says it is the application of claude.ai ."),
        ("private scheme", "Not verified Apps on a device cannot be checked."),
        ("verified", "Verified Published by claude.ai"),
        ("set up by the operator", "Verified Set up by Northwind"),
    ],
)
def test_a_page_says_what_is_known_of_the_application(template, client, words):
    context = (SIGN_IN if template == "sign_in.html" else CONSENT) | CLIENTS[client]
    shown = page(template, context)
    assert words in shown.text
    assert context["client_name"] in shown.text
    assert "Issue tracker" in shown.text
    assert "https://issues.example.com/mcp" in shown.text


def test_a_name_cannot_reorder_hide_or_outgrow_what_stands_beside_it():
    name = "\u202eCursor\u200b \n— verified by Northwind. " + "Press Approve now. " * 9
    shown = page("consent.html", CONSENT | CLIENTS["unverified"] | {"client_name": name})
    assert "Cursor — verified by" in shown.text
    assert "\u202e" not in shown.text
    assert "\u200b" not in shown.text
    assert "Approve now. Press" not in shown.text
    assert len(pages.name("x" * 500)) == pages.LONGEST_NAME
    assert pages.shown("a" + "\u0336" * 40) == "a" + "\u0336" * 2


@pytest.mark.parametrize("nameless", ["", None, "\u200b", " \n"])
def test_an_application_without_a_name_is_called_so(nameless):
    shown = page("sign_in.html", SIGN_IN | CLIENTS["unverified"] | {"client_name": nameless})
    assert "An application without a name wants to use Issue tracker" in shown.text


def test_a_long_host_is_never_cut_because_its_end_says_whose_it_is():
    host = "accounts.bank.example." + "a" * 180 + ".evil.example"
    for template, context in [("sign_in.html", SIGN_IN), ("consent.html", CONSENT)]:
        shown = page(template, context | CLIENTS["unverified"] | {"redirect_host": host})
        assert host in shown.text


# --- sign in ---------------------------------------------------------------------------------


def test_the_sign_in_page_says_who_asks_for_what_and_what_comes_next():
    shown = page("sign_in.html", SIGN_IN | CLIENTS["unverified"])
    assert "Cursor wants to use Issue tracker" in shown.text
    assert "Sign in with Okta first. You then decide what it may do." in shown.text
    assert "Sends you back to www.cursor.com" in shown.text
    assert "Read your issues" in shown.text
    assert "admin:purge Sensitive" in shown.text
    assert not shown.all("input", type="checkbox")


def test_the_sign_in_page_posts_its_flow_and_its_token():
    shown = page("sign_in.html", SIGN_IN | CLIENTS["unverified"])
    assert shown.all("form", method="post", action="/consent")
    assert shown.all("input", type="hidden", name="pending", value="pending-1")
    assert shown.all("input", type="hidden", name="csrf_token", value="csrf-1")
    assert [e.attributes["value"] for e in shown.all("button", name="decision")] == [
        "continue",
        "cancel",
    ]
    assert "Continue with Okta" in shown.text


def test_a_failed_sign_in_is_told_as_an_alert():
    template, context = PAGES["sign in after a failure"]
    shown = page(template, context)
    assert shown.all("div", role="alert")
    assert "Okta did not sign you in." in shown.text
    assert not page(template, context | {"error": None}).all("div", role="alert")


# --- consent ---------------------------------------------------------------------------------


@every_consent
def test_every_checkbox_has_a_label_and_required_scopes_have_none(remembered):
    context = CONSENT | CLIENTS["unverified"] | {"remembered": remembered}
    shown = page("consent.html", context)
    boxes = shown.all("input", type="checkbox", name="scope")
    assert [box.attributes["value"] for box in boxes] == ["issues:write", "admin:purge"]
    assert all("checked" in box.attributes for box in boxes)
    labels = [label.attributes["for"] for label in shown.all("label")]
    assert labels == [box.attributes["id"] for box in boxes]
    assert shown.all("input", type="hidden", name="scope", value="issues:read")
    assert "always included" in shown.text
    assert {e.form for e in shown.all("input", name="scope")} == {2}


@every_consent
def test_consent_posts_its_flow_and_its_token_with_each_form(remembered):
    context = CONSENT | CLIENTS["unverified"] | {"remembered": remembered}
    shown = page("consent.html", context)
    assert len(shown.all("form", method="post", action="/consent")) == shown.forms == 2
    assert len(shown.all("input", type="hidden", name="pending", value="pending-1")) == 2
    assert len(shown.all("input", type="hidden", name="csrf_token", value="csrf-1")) == 2


def test_the_enter_key_never_approves():
    buttons = page("consent.html", CONSENT | CLIENTS["verified"]).all("button", name="decision")
    assert [(b.form, b.attributes["value"]) for b in buttons] == [
        (1, "switch"),
        (2, "deny"),
        (2, "approve"),
    ]


def test_consent_names_the_signed_in_user():
    shown = page("consent.html", CONSENT | CLIENTS["verified"])
    assert "Signed in as Ana Díaz ana@example.com Okta 00u1b2 Not you?" in shown.text
    unnamed = page("consent.html", CONSENT | CLIENTS["verified"] | {"user_name": None})
    assert "Signed in as ana@example.com Okta 00u1b2 Not you?" in unnamed.text


def test_consent_warns_of_a_web_application_that_registered_itself():
    shown = page("consent.html", CONSENT | CLIENTS["unverified"])
    assert (
        "This application registered itself; Northwind has not checked who runs it. "
        "You will be sent to www.cursor.com . Only continue if you started this from there."
    ) in shown.text


@pytest.mark.parametrize(
    ("client", "place"),
    [
        ("on this computer", "You will be sent to an app on this computer (localhost) ."),
        ("private scheme", "the app on this device that opens cursor:// links."),
    ],
)
def test_consent_warns_that_any_local_application_can_use_the_name(client, place):
    shown = page("consent.html", CONSENT | CLIENTS[client])
    assert place in shown.text
    assert "Any app on this device can use the name" in shown.text
    assert "Only continue if you have just started this yourself" in shown.text


def test_consent_does_not_warn_of_a_verified_application_but_names_the_destination():
    shown = page("consent.html", CONSENT | CLIENTS["verified"])
    assert "You will be sent to claude.ai ." in shown.text
    assert "Only continue" not in shown.text


def test_consent_says_how_long_access_lasts():
    shown = page("consent.html", CONSENT | CLIENTS["verified"])
    assert "Access lasts 30 days after it was last used, one year at most." in shown.text
    short = page("consent.html", CONSENT | CLIENTS["verified"] | {"refresh_lifetime_text": None})
    assert "cannot renew it without asking you" in short.text


def test_a_remembered_consent_says_so_and_still_warns_and_asks():
    shown = page("consent.html", CONSENT | CLIENTS["private scheme"] | {"remembered": True})
    assert "You have allowed this before" in shown.text
    assert "3 permissions, as before" in shown.text
    assert "Any app on this device" in shown.text
    assert shown.all("button", name="decision", value="approve")
    first = page("consent.html", CONSENT | CLIENTS["private scheme"])
    assert "before" not in first.text


# --- denied ----------------------------------------------------------------------------------


def test_whom_the_policy_denies_is_told_who_they_are_what_is_closed_and_whom_to_ask():
    shown = page("denied.html", DENIED | CLIENTS["unverified"])
    assert "You have no access to Issue tracker" in shown.text
    assert (
        "The account ana@example.com may not use Issue tracker for what Cursor asks." in shown.text
    )
    assert "Ask Northwind to give your account access" in shown.text
    nameless = page("denied.html", DENIED | CLIENTS["verified"] | {"user_email": None}, operator="")
    assert "This account may not use" in nameless.text
    assert "Ask the people who run this service to" in nameless.text


def test_a_denied_user_may_change_the_account_or_go_back_and_approve_nothing():
    shown = page("denied.html", DENIED | CLIENTS["unverified"])
    decisions = [b.attributes["value"] for b in shown.all("button", name="decision")]
    assert decisions == ["switch", "deny"]
    assert len(shown.all("form", method="post", action="/consent")) == shown.forms == 2
    assert len(shown.all("input", type="hidden", name="csrf_token", value="csrf-1")) == 2
    assert not shown.all("input", name="scope")
    assert "You will be sent to www.cursor.com" in shown.text


# --- the others ------------------------------------------------------------------------------


def test_the_continue_page_links_to_the_application_and_moves_on_only_when_told():
    target = CONTINUE["target"]
    moving = page("continue.html", CONTINUE)
    refresh = moving.all("meta", **{"http-equiv": "refresh"})
    assert [e.attributes["content"] for e in refresh] == [f"0;url={target}"]
    assert [e.attributes["href"] for e in moving.all("a")] == [target]
    assert "Return to Cursor" in moving.text
    assert "cursor://" in moving.text
    still = page("continue.html", CONTINUE | {"auto": False})
    assert not still.all("meta", **{"http-equiv": "refresh"})
    assert [e.attributes["href"] for e in still.all("a")] == [target]


def test_the_continue_page_says_what_was_decided():
    assert "Access approved" in page("continue.html", CONTINUE).text
    denied = page("continue.html", CONTINUE | {"approved": False})
    assert "Access was not given" in denied.text
    assert "approved" not in denied.text


def test_an_error_page_shows_steps_ways_out_and_the_request_id():
    shown = page("error.html", ERROR)
    assert "What you can do Go back to your application. Connect again." in shown.text
    assert [e.attributes["href"] for e in shown.all("a")] == [
        "/authorize?client_id=1",
        "https://www.cursor.com/cb?error=x&state=s",
    ]
    assert "Go back to www.cursor.com" in shown.text
    assert "Quote this when asking for help: req-1" in shown.text


def test_an_error_page_without_a_way_out_offers_none():
    shown = page(*PAGES["error without a way out"])
    assert not shown.all("a")
    assert "What you can do" not in shown.text


def test_a_page_without_a_request_id_mentions_none():
    for template, context in PAGES.values():
        html = pages.render(a_server(), template, **context).get_data(as_text=True)
        assert "Reference" not in html
        assert "Quote this" not in html


def test_an_unknown_client_s_user_is_told_the_way_back_in_their_own_application():
    shown = page("unknown_client.html", {"registers": True})
    summaries = ["Cursor", "VS Code", "Claude (web", "Claude Code", "ChatGPT", "Another"]
    assert all(words in shown.text for words in summaries)
    assert len(shown.all("summary")) == len(shown.all("ol")) == len(summaries)
    assert "claude mcp remove" in shown.text
    assert "Authentication: Remove Dynamic Authentication Providers" in shown.text


# --- colours ---------------------------------------------------------------------------------


def palettes():
    sheet = (asset("templates") / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in blocks)
    return {"light": light, "dark": dark}


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "backs", "ratio"),
    [
        ("ink", ["card", "page", "inset"], 4.5),
        ("soft", ["card", "page", "inset"], 4.5),
        ("accent", ["card", "tint"], 4.5),
        ("accent-strong", ["card", "tint"], 4.5),
        ("on-accent", ["accent", "accent-strong"], 4.5),
        ("good", ["card", "good-back"], 4.5),
        ("warn", ["warn-back"], 4.5),
        ("bad", ["bad-back"], 4.5),
        ("edge", ["card"], 3),
    ],
)
@pytest.mark.spec("WCAG 2.2", "1.4.3")
def test_text_and_edges_stand_out_in_light_and_in_dark(scheme, front, backs, ratio):
    colours = palettes()[scheme]
    for back in backs:
        assert contrast(colours[front], colours[back]) >= ratio, back


# --- devices -----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "5.4")
@pytest.mark.parametrize("template", ["sign_in.html", "consent.html", "denied.html"])
def test_a_page_for_a_device_says_where_it_asks_from_and_warns(template):
    context = {"sign_in.html": SIGN_IN, "consent.html": CONSENT, "denied.html": DENIED}[template]
    shown = page(template, context | CLIENTS["device"])
    assert "at the address 203.0.113.7 (you are at 198.51.100.20 ), 3 minutes ago" in shown.text
    assert "(2026-11-27 15:08 UTC)" in shown.text
    assert "Only continue if you started this yourself on a device in front of you." in shown.text
    assert "Nobody should have sent you this code" in shown.text
    assert "You will be sent to" not in shown.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"own_address": None, "minutes": 0}, "203.0.113.7 , less than a minute ago"),
        ({"minutes": 1}, "1 minute ago"),
    ],
)
def test_the_place_and_the_time_of_a_device_read_well(changes, words):
    device = CLIENTS["device"]["device"] | changes
    shown = page("consent.html", CONSENT | CLIENTS["device"] | {"device": device})
    assert words in shown.text


def test_the_code_is_typed_and_nothing_fills_it_in():
    shown = page(*PAGES["device code"])
    [field] = shown.all("input", name="user_code")
    assert "value" not in field.attributes
    assert field.attributes["autocomplete"] == "off"
    assert shown.all("label", **{"for": "user-code"})
    assert "If somebody sent you a code or a link to this page, close it." in shown.text


@pytest.mark.parametrize(
    ("name", "words"), [("approved", "Return to your device"), ("denied", "Nothing was shared")]
)
def test_the_last_page_sends_the_user_back_to_the_device(name, words):
    shown = page(*PAGES[f"device {name}"])
    assert words in shown.text
    assert not shown.all("a")
    assert not shown.all("meta", **{"http-equiv": "refresh"})
