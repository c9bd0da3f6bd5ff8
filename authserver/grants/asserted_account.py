"""Whom an identity assertion is about: Enterprise-Managed Authorization §7, RFC 7523 §3."""

from dataclasses import dataclass

from authserver.app import AuthServer
from authserver.grants import described_user, foreign_subject
from authserver.grants.described_user import Description
from authserver.oauth.identity_assertion import IdentityAssertion, refused
from authserver.oauth.user import User
from authserver.upstream import foreign_token
from authserver.upstream.errors import UpstreamError
from authserver.upstream.foreign_token import ForeignToken
from authserver.upstream.subject_token import SubjectTokens


@dataclass(frozen=True, slots=True)
class Account:
    """Whom an assertion is about: by issuer and subject, and never by e-mail.

    A `user` of ours where there is one: the upstream's, as its `description` makes them; or one
    whom the file names for another issuer's subject, who signed in elsewhere than there.
    """

    sub: str
    user: User | None = None
    description: Description | None = None

    @property
    def signs_in_there(self) -> bool:
        """Say whether the assertion's issuer is where this subject signs in."""
        return self.user is None or self.description is not None


def find(
    server: AuthServer, tokens: SubjectTokens | None, assertion: IdentityAssertion, now: int
) -> Account:
    """Return whom the assertion is about: of the upstream's `tokens`, a user of ours."""
    try:
        if tokens is None:
            found = foreign_token.read(assertion.claims, now)
        else:
            description = described_user.read(tokens, assertion.claims, assertion.issued_at, now)
            return _of_upstream(server, description, now)
    except UpstreamError as error:
        refusal = refused(error.reason)
    else:
        return _of_trusted_issuer(server, found)
    raise refusal


def _of_upstream(server: AuthServer, description: Description, now: int) -> Account:
    told = description.identity
    with server.store.read() as reads:
        user = description.applied(reads.user_of(told.issuer, told.subject), now)
    return Account(user.sub, user, description)


def _of_trusted_issuer(server: AuthServer, found: ForeignToken) -> Account:
    mapped = server.trusted_issuers[found.issuer].settings.users.get(found.subject)
    if mapped is None:
        return Account(foreign_subject.subject_of(found))
    with server.store.read() as reads:
        user = reads.user(mapped)
    if user is None:
        raise refused("no_user")
    return Account(user.sub, user)
