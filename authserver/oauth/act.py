"""Who acts for the subject, nested from the newest actor to the first: RFC 8693 §4.1, §4.4."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authserver.oauth.errors import OAuthError

MAX_DEPTH = 10
MAX_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who acts, as their issuer knows them."""

    iss: str
    sub: str

    def is_named_by(self, may_act: object) -> bool:
        """Say whether a `may_act` claim names this party, by `iss` and `sub` and nothing else.

        A `sub` alone could be anybody's, and another condition is one that nobody checks here.
        """
        return may_act == {"iss": self.iss, "sub": self.sub}


def read(chain: object, issuer: str) -> tuple[Party, ...]:
    """Return who acts in a token of the issuer, the newest first, by `iss` and `sub` alone.

    Who has no `iss` there is known to that issuer. Raises `invalid_request` for what is no chain
    of `MAX_DEPTH` at most.
    """
    parties: list[Party] = []
    while chain is not None:
        sub = chain.get("sub") if isinstance(chain, Mapping) else None
        if not isinstance(chain, Mapping) or not isinstance(sub, str) or len(parties) == MAX_DEPTH:
            raise _refused("act_malformed_or_too_deep")
        iss = chain.get("iss", issuer)
        if not isinstance(iss, str):
            raise _refused("act_malformed")
        parties.append(Party(iss, sub))
        chain = chain.get("act")
    return tuple(parties)


def read_foreign(
    claims: Mapping[str, object], ours: str, refused: Callable[[str], Exception]
) -> tuple[Party, ...]:
    """Return who acts in a token of another issuer, the newest first; raises what is `refused`.

    Nobody whom that issuer cannot know: each server trusts the newest, and none of ours is theirs.
    """
    issuer = str(claims["iss"])
    try:
        actors = read(claims.get("act"), issuer)
        claim(actors)  # raises here, where a chain that is too long spends nothing
    except OAuthError as error:
        refusal = refused(error.detail)
    else:
        if actors and (actors[0].iss != issuer or any(each.iss == ours for each in actors)):
            raise refused("act_of_another_issuer")
        return actors
    raise refusal


def claim(parties: tuple[Party, ...]) -> dict[str, object] | None:
    """Return the `act` claim of these actors, the newest first; None where nobody acts.

    Raises `invalid_request` past the limits.
    """
    nested: dict[str, object] = {}
    for party in reversed(parties):
        inner = {"act": nested} if nested else {}
        nested = {"iss": party.iss, "sub": party.sub, **inner}
    if len(parties) > MAX_DEPTH or len(json.dumps(nested)) > MAX_BYTES:
        raise _refused("act_too_deep_or_long")
    return nested or None


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_request", "The subject token is not acceptable.", detail=detail)
