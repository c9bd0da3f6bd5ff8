"""What every protected application answers, whatever its framework"""

import http.client
from dataclasses import dataclass

METADATA = "/.well-known/oauth-protected-resource/mcp"
PUBLIC = ("/healthz",)
PATH_SCOPES = {"/mcp/admin": ("issues:write",), "/mcp/admin/all": ("admin",)}
PREFLIGHT = {
    "Origin": "https://app.example.com",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}


@dataclass(frozen=True)
class Case:
    """A request (TOKEN stands for a good token) and the status that it gets."""

    name: str
    status: int
    method: str = "GET"
    path: str = "/mcp"
    headers: tuple[tuple[str, str], ...] = ()


def bearer(*values):
    return tuple(("Authorization", value) for value in values)


def send(port, case, token=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(case.method, case.path.replace("TOKEN", token))
    for name, value in case.headers:
        connection.putheader(name, value.replace("TOKEN", token))
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


TOKEN = bearer("Bearer TOKEN")

CASES = (
    Case("no token", 401),
    Case("good token", 200, headers=TOKEN),
    Case("good token, lower case", 200, headers=(("authorization", "bearer TOKEN"),)),
    Case("two spaces", 200, headers=bearer("Bearer  TOKEN")),
    Case("raw token", 400, headers=bearer("TOKEN")),
    Case("two headers", 400, headers=bearer("Bearer TOKEN", "Bearer TOKEN")),
    Case("another scheme", 401, headers=bearer("Basic YTpi")),
    Case("bad token", 401, headers=bearer("Bearer abc")),
    Case("token in the query", 401, path="/mcp?access_token=TOKEN"),
    Case("token in the query beside the header", 200, path="/mcp?access_token=x", headers=TOKEN),
    Case("POST without token", 401, method="POST"),
    Case("HEAD with a bad token", 401, method="HEAD", headers=bearer("Bearer abc")),
    Case("DELETE without token", 401, method="DELETE"),
    Case("another path", 401, path="/other"),
    Case("root", 401, path="/"),
    Case("other well-known", 401, path="/.well-known/oauth-protected-resource/other"),
    Case("public path", 200, path="/healthz"),
    Case("below a public path", 200, path="/healthz/live"),
    Case("beside a public path", 401, path="/healthzzz"),
    Case("out of a public path", 401, path="/healthz/../mcp"),
    Case("out of a public path, encoded", 401, path="/healthz/%2e%2e/mcp"),
    Case("a public path with an empty segment", 401, path="/healthz//mcp"),
    Case("a path that needs more scope", 403, path="/mcp/admin", headers=TOKEN),
    Case("below it", 403, path="/mcp/admin/users", headers=TOKEN),
    Case("beside it", 200, path="/mcp/administrator", headers=TOKEN),
    Case("around it", 403, path="/mcp//admin", headers=TOKEN),
    Case("around it with dots", 403, path="/mcp/./x/../admin", headers=TOKEN),
    Case("preflight", 200, method="OPTIONS", headers=tuple(PREFLIGHT.items())),
    Case("OPTIONS that is no preflight", 401, method="OPTIONS"),
    Case(
        "preflight with a bad token",
        401,
        method="OPTIONS",
        headers=(*PREFLIGHT.items(), *bearer("Bearer abc")),
    ),
)
