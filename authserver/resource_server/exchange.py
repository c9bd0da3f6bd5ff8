"""Gets the token for the next hop in exchange for the one that came in. RFC 8693, RFC 9449

    exchanger = TokenExchanger(issuer="https://auth.example.com",
                               client_id="issues", client_secret=secret)
    token = exchanger.token(incoming, audience="wiki")

The incoming token is for this server alone and never leaves it but for the authorization server.
For one that is bound to its client's key, the next one is bound to this server's own.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from authserver.kept import Kept
from authserver.oauth import scope as scopes
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE
from authserver.resource_server.connection import Connection, Reply, Unreachable, basic
from authserver.resource_server.exchange_batch import read_results
from authserver.resource_server.exchanged import ExchangedToken, ExchangeFailed, read_token
from authserver.resource_server.jwks import metadata_url, require_secure_url
from authserver.resource_server.possessor import Possessor, is_bound

__all__ = ["ExchangeFailed", "ExchangedToken", "TokenExchanger"]

_AT_ONCE = 8


class TokenExchanger:
    """Exchanges tokens as one client; what it got is kept until 80 % of its life, in memory.

    `issuer` is the authorization server's, to the letter: its metadata says where to ask. `clock`
    returns epoch seconds. With `always_bound` every token is bound to this server's own key.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        connection: Connection | None = None,
        always_bound: bool = False,
        clock: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        require_secure_url(issuer, "issuer")
        self._issuer = issuer
        self._authorization = basic(client_id, client_secret)
        self._connection = connection or Connection()
        self._possessor = Possessor(self._connection, self._authorization, clock)
        self._always_bound = always_bound
        self._clock = clock
        self._kept: Kept[ExchangedToken] = Kept()
        self._found: Mapping[str, str] | None = None

    def token(
        self, subject_token: str, *, audience: str, scope: Iterable[str] = ()
    ) -> ExchangedToken:
        """Return a token for the audience, a name or a URL; raises ExchangeFailed.

        `scope` narrows it. May block while the authorization server is asked.
        """
        names = tuple(sorted(set(scope)))
        now = self._clock()
        return self._kept.get(
            _key(subject_token, audience, names),
            now,
            lambda: self._fetch(subject_token, audience, names, now),
        )

    def tokens(
        self, subject_token: str, audiences: Iterable[str]
    ) -> dict[str, ExchangedToken | ExchangeFailed]:
        """Return a token or the failure for each audience: one that fails takes no other along.

        One request does it where the server offers that, else one for each.
        """
        wanted, now = tuple(dict.fromkeys(audiences)), self._clock()
        kept = {each: self._kept.find(_key(subject_token, each), now) for each in wanted}
        missing = [each for each in wanted if kept[each] is None]
        fetched = self._fetch_all(subject_token, missing, now)
        return {each: kept[each] or fetched[each] for each in wanted}

    def forget(self, subject_token: str, *, audience: str, scope: Iterable[str] = ()) -> None:
        """Forget a token that its audience refused, so that the next one is a new one."""
        self._kept.forget(_key(subject_token, audience, tuple(sorted(set(scope)))))

    def proof(
        self, token: ExchangedToken, method: str, url: str, nonce: str | None = None
    ) -> str | None:
        """Return the DPoP header to present a token with; None for one that is bound to no key."""
        if not token.is_bound:
            return None
        return self._possessor.key.proof(
            method, url, self._clock(), access_token=token.access_token, nonce=nonce
        )

    def _post(self, url: str, subject_token: str, form: list[tuple[str, str]]) -> Reply:
        if self._always_bound or is_bound(subject_token):
            return self._possessor.post(url, form)
        return self._connection.post(url, form, self._authorization)

    def _fetch(
        self, subject_token: str, audience: str, names: tuple[str, ...], now: int
    ) -> tuple[ExchangedToken, int]:
        form = [
            *_form(subject_token, (audience,)),
            *((("scope", scopes.join(names)),) * bool(names)),
        ]
        try:
            url = self._endpoints()["token_endpoint"]
            reply = self._post(url, subject_token, form)
        except Unreachable:
            raise _no_answer() from None
        token = read_token(reply, now)
        return token, token.expires_at

    def _fetch_all(
        self, subject_token: str, audiences: list[str], now: int
    ) -> dict[str, ExchangedToken | ExchangeFailed]:
        def attempt(audience: str) -> ExchangedToken | ExchangeFailed:
            try:
                return self.token(subject_token, audience=audience)
            except ExchangeFailed as error:
                return error

        try:
            found = self._fetch_batch(subject_token, audiences, now) if audiences[1:] else None
        except ExchangeFailed as error:
            return dict.fromkeys(audiences, error)
        if found is not None:
            return found
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(audiences, pool.map(attempt, audiences), strict=True))

    def _fetch_batch(
        self, subject_token: str, audiences: list[str], now: int
    ) -> dict[str, ExchangedToken | ExchangeFailed] | None:
        """Ask for all at once; None where the server does not offer that."""
        try:
            url = self._endpoints().get("token_batch_endpoint")
            if url is None:
                return None
            reply = self._post(url, subject_token, _form(subject_token, audiences))
        except Unreachable:
            raise _no_answer() from None
        results = read_results(reply, audiences, now)
        for audience, result in results.items():
            if isinstance(result, ExchangedToken):
                self._kept.keep(_key(subject_token, audience), result, result.expires_at, now)
        return results

    def _endpoints(self) -> Mapping[str, str]:
        """Return where to ask, by the metadata; raises Unreachable."""
        if self._found is None:
            reply = self._connection.get(metadata_url(self._issuer))
            if reply.status != 200 or reply.document.get("issuer") != self._issuer:
                raise Unreachable("the metadata is not that of the issuer")
            found = dict(_secure(reply.document))
            if "token_endpoint" not in found:
                raise Unreachable("the metadata has no token_endpoint")
            self._found = found
        return self._found


def _secure(document: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    for name in ("token_endpoint", "token_batch_endpoint"):
        url = document.get(name)
        if isinstance(url, str):
            require_secure_url(url, name)
            yield name, url


def _form(subject_token: str, audiences: Iterable[str]) -> list[tuple[str, str]]:
    return [
        ("grant_type", GRANT_TYPE),
        ("subject_token", subject_token),
        ("subject_token_type", ACCESS_TOKEN),
        *(("audience", each) for each in audiences),
    ]


def _no_answer() -> ExchangeFailed:
    return ExchangeFailed("temporarily_unavailable", "The authorization server does not answer.")


def _key(subject_token: str, audience: str, names: tuple[str, ...] = ()) -> str:
    parts = "\0".join((audience, *names, subject_token))
    return hashlib.sha256(parts.encode()).hexdigest()
