"""The one object with which an MCP server protects itself. RFC 6750, RFC 9068, RFC 9728"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

from authserver.oauth.errors import OAuthError
from authserver.oauth.resource import Resource, Scope, canonical
from authserver.oauth.scope import is_scope_token
from authserver.resource_server import credentials
from authserver.resource_server.challenge import Answer, Challenger
from authserver.resource_server.credentials import Credentials, PresentedProof
from authserver.resource_server.errors import InvalidProof
from authserver.resource_server.jwks import require_secure_url
from authserver.resource_server.metadata import MetadataDocument
from authserver.resource_server.possession import ProofCheck
from authserver.resource_server.verifier import AccessToken, Verifier

Scopes = Mapping[str, str | Scope] | Sequence[str]
NO_PROOF = PresentedProof((), "", "")


class ResourceServer:
    """A protected resource: verifies its tokens, serves its metadata, answers with challenges.

    `issuer` and `resource` are the strings of the authorization server's configuration, to the
    letter. Every request needs all of `required_scopes`. A client without a token is told to ask
    for `challenge_scopes`, by default all scopes that are not sensitive: few clients come back for
    more later. With `status_list` a revocation is seen within a minute. `verifier` replaces the
    one made from `issuer`, `resource`, `algorithms` and `status_list`.

    Tokens that are bound to a key come with a proof of it (DPoP); with `dpop_required` no others
    are taken. `proofs` says how proofs are judged where several processes share what was spent, or
    nonces are wanted. `stripped_prefix` is what a proxy in front takes off the path: a proof names
    the URL that the client asked for.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that a resource is told
        self,
        *,
        issuer: str,
        resource: str,
        scopes: Scopes = (),
        name: str | None = None,
        required_scopes: Iterable[str] = (),
        challenge_scopes: Iterable[str] | None = None,
        algorithms: Iterable[str] = ("ES256",),
        status_list: bool = False,
        verifier: Verifier | None = None,
        dpop_required: bool = False,
        proofs: ProofCheck | None = None,
        stripped_prefix: str = "",
    ) -> None:
        self.issuer = issuer
        self.resource = replace(
            _resource(resource, name, scopes), dpop_bound_access_tokens_required=dpop_required
        )
        self.proofs = proofs or ProofCheck()
        if stripped_prefix and (stripped_prefix[0] != "/" or stripped_prefix[-1] == "/"):
            raise ValueError("stripped_prefix begins with a slash and does not end with one")
        self._prefix = f"{_origin(resource)}{stripped_prefix}"
        self.required_scopes = _checked(required_scopes)
        self.verifier = verifier or Verifier(
            issuer, resource, algorithms=algorithms, status_list=status_list
        )
        if (self.verifier.issuer, self.verifier.resource) != (issuer, resource):
            raise ValueError("the verifier is for another issuer or resource")
        self.metadata = MetadataDocument(self.resource, issuer)
        asked = self.resource.default_scope() if challenge_scopes is None else challenge_scopes
        self.challenger = Challenger(
            self.metadata.url,
            _checked((*self.required_scopes, *_checked(asked))),
            dpop_required,
        )

    def verify(
        self,
        token: str,
        *,
        now: int | None = None,
        required_scopes: Iterable[str] = (),
        jkt: str | None = None,
    ) -> AccessToken:
        """Return what a valid token says; raises as `Verifier.verify` does.

        Raises InvalidProof where only bound tokens are taken and no key was proved (`jkt`).
        """
        if self.challenger.dpop_required and jkt is None:
            raise InvalidProof("missing")
        required = (*self.required_scopes, *required_scopes)
        return self.verifier.verify(token, now=now, required_scopes=required, jkt=jkt)

    def admit(
        self,
        authorization: Sequence[str],
        required_scopes: Iterable[str] = (),
        presented: PresentedProof = NO_PROOF,
    ) -> AccessToken | Answer:
        """Judge the values of a request's Authorization headers, and the proof beside them.

        Returns the token, or the refusal. May fetch the issuer's keys, so it may block for some
        seconds.
        """
        required, is_bound = tuple(required_scopes), False
        try:
            found = credentials.read(authorization)
            if found is None:
                return self.challenger.without_token(required)
            is_bound = found.is_bound
            if is_bound:
                return self._bound(found, required, presented)
            return self.verify(found.token, required_scopes=required)
        except OAuthError as error:
            if isinstance(error, InvalidProof):
                error.headers = self.proofs.next_nonce(self.verifier.now())
            return self.challenger.refusal(error, required, is_bound=is_bound)

    def _bound(
        self, found: Credentials, required: tuple[str, ...], presented: PresentedProof
    ) -> AccessToken:
        """Return a bound token whose key was proved; the proof of a token that is none stays."""
        now = self.verifier.now()
        possession = self.proofs.prove(presented, found.token, now)
        token = self.verify(found.token, now=now, required_scopes=required, jkt=possession.jkt)
        self.proofs.spend(possession, now)
        return token

    def url_of(self, path: str) -> str:
        """Return the URL of a (decoded) path as clients know it."""
        return self._prefix + quote(path, safe="/~!$&'()*+,;=:@")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _resource(url: str, name: str | None, scopes: Scopes) -> Resource:
    require_secure_url(url, "resource")
    if canonical(url) is None or '"' in url or "\\" in url:
        raise ValueError("resource must be an absolute URL without a fragment")
    if isinstance(scopes, str):
        raise TypeError("scopes must be a list of names, or a mapping of names to descriptions")
    described = scopes if isinstance(scopes, Mapping) else dict.fromkeys(scopes, "")
    known = {scope: _scope(about) for scope, about in described.items()}
    _checked(known)
    return Resource(key="", url=url, name=name or urlsplit(url).netloc, scopes=known)


def _scope(about: str | Scope) -> Scope:
    return about if isinstance(about, Scope) else Scope(about)


def _checked(scopes: Iterable[str]) -> tuple[str, ...]:
    if isinstance(scopes, str):
        raise TypeError("scopes must be a list of names")
    names = tuple(dict.fromkeys(scopes))
    if not all(map(is_scope_token, names)):
        raise ValueError("a scope is a word without spaces, quotes or backslashes")
    # The MCP specification keeps it out of challenges and metadata: it is no scope of a resource.
    if "offline_access" in names:
        raise ValueError("offline_access is no scope of a resource")
    return names
