"""An origin on loopback for one process, with the demo's identity provider beside it"""

import asyncio
import io
import json
import re
import shlex
import socket
import subprocess
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

from authserver.demo.browser import Browser, Page
from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.loopback import listen, url, wsgi_server
from authserver.demo.place import CLIENT_ID, Place
from authserver.demo.story import Story
from authserver.demo.walk import walk

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
SECRET = "secret-of-the-demo"
REDIRECT_URI = "http://127.0.0.1:17998/callback"  # nobody listens: the browser hands it over


@dataclass(frozen=True)
class Origin:
    """Where everything of one process is."""

    sock: socket.socket
    place: Place

    def walk(self):
        """Walk the whole story with the official client; return how it was told."""
        told = io.StringIO()
        assert walk(self.place.mcp_url, Story(told)), told.getvalue()
        return told.getvalue()

    def post(self):
        """Post to the MCP server with the official client's authorization alone."""
        return asyncio.run(_post(self.place.mcp_url))[0].json()

    def access_token(self):
        """Connect, and return the access token."""
        return asyncio.run(_post(self.place.mcp_url))[1]

    def get(self, path):
        """Return what a path says; raises httpx2.HTTPStatusError for a refusal."""
        return (
            httpx2.get(url(self.sock) + path, timeout=10, trust_env=False)
            .raise_for_status()
            .content
        )

    def check_documents(self):
        """Ask for the metadata of server and resource at each place where clients look."""
        path = self.place.issuer.removeprefix(url(self.sock))
        name = "/.well-known/oauth-authorization-server"
        for each in (name + path, path + name, name, f"/.well-known/openid-configuration{path}"):
            assert json.loads(self.get(each))["issuer"] == self.place.issuer, each
        resource = json.loads(self.get("/.well-known/oauth-protected-resource/mcp"))
        assert resource["resource"] == self.place.mcp_url
        assert resource["authorization_servers"] == [self.place.issuer]


@contextmanager
def origin(folder, issuer_path="/auth"):
    """Give a listening socket and the configuration of what is to answer there."""
    with ExitStack() as ends:
        ours, idp = (ends.enter_context(closing(listen(0))) for _ in range(2))
        place = Place(folder, url(ours) + issuer_path, url(idp), f"{url(ours)}/mcp")
        place.furnish(SECRET)
        client = RelyingParty(CLIENT_ID, SECRET, (f"{place.issuer}/callback",))
        ends.enter_context(wsgi_server(create_idp(place.upstream, client), idp))
        yield Origin(ours, place)


@contextmanager
def example(name, python, folder):
    """Run an example of the guide as it stands there, at another address."""
    with origin(folder) as found:
        moved = GUIDE.replace("https://issues.example.com", url(found.sock))
        moved = moved.replace("https://login.example.com", found.place.upstream)
        moved = moved.replace('"mcp-auth"', f'"{CLIENT_ID}"')
        blocks = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", moved, re.DOTALL)
        written = dict(blocks)
        for file in ("authserver.toml", name):
            (folder / file).write_text(written[file])
        command = written[name].rstrip().rpartition("\n")[2].removeprefix("# ")
        descriptor = found.sock.fileno()
        command = command.replace("--port 8000", f"--fd {descriptor}")
        command = command.replace("127.0.0.1:8000", f"fd://{descriptor}")
        assert str(descriptor) in command
        with _running([python, "-m", *shlex.split(command)], folder, descriptor):
            yield found


@contextmanager
def _running(command, folder, descriptor):
    environment = {"PYTHONPATH": str(ROOT), "UPSTREAM_CLIENT_SECRET": SECRET, "NO_PROXY": "*"}
    said = folder / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, pass_fds=[descriptor], stdout=out, stderr=out
        )
    try:
        yield
    except BaseException as error:
        error.add_note(said.read_text(errors="replace")[-4000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Nothing:
    """A client's storage, empty and forgetful."""

    async def get_tokens(self):
        return None

    async def set_tokens(self, tokens):
        """Keep nothing."""

    get_client_info = get_tokens
    set_client_info = set_tokens


async def _post(mcp_url):
    """Post once; the official client's authorization does all that this needs."""
    answer: dict[str, str] = {}

    async def approve(authorization_url):
        async with Browser(REDIRECT_URI) as browser:
            page = await browser.open(authorization_url)
            for button in ("continue", "Ada", "approve"):
                assert isinstance(page, Page)
                page = await browser.press(page, button)
        answer.update(parse_qsl(urlsplit(str(page)).query))

    async def answered():
        return AuthorizationCodeResult(**{name: answer[name] for name in ("code", "state", "iss")})

    wanted = {"client_name": "Test client", "redirect_uris": [REDIRECT_URI]}
    provider = OAuthClientProvider(
        mcp_url,
        OAuthClientMetadata.model_validate(wanted),
        _Nothing(),
        redirect_handler=approve,
        callback_handler=answered,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=20) as http:
        response = await http.post(mcp_url, json={})
    tokens = provider.context.current_tokens
    assert tokens is not None
    return response, tokens.access_token
