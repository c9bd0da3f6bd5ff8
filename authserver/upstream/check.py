"""What would fail at a sign-in, said before a user meets it: OpenID Connect Discovery 1.0 §3

Only here and in a sign-in is the provider asked. Nothing is stored, and no secret is in a finding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authserver.settings import OAuth2Upstream, OidcUpstream, Settings, Upstream
from authserver.settings.presets import presets
from authserver.upstream import client_auth, discovery, jwks, token_request
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.metadata_check import Finding, endpoint_of, judge, remarks
from authserver.upstream.session import Deadline, UpstreamSession

_REFUSED = frozenset({"invalid_client", "unauthorized_client", "incorrect_client_credentials"})
_ACCEPTED = frozenset({"invalid_grant", "bad_verification_code"})
_NO_CODE = "authserver-config-check"  # nobody issued it: the answer tells what comes before it


@dataclass(frozen=True, slots=True)
class Report:
    """What would fail, what is worth knowing, what to register at the provider."""

    problems: tuple[Finding, ...]
    notes: tuple[str, ...]
    redirect_uri: str
    public_key: Mapping[str, object] | None = None


def check(settings: Settings, now: int) -> Report:
    """Ask the provider for its metadata, its keys, and whether it takes our credentials."""
    upstream = settings.upstream
    session = UpstreamSession(upstream.ca_file)
    try:
        problems, notes = _asked(upstream, settings.redirect_uri, session, now)
    finally:
        session.close()
    known = presets().get(upstream.preset or "")
    return Report(
        problems=tuple(problems),
        notes=(*notes, *(known.notes if known else ())),
        redirect_uri=settings.redirect_uri,
        public_key=_public_key(upstream),
    )


def _asked(
    upstream: Upstream, redirect_uri: str, session: UpstreamSession, now: int
) -> tuple[list[Finding], list[str]]:
    if isinstance(upstream, OAuth2Upstream):
        problem, note = _try_credentials(
            upstream, upstream.token_endpoint, redirect_uri, session, now
        )
        return [*problem], [*note]
    try:
        document = discovery.document(upstream, session, Deadline(upstream.request_timeout))
    except UpstreamUnavailable as error:
        url = upstream.discovery_url or discovery.metadata_url(upstream.issuer)
        return [
            Finding(
                f"{url} cannot be read: {error.detail}",
                "correct issuer (or discovery_url), and let this machine reach the provider",
            )
        ], []
    problems, notes = list(judge(document, upstream)), list(remarks(document, upstream))
    problems += _check_keys(document, upstream, session)
    token_endpoint = endpoint_of(document, "token_endpoint", upstream.issuer)
    if token_endpoint is not None and document.get("issuer") == upstream.issuer:
        problem, note = _try_credentials(upstream, token_endpoint, redirect_uri, session, now)
        problems += problem
        notes += note
    return problems, notes


def _check_keys(
    document: Mapping[str, object], upstream: OidcUpstream, session: UpstreamSession
) -> Iterator[Finding]:
    url = endpoint_of(document, "jwks_uri", upstream.issuer)
    if url is None:
        return
    try:
        jwks.fetch(url, session, Deadline(upstream.request_timeout))
    except UpstreamUnavailable as error:
        yield Finding(
            f"its signing keys at {url} cannot be used: {error.detail}",
            "let the provider publish an RSA key of 2048 bits or more, an EC or an Ed25519 key",
        )


def _try_credentials(
    upstream: Upstream,
    token_endpoint: str,
    redirect_uri: str,
    session: UpstreamSession,
    now: int,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Redeem a code that does not exist: who we are is judged before that."""
    headers, proof = client_auth.authenticate(upstream, token_endpoint, now)
    form = {
        "grant_type": "authorization_code",
        "code": _NO_CODE,
        "redirect_uri": redirect_uri,
        "code_verifier": _NO_CODE * 2,
        **token_request.repeated_scope(upstream),
        **proof,
    }
    deadline = Deadline(upstream.request_timeout)
    try:
        token_request.redeem(session, token_endpoint, headers, form, deadline)
    except UpstreamUnavailable as error:
        return (
            Finding(
                f"{token_endpoint} does not answer as a token endpoint: {error.detail}",
                "let this machine reach it, or correct the configuration",
            ),
        ), ()
    except UpstreamError as error:
        return _judged(upstream, error.detail, redirect_uri)
    return (), ("Its token endpoint did not refuse a code that nobody issued.",)


def _judged(
    upstream: Upstream, detail: str, redirect_uri: str
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    code = detail.rpartition(" ")[2]
    if code in _ACCEPTED:
        return (), ("It takes our credentials.",)
    if code in _REFUSED:
        remedy = f"compare client_id and its secret or key, or change {upstream.client_auth}"
        return (Finding(f"it does not take our credentials ({detail})", remedy),), ()
    if code == "redirect_uri_mismatch":
        return (Finding("the redirect URI is not registered", f"register {redirect_uri}"),), ()
    return (), (f"Whether it takes our credentials could not be tried ({detail}).",)


def _public_key(upstream: Upstream) -> Mapping[str, object] | None:
    key = upstream.client_key if isinstance(upstream, OidcUpstream) else None
    if key is None:
        return None
    members = key.private.as_dict(private=False)
    return {**members, "kid": key.kid, "alg": key.alg, "use": "sig"}
