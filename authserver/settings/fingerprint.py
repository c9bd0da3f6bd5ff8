"""By what the upstream's users are known, so that a change of it is noticed before they are lost"""

from dataclasses import dataclass, fields

from authserver.settings.upstream import OAuth2Upstream, Upstream


@dataclass(frozen=True, slots=True)
class UpstreamFingerprint:
    """What a user's (issuer, subject) rests on; docs/decisions/0005 says why each is in it."""

    type: str
    issuer: str
    client_id: str
    subject_source: str

    def differences(self, other: "UpstreamFingerprint") -> tuple[tuple[str, str, str], ...]:
        """Return the name, our value and the other's of each part in which they differ."""
        pairs = (
            (each.name, getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
        )
        return tuple(pair for pair in pairs if pair[1] != pair[2])


def of(upstream: Upstream) -> UpstreamFingerprint:
    """Return the fingerprint of a configured upstream."""
    if isinstance(upstream, OAuth2Upstream):
        where = upstream.userinfo_endpoint or upstream.token_endpoint
        source = f"{', '.join(upstream.subject)} of {where}"
        return UpstreamFingerprint("oauth2", upstream.issuer, upstream.client_id, source)
    source = f"{upstream.subject_claim} of the ID token"
    return UpstreamFingerprint("oidc", upstream.issuer, upstream.client_id, source)
