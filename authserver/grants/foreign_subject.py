"""Subjects whom others vouch for: the upstream about its users, trusted issuers: RFC 8693 §2.1.

Their issuers are asked, where they have to be, before anything is read here.
"""

import binascii
from base64 import urlsafe_b64decode

from authserver.app import AuthServer
from authserver.oauth import act, epoch, opaque
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor
from authserver.oauth.edge import UPSTREAM, Requester
from authserver.oauth.exchange import Subject
from authserver.oauth.exchange_request import ACCESS_TOKEN, ID_TOKEN, JWT
from authserver.oauth.strict_json import parse_object
from authserver.oauth.user import User
from authserver.storage.anchors import LiveToken
from authserver.upstream import id_token
from authserver.upstream.errors import UpstreamError
from authserver.upstream.foreign_token import ForeignToken
from authserver.upstream.subject_token import SubjectTokens
from authserver.upstream.trusted_issuer import TrustedIssuerClient

PREFIX = "ext-"  # of the sub of who is no user of ours


def is_upstream(server: AuthServer, issuer: str) -> bool:
    """Say whether tokens of this `iss` are the upstream's."""
    tokens = server.upstream.subject_tokens
    return tokens is not None and tokens.is_issuer(issuer)


def of_upstream(
    server: AuthServer, requester: Requester, token: str, type_: str, now: int
) -> tuple[Subject, LiveToken]:
    """Return the user of ours whom a token of the upstream is about; raises UpstreamError.

    Users are known by the upstream's issuer and subject, never by e-mail. An ID token tells enough
    of one who never signed in here; an access token does not.
    """
    tokens = server.upstream.subject_tokens
    if tokens is None:
        raise _unknown("no_issuer")
    _check_delegate(server, requester, UPSTREAM)
    is_id_token = type_ == ID_TOKEN
    found = tokens.id_token(token, now) if is_id_token else tokens.access_token(token, now)
    with server.store.read() as reads:
        user = reads.user_of(found.issuer, found.subject)
    if user is None and is_id_token:
        user = new_user(server, tokens, found, now)
    if user is None:
        raise _unknown("no_user")
    return _subject(server, requester, found, UPSTREAM, user.sub), LiveToken(user)


def of_trusted_issuer(
    server: AuthServer, requester: Requester, issuer: str, token: str, type_: str, now: int
) -> tuple[Subject, LiveToken]:
    """Return the subject of a trusted issuer's token: nobody of ours, unless the file says so.

    Raises UpstreamError.
    """
    client = _client(server, issuer, type_)
    name, users = client.settings.name, client.settings.users
    _check_delegate(server, requester, name)
    found = client.verify(token, now)
    mapped = users.get(found.subject)
    if mapped is None:
        return _subject(server, requester, found, name, subject_of(found)), LiveToken(None)
    with server.store.read() as reads:
        user = reads.user(mapped)
    if user is None:
        raise _unknown("no_user")
    return _subject(server, requester, found, name, user.sub), LiveToken(user)


def subject_of(found: ForeignToken) -> str:
    """Return the `sub` of who is nobody of ours: the same for the same issuer and subject."""
    digest = opaque.digest(f"{found.issuer}\0{found.subject}")
    return f"{PREFIX}{digest[:40]}"


def claimed_issuer(token: str) -> str:
    """Return the issuer that a JWT claims, to choose who verifies it; empty where there is none."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = parse_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return ""
    return str(claims.get("iss", ""))


def actor(server: AuthServer, issuer: str, token: str, type_: str, now: int) -> Party:
    """Return whom a trusted issuer's token is about, as that issuer calls them."""
    found = _client(server, issuer, type_).verify(token, now)
    return Party(found.issuer, found.subject)


def _client(server: AuthServer, issuer: str, type_: str) -> TrustedIssuerClient:
    client = server.trusted_issuers.get(issuer)
    if client is None or type_ not in (ACCESS_TOKEN, JWT):
        raise _unknown("no_issuer")
    return client


def _check_delegate(server: AuthServer, requester: Requester, source: str) -> None:
    """Refuse, before anybody is asked, who may exchange nothing of this source."""
    ways = (each for each in server.settings.edges if each.requester == requester.client_id)
    if requester.resource is not None or not any(each.source == source for each in ways):
        raise _unknown("no_way_for_requester")


def _subject(
    server: AuthServer, requester: Requester, found: ForeignToken, source: str, sub: str
) -> Subject:
    """Return the subject; it hangs on itself and on the requester, for there is no grant."""
    with server.store.read() as reads:
        epochs = reads.epoch_sum(epoch.of_subject(sub, requester.client_id))
    return Subject(
        kind="upstream" if source == UPSTREAM else "issuer",
        source=source,
        sub=sub,
        client_id=found.client_id,
        scope=found.scope,
        expires_at=found.expires_at,
        anchor=Anchor(client_id=requester.client_id, epochs=epochs),
        auth_time=found.auth_time,
        actors=act.read_foreign(found.claims, server.issuer, _unknown),
        may_act=found.claims.get("may_act"),
    )


def new_user(server: AuthServer, tokens: SubjectTokens, found: ForeignToken, now: int) -> User:
    """Make a user of ours of whom the upstream describes, where nobody was quicker."""
    told = tokens.identity(found)
    said_at = id_token.moment(found.claims.get("iat")) or now
    user = User(
        opaque.random_value("usr-"), told.issuer, told.subject, told.name, told.email,
        told.email_verified, told.claims, now, now, int(said_at),
    )  # fmt: skip
    with server.store.write() as tx:
        return tx.add_user(user)


def _unknown(detail: str) -> UpstreamError:
    return UpstreamError("token_kind", detail)
