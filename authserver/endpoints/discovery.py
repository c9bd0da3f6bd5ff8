"""GET /.well-known/…, /jwks.json: what the server publishes: RFC 8414 §3, RFC 7517, RFC 9728."""

import hashlib
import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from authserver.app import AuthServer
from authserver.message import Endpoint, Request, Response
from authserver.oauth import command_line, metadata, resource
from authserver.oauth.errors import OAuthError
from authserver.settings import features

_METADATA_MAX_AGE = 3600
JWKS_MAX_AGE = 300
_ROOT_NAMES = ("oauth-authorization-server", "openid-configuration")


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoints of every document at every spelling that clients try."""
    documents = {
        path: _fixed(_metadata(server), _METADATA_MAX_AGE) for path in metadata_paths(server.issuer)
    }
    for path, each in _resource_documents(server).items():
        documents[path] = _fixed(each, _METADATA_MAX_AGE)
    if server.settings.publishers.enabled:
        own = command_line.document(server.issuer)
        documents[issuer_path(server.issuer) + command_line.PATH] = _fixed(own, _METADATA_MAX_AGE)
    documents[f"{issuer_path(server.issuer)}/jwks.json"] = jwks
    return [
        Endpoint(path, ("GET", "HEAD"), function, cacheable=True)
        for path, function in documents.items()
    ]


def issuer_path(issuer: str) -> str:
    """Return the path of the issuer, empty where it has none."""
    return urlsplit(issuer).path


def metadata_paths(issuer: str) -> list[str]:
    """Return where the metadata answers: inserted, appended, and at the root."""
    path = issuer_path(issuer)
    spellings = [f"/.well-known/{name}{path}" for name in _ROOT_NAMES]
    if path:
        spellings += [f"{path}/.well-known/{name}" for name in _ROOT_NAMES]
        spellings += [f"/.well-known/{name}" for name in _ROOT_NAMES]
    return spellings


def jwks(server: AuthServer, request: Request) -> Response:
    """Publish the public keys: those that sign, will sign, and have signed what still lives."""
    return _cached(server.keys.jwks(request.now), JWKS_MAX_AGE)(server, request)


def unknown(_server: AuthServer, _request: Request) -> Response:
    """Answer a well-known path that is not served, in JSON as probing clients expect."""
    raise OAuthError("invalid_request", "There is no such document here.", status=404)


def _metadata(server: AuthServer) -> dict[str, object]:
    settings = server.settings
    document = metadata.authorization_server_metadata(
        settings.issuer,
        settings.resources,
        features.of(settings),
        id_token_algs=_id_token_algs(server),
        authorization_endpoint_base_url=settings.authorization_endpoint_base_url,
    )
    # An outside judge looks once, at start: a document that is not valid is never served.
    AuthorizationServerMetadata(document).validate()
    return document


def _id_token_algs(server: AuthServer) -> tuple[str, ...]:
    """Return the algorithm that is configured, and those of keys that sign until it does."""
    published = server.keys.list(server.clock())
    living = (key.alg for key in published if key.state in ("next", "active"))
    return tuple(dict.fromkeys((server.settings.signing_alg, *living)))


def _resource_documents(server: AuthServer) -> dict[str, dict[str, object]]:
    """Return the metadata of each resource: by its key, and where it shares our origin."""
    path = issuer_path(server.issuer)
    origin = server.issuer.removesuffix(path)
    documents: dict[str, dict[str, object]] = {}
    for each in server.settings.resources:
        document = resource.protected_resource_metadata(each, server.issuer)
        documents[f"{path}/.well-known/oauth-protected-resource/{each.key}"] = document
    for each in server.settings.resources:
        url = resource.metadata_url(each.url)
        if url.startswith(f"{origin}/") and "?" not in url:
            document = resource.protected_resource_metadata(each, server.issuer)
            # Both, or the router would answer one with a redirect built from the Host header.
            documents[url.removeprefix(origin)] = document
            documents[url.removeprefix(origin).removesuffix("/")] = document
    return documents


Respond = Callable[[AuthServer, Request], Response]


def _fixed(document: Mapping[str, object], max_age: int) -> Respond:
    """Return an endpoint for a document that is made once."""
    return _cached(document, max_age)


def _cached(document: Mapping[str, object], max_age: int) -> Respond:
    body = json.dumps(document, separators=(",", ":")).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = (("ETag", etag), ("Cache-Control", f"public, max-age={max_age}"))

    def respond(_server: AuthServer, request: Request) -> Response:
        presented = request.header("if-none-match") or ""
        if etag in presented.replace("W/", "").split(", ") or presented == "*":
            return Response(304, headers=headers)
        return Response(200, body, headers)

    return respond
