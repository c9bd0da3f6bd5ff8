"""A configuration that is right, to be spoiled in one place"""

import copy
import json
from typing import Any

SECRET = "correct-horse-battery-staple-0123456789"
VARIABLE = "TEST_UPSTREAM_SECRET"
RIGHT: dict[str, Any] = {
    "issuer": "https://auth.example.com",
    "upstream": {
        "type": "oidc",
        "issuer": "https://login.example.com",
        "client_id": "mcp-auth",
        "client_secret": f"env:{VARIABLE}",
    },
    "resources": {
        "issues": {
            "url": "https://issues.example.com/mcp",
            "name": "Issue tracker",
            "scopes": {
                "issues:read": "Read your issues",
                "issues:admin": {"description": "Delete projects", "sensitive": True},
            },
        }
    },
}
ABSENT = object()


def changed(changes):
    """The right configuration with each dotted path set, or removed where it is ABSENT."""
    document = copy.deepcopy(RIGHT)
    for path, value in changes.items():
        *tables, key = path.split("/")
        table: dict[str, Any] = document
        for name in tables:
            table = table.setdefault(name, {})
        if value is ABSENT:
            del table[key]
        else:
            table[key] = value
    return document


def toml(document):
    return "".join(f"{json.dumps(key)} = {_inline(value)}\n" for key, value in document.items())


def _inline(value):
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value)
