"""A user of ours as an assertion of the upstream describes them: OpenID Connect Core §5.1, §5.7

Such users may never come by a browser, so what an assertion says of them counts as a sign-in's
word does, if nothing newer was said since.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from authserver.oauth import claim, identity_assertion, opaque
from authserver.oauth.user import User
from authserver.storage.store import Transaction
from authserver.upstream import foreign_token
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.logout_token import sign_in_names
from authserver.upstream.subject_token import SubjectTokens

_MAX_BYTES = 16_384  # of JSON: what many assertions add up to is read at every refresh


@dataclass(frozen=True, slots=True)
class Description:
    """What an assertion says of its user, and when; `new_sub` is for who is not known yet.

    `speaks_of` are the values that it decides, also where it says that there is none.
    """

    identity: UpstreamIdentity = field(repr=False)
    speaks_of: frozenset[str]
    said_at: int
    new_sub: str

    @property
    def is_lean(self) -> bool:
        """Say whether it says nothing of the user."""
        return not self.speaks_of and not self.identity.claims

    def applied(self, known: User | None, now: int) -> User:
        """Return the user as described now: what is left out stays as it was said last.

        An older word counts no more; of one that a clock wrote which was ahead nobody knows.
        """
        told = self.identity
        if known is None:
            return User(
                self.new_sub, told.issuer, told.subject, told.name, told.email,
                told.email_verified, dict(told.claims), self.said_at, self.said_at, self.said_at,
            )  # fmt: skip
        if self.said_at < known.described_at <= now + identity_assertion.LEEWAY:
            return known
        user = replace(known, claims=self._claims(known.claims))
        if self.speaks_of:
            user = replace(user, described_at=self.said_at)
        if "name" in self.speaks_of:
            user = replace(user, name=told.name)
        if "email" in self.speaks_of:
            user = replace(user, email=told.email, email_verified=told.email_verified)
        return user

    def _claims(self, known: Mapping[str, object]) -> dict[str, object]:
        kept = dict(known)
        if "groups" in self.speaks_of:
            kept.pop(claim.GROUPS, None)
        merged = {**kept, **self.identity.claims}
        is_short = len(json.dumps(merged)) <= _MAX_BYTES
        return merged if is_short else dict(self.identity.claims)


def read(
    tokens: SubjectTokens, claims: Mapping[str, object], said_at: int, now: int
) -> Description:
    """Return what the claims of an assertion say of its user; raises UpstreamError."""
    found = foreign_token.read(claims, now, tokens.settings.subject_claim)
    about = identity_assertion.about_user(claims)
    fields = tokens.settings.fields
    paths = {"name": fields.name, "email": fields.email, "groups": fields.groups}
    return Description(
        identity=replace(tokens.identity(replace(found, claims=about)), sid=_sid(claims)),
        speaks_of=frozenset(name for name, each in paths.items() if _lead_into(each, about)),
        said_at=said_at,
        new_sub=opaque.random_value("usr-"),
    )


def is_logged_out(tx: Transaction, description: Description) -> bool:
    """Say whether the upstream logged the user out after the assertion was made."""
    told = description.identity
    names = sign_in_names(told.issuer, told.subject, told.sid)
    return tx.is_logged_out_since(names, description.said_at)


def _sid(claims: Mapping[str, object]) -> str | None:
    sid = claims.get("sid")
    return sid if isinstance(sid, str) else None


def _lead_into(paths: tuple[str, ...], claims: Mapping[str, object]) -> bool:
    """Say whether a path begins in the claims: then they have the last word on where it leads."""
    return any(each in claims or each.partition(".")[0] in claims for each in paths)
