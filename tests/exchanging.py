"""A server where three MCP servers and a chat backend exchange tokens, and who asks there."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from werkzeug.test import TestResponse

from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE
from tests.actors import Deployment

NOTES = "https://notes.example/mcp"
WIKI = "https://wiki.example/mcp"
SECRETS = {each: f"{each}:+%/secret-{'0' * 32}" for each in ("issues", "wiki", "notes", "chat")}
EXCHANGES = """
[resources.notes]
url = "https://notes.example/mcp"
name = "Notes"
scopes = {{ "notes:read" = "Read notes", "notes:write" = "Write notes" }}

[resources.issues.client]
client_secrets = ["file:issues-secret"]

[resources.wiki.client]
client_secrets = ["file:wiki-secret"]

[resources.notes.client]
client_secrets = ["file:notes-secret"]

[clients.chat]
client_secrets = ["file:old-secret", "file:chat-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
targets = ["wiki", "issues"]
scopes = ["wiki:read", "issues:read"]
source_clients = ["{source_clients}"]

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = {{ "issues:read" = ["wiki:read"] }}

[exchanges.wiki-notes]
requester = "wiki"
source = "wiki"
target = "notes"
scopes = {{ "wiki:read" = ["notes:read", "notes:write"] }}

[exchanges.notes-issues]
requester = "notes"
source = "notes"
target = "issues"
scopes = {{ "notes:read" = ["issues:read", "issues:write"] }}

[exchanges.chat-wiki]
requester = "chat"
source = "issues"
target = "wiki"
scopes = {{ "issues:read" = ["wiki:read"] }}
{more}
"""


def start(
    folder: Any, database: str, idp: Any, more: str = "", source_clients: str = "*"
) -> Deployment:
    """Start a server with these exchanges, and more TOML."""
    for name, secret in {**SECRETS, "old": "o" * 32}.items():
        (folder / f"{name}-secret").write_text(secret)
    written = EXCHANGES.format(more=more, source_clients=source_clients)
    return Deployment.start(folder, database, idp, more=written)


def basic(client_id: str, secret: str | None = None) -> dict[str, str]:
    """Return the header by which a client proves itself, form-encoded (RFC 6749 §2.3.1)."""
    secret = SECRETS[client_id] if secret is None else secret
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def form(deployment: Deployment, path: str, params: Any, **kwargs: Any) -> TestResponse:
    """Send a form to an endpoint."""
    return deployment.http().post(
        urlsplit(deployment.issuer).path + path,
        data=urlencode(params, doseq=True),
        content_type="application/x-www-form-urlencoded",
        **kwargs,
    )


def exchange(
    deployment: Deployment, requester: str, token: str, secret: str | None = None, **changes: Any
) -> TestResponse:
    """Ask for a token for the audience `wiki`, or what `changes` say; None leaves one out."""
    params = {
        "grant_type": GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "audience": "wiki",
        **changes,
    }
    kept = {name: value for name, value in params.items() if value is not None}
    return form(deployment, "/token", kept, headers=basic(requester, secret))


def exchanged(deployment: Deployment, requester: str, token: str, **changes: Any) -> str:
    """Return the token that was asked for."""
    answer = exchange(deployment, requester, token, **changes)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.json["access_token"])
