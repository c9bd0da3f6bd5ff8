"""From the URL of an MCP server, or of an issuer, to both: RFC 9728 §3, §5.1, RFC 8414 §3"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from authserver.login.errors import LoginFailed
from authserver.login.http import Http
from authserver.oauth import resource

_METADATA = re.compile(r'resource_metadata="([^"]{1,2048})"')
_NAMES = ("oauth-authorization-server", "openid-configuration")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
INITIALIZE: Mapping[str, object] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "authserver command line", "version": "1"},
    },
}
MCP_HEADERS = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True, slots=True)
class Found:
    """Where to log in and for what; `mcp_url` is the MCP server where its URL was the start."""

    issuer: str
    metadata: Mapping[str, object]
    resource: str
    mcp_url: str | None = None

    def endpoint(self, member: str) -> str:
        """Return a URL of the server's metadata; raises LoginFailed where there is none to use."""
        value = self.metadata.get(member)
        if not isinstance(value, str) or not is_url(value):
            raise LoginFailed(f"The metadata of {self.issuer} has no {member} that can be used.")
        return value


def is_url(url: str) -> bool:
    """Say whether a token may go there: https, or http on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not url.isprintable():
        return False
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_secure and bool(parts.hostname)


def find(http: Http, url: str, wanted: str | None) -> Found:
    """Return what a client finds from a URL; `wanted` is the resource where there are several.

    Raises LoginFailed.
    """
    for metadata in _documents(http, url):
        if metadata.get("issuer") == url:
            return Found(url, metadata, wanted or _only_resource(url, metadata))
    protected = _protected(http, url)
    if protected.get("resource") != url:
        raise LoginFailed(
            f"The MCP server says that it is {protected.get('resource')}, not {url}.\n"
            "Clients compare the two to the letter: use that URL, or correct the server's."
        )
    if wanted not in (None, url):
        raise LoginFailed("--resource goes with the URL of an issuer: this is an MCP server.")
    named = protected.get("authorization_servers")
    if not (isinstance(named, list) and named and isinstance(named[0], str) and is_url(named[0])):
        raise LoginFailed(f"The metadata of {url} names no usable authorization server.")
    return Found(named[0], _metadata(http, named[0]), url, mcp_url=url)


def _metadata(http: Http, issuer: str) -> Mapping[str, object]:
    said = None
    for metadata in _documents(http, issuer):
        said = metadata.get("issuer")
        if said == issuer:
            return metadata
    if said is not None:
        raise LoginFailed(
            f"The MCP server names the issuer {issuer}, which says that it is {said}.\n"
            "Clients compare the two to the letter: a slash at the end is enough to fail."
        )
    raise LoginFailed(f"{issuer} publishes no metadata (/.well-known/{_NAMES[0]}).")


def _documents(http: Http, issuer: str) -> Iterator[Mapping[str, object]]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix("/")
    spellings = [f"{origin}/.well-known/{name}{path}" for name in _NAMES]
    spellings.append(f"{origin}{path}/.well-known/{_NAMES[1]}")
    for url in dict.fromkeys(spellings):
        answer = http.get(url)
        if answer.status == 200 and answer.document:
            yield answer.document


def _only_resource(issuer: str, metadata: Mapping[str, object]) -> str:
    listed = metadata.get("protected_resources")
    urls = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    if len(urls) == 1:
        return urls[0]
    names = "".join(f"\n  {each}" for each in urls)
    raise LoginFailed(f"{issuer} has several MCP servers: name one with --resource.{names}")


def _protected(http: Http, url: str) -> Mapping[str, object]:
    """Return the metadata of an MCP server: where its 401 says, else at the usual place."""
    refused = http.post_json(url, INITIALIZE, MCP_HEADERS)
    named = _METADATA.search(refused.headers.get("WWW-Authenticate", ""))
    places = [named[1]] if refused.status == 401 and named and is_url(named[1]) else []
    for place in (*places, resource.metadata_url(url)):
        answer = http.get(place)
        if answer.status == 200 and answer.document:
            return answer.document
    raise LoginFailed(
        f"{url} is no issuer, and no MCP server that says who protects it: it answers "
        f"{refused.status} to a request without a token, and there is nothing at "
        f"{resource.metadata_url(url)}."
    )
