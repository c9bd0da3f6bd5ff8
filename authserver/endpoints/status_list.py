"""GET /status-list: what was revoked, for verifiers that work offline: Token Status List §8.

Made anew at most every half minute in each process, from one query.
"""

import hashlib

from authserver.app import AuthServer
from authserver.message import Endpoint, Request, Response
from authserver.oauth import anchor, epoch, status_list
from authserver.oauth.anchor import Anchor
from authserver.oauth.grant import Grant
from authserver.oauth.resource import Resource

PATH = "/status-list"
_RENEWED = 86400  # seconds between two notes that a root without a grant still has tokens
_MAX_AGE = 5  # of caches in between: the verifiers' own `ttl` is what counts


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where a resource has its tokens on the list."""
    if not server.settings.has_status_list:
        return []
    return [Endpoint(PATH, ("GET", "HEAD"), publish, cacheable=True)]


def publish(server: AuthServer, request: Request) -> Response:
    """Return the signed list; its ETag tells the content, which seldom changes."""
    token, etag = server.status_lists.get("", request.now, lambda: _make(server, request.now))
    headers = (("ETag", etag), ("Cache-Control", f"public, max-age={_MAX_AGE}"))
    if etag in (request.header("if-none-match") or "").replace("W/", "").split(", "):
        return Response(304, headers=headers)
    return Response(200, token.encode(), headers, status_list.MEDIA_TYPE)


def of_grant(
    server: AuthServer, resource: Resource, grant: Grant, now: int
) -> dict[str, object] | None:
    """Return the claim `status` of a token of a grant, None where it is on no list."""
    if not resource.status_list:
        return None
    index = grant.status_index
    if index is None:  # the grant is older than the list
        with server.store.write() as tx:
            index = tx.add_status_entry(
                anchor.of_grant(grant.id), grant.epoch_subjects, grant_id=grant.id,
                epochs=grant.epochs, now=now,
            )  # fmt: skip
            tx.set_status_index(grant.id, index)
    return _claim(server, index)


def of_subject(
    server: AuthServer, resource: Resource, root: Anchor, sub: str, now: int
) -> dict[str, object] | None:
    """Return the claim `status` of a token without a grant; a root is noted once a day at most."""
    if not resource.status_list:
        return None
    name = anchor.of_subject(root, sub)
    with server.store.read() as reads:
        found = reads.status_entry(name)
    if found is not None and now - found[1] < _RENEWED:
        return _claim(server, found[0])
    subjects = epoch.of_subject(sub, root.client_id)
    with server.store.write() as tx:
        index = tx.add_status_entry(name, subjects, grant_id=None, epochs=root.epochs, now=now)
        tx.renew_status_entry(name, now)
    return _claim(server, index)


def _claim(server: AuthServer, index: int) -> dict[str, object]:
    return status_list.claim(f"{server.issuer}{PATH}", index)


def _make(server: AuthServer, now: int) -> tuple[tuple[str, str], int]:
    with server.store.read() as reads:
        ended, size = reads.ended_indexes(), reads.status_list_size()
    fitting = [index for index in ended if index < size]  # one may have come in between
    uri = f"{server.issuer}{PATH}"
    claims = status_list.list_claims(fitting, size, issuer=server.issuer, uri=uri, now=now)
    content = str(claims["status_list"]).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    token = server.keys.sign(status_list.TYPE, claims, now)
    return (token, etag), now + status_list.TTL
