"""A client's ways to prove itself, right and wrong, at the token endpoint"""

from base64 import b64encode
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.actors import VERIFIER, McpClient


def basic(user: str, password: str) -> str:
    """Return an Authorization header, with both as they are."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def registered(deployment, method):
    """Return a client that registered for this authentication method."""
    return McpClient(deployment, metadata={"token_endpoint_auth_method": method}).register()


def send(client: McpClient, header: str | None, **params: str) -> TestResponse:
    """Send a token request with this Authorization header, and a code that is none.

    Whoever is authenticated is told `invalid_grant`.
    """
    body = {"grant_type": "authorization_code", "code": "x", "code_verifier": VERIFIER, **params}
    return client.deployment.http().post(
        "/token",
        data=urlencode(body),
        content_type="application/x-www-form-urlencoded",
        headers={} if header is None else {"Authorization": header},
    )


def outcome(answer: TestResponse) -> tuple[int, str]:
    """Return status and error."""
    return answer.status_code, answer.json["error"] if answer.json else ""
