"""Every page in every state it can be shown in, to try templates on before anybody needs them."""

from typing import Any

FORM: dict[str, Any] = {"action": "/consent", "pending": "pending-1", "csrf": "csrf-1"}
SCOPES: list[dict[str, Any]] = [
    {"name": "issues:read", "description": "Read your issues", "sensitive": False},
    {"name": "issues:write", "description": "Create and close issues", "sensitive": False},
    {"name": "admin:purge", "description": "", "sensitive": True},
]
RESOURCE: dict[str, Any] = {
    "resource_name": "Issue tracker",
    "resource_url": "https://issues.example.com/mcp",
    "scopes": [scope | {"required": scope["name"] == "issues:read"} for scope in SCOPES],
}
DEVICE: dict[str, Any] = {
    "address": "203.0.113.7",
    "own_address": "198.51.100.20",
    "asked_at": "2026-11-27 15:08 UTC",
    "minutes": 3,
}
CLIENTS: dict[str, dict[str, Any]] = {
    "unverified": {
        "client_name": "Cursor",
        "client_assurance": "unverified",
        "client_host": None,
        "redirect_host": "www.cursor.com",
        "redirect_is_local": False,
    },
    "on this computer": {
        "client_name": "Claude Code",
        "client_assurance": "unverified",
        "client_host": "claude.ai",
        "redirect_host": "an app on this computer (localhost)",
        "redirect_is_local": True,
    },
    "private scheme": {
        "client_name": "Cursor",
        "client_assurance": "unverified",
        "client_host": None,
        "redirect_host": "cursor://",
        "redirect_is_local": True,
    },
    "verified": {
        "client_name": "Claude",
        "client_assurance": "verified",
        "client_host": "claude.ai",
        "redirect_host": "claude.ai",
        "redirect_is_local": False,
    },
    "device": {
        "client_name": "Television",
        "client_assurance": "unverified",
        "client_host": None,
        "redirect_host": "a device at 203.0.113.7",
        "redirect_is_local": True,
        "device": DEVICE,
    },
    "set up by the operator": {
        "client_name": "Build agent",
        "client_assurance": "verified",
        "client_host": None,
        "redirect_host": "agents.example.com",
        "redirect_is_local": False,
    },
}
SIGN_IN: dict[str, Any] = (
    FORM | RESOURCE | {"upstream_name": "Okta", "error": None, "scopes": SCOPES, "device": None}
)
CONSENT: dict[str, Any] = (
    FORM
    | RESOURCE
    | {
        "user_name": "Ana Díaz",
        "user_email": "ana@example.com",
        "user_subject_hint": "Okta 00u1b2",
        "remembered": False,
        "device": None,
        "refresh_lifetime_text": "30 days after it was last used, one year at most",
    }
)
DENIED: dict[str, Any] = {
    **FORM,
    **RESOURCE,
    "scopes": [],
    "device": None,
    "user_name": "Ana Díaz",
    "user_email": "ana@example.com",
    "user_subject_hint": "Okta 00u1b2",
}
CONTINUE: dict[str, Any] = {
    "target": "cursor://anysphere.cursor-mcp/oauth/callback?code=c&state=s",
    "client_name": "Cursor",
    "redirect_host": "cursor://",
    "approved": True,
    "auto": True,
}
ERROR: dict[str, Any] = {
    "heading": "This sign-in has expired",
    "message": "It was open for more than ten minutes.",
    "hints": ["Go back to your application.", "Connect again."],
    "client_link": {"host": "www.cursor.com", "href": "https://www.cursor.com/cb?error=x&state=s"},
    "retry_href": "/authorize?client_id=1",
}
TYPED: dict[str, Any] = {"action": "/device", "csrf": "csrf-1", "error": None}
NOBODY: dict[str, Any] = {"user_name": None, "user_email": None, "user_subject_hint": None}

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"sign in, {key}": ("sign_in.html", SIGN_IN | who) for key, who in CLIENTS.items()},
    **{f"consent, {key}": ("consent.html", CONSENT | who) for key, who in CLIENTS.items()},
    **{
        f"consent again, {key}": ("consent.html", CONSENT | who | {"remembered": True})
        for key, who in CLIENTS.items()
    },
    "sign in after a failure": (
        "sign_in.html",
        SIGN_IN | CLIENTS["unverified"] | {"error": "Okta did not sign you in."},
    ),
    "sign in, no scopes": ("sign_in.html", SIGN_IN | CLIENTS["unverified"] | {"scopes": []}),
    "consent, no scopes": ("consent.html", CONSENT | CLIENTS["verified"] | {"scopes": []}),
    "consent, nothing known of the user": (
        "consent.html",
        CONSENT | CLIENTS["verified"] | NOBODY | {"refresh_lifetime_text": None},
    ),
    **{f"denied, {key}": ("denied.html", DENIED | who) for key, who in CLIENTS.items()},
    "denied, nothing known of the user": ("denied.html", DENIED | CLIENTS["verified"] | NOBODY),
    "continue by itself": ("continue.html", CONTINUE),
    "continue by the button": ("continue.html", CONTINUE | {"auto": False}),
    "continue after a denial": ("continue.html", CONTINUE | {"approved": False, "auto": False}),
    "device code": ("device.html", TYPED),
    "device code, wrong": ("device.html", TYPED | {"error": "This code is not right."}),
    "device approved": ("device_done.html", {"client_name": "Television", "approved": True}),
    "device denied": ("device_done.html", {"client_name": "Television", "approved": False}),
    "error with every way out": ("error.html", ERROR),
    "error without a way out": (
        "error.html",
        ERROR | {"hints": [], "client_link": None, "retry_href": None},
    ),
    "unknown client": ("unknown_client.html", {"registers": True}),
    "unknown client, none registers": ("unknown_client.html", {"registers": False}),
    "message": ("message.html", {"heading": "You are signed out", "message": "Close this page."}),
}

# Where a device asks that is not here, on each page on which its user goes on or not.
ELSEWHERE = "192.0.2.99"
FOR_A_DEVICE: dict[str, dict[str, Any]] = {
    template: context | CLIENTS["device"] | {"device": DEVICE | {"address": ELSEWHERE}}
    for template, context in (("sign_in.html", SIGN_IN), ("consent.html", CONSENT))
}
