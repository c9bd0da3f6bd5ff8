import ast
import re
from pathlib import Path
from typing import get_args

import pytest

import authserver
from authserver.oauth.errors import Code, OAuthError

PACKAGE = Path(authserver.__file__).parent
SAFE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+\Z")


@pytest.mark.parametrize("code", get_args(Code))
def test_the_status_follows_from_the_code(code):
    statuses = {
        "invalid_client": 401, "invalid_token": 401, "insufficient_scope": 403,
        "server_error": 500, "temporarily_unavailable": 503,
    }  # fmt: skip
    assert OAuthError(code, "A sentence.").status == statuses.get(code, 400)
    assert OAuthError(code, "A sentence.", status=429).status == 429


def test_the_detail_never_travels():
    error = OAuthError("invalid_grant", "A sentence.", detail="canary", headers=(("A", "b"),))
    assert error.members() == {"error": "invalid_grant", "error_description": "A sentence."}
    assert "canary" not in str(error) + repr(error)
    assert (error.detail, error.headers) == ("canary", (("A", "b"),))


def _descriptions():
    """The second argument of every OAuthError in the package, with its place."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("OAuthError"):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.args[1]


def _fixed_parts(description):
    return [
        part.value
        for part in ast.walk(description)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


@pytest.mark.spec("OAuth 2.1", "3.2.4")
def test_every_description_is_made_of_characters_that_are_safe_everywhere():
    found = list(_descriptions())
    assert len(found) > 30
    broken = [
        (place, part)
        for place, description in found
        for part in _fixed_parts(description)
        if not SAFE.match(part)
    ]
    assert broken == []
