"""What a token hangs on: what was revoked took it along: RFC 7009 §2.1, RFC 8693 §2.1.

A token names its root (the grant, or where there is none the subject and the client that brought
them) and, where it was exchanged, every token of ours before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from authserver.oauth import scope


@dataclass(frozen=True, slots=True)
class Anchor:
    """The root of a token: a grant, else the counters of a subject and of who first exchanged.

    `epochs` is what these counters summed up to then.
    """

    grant_id: str | None = None
    client_id: str = ""
    epochs: int = 0

    def claims(self) -> dict[str, object]:
        """Return the claims that name the root."""
        if self.grant_id is not None:
            return {"grant_id": self.grant_id}
        return {"anchor": {"client_id": self.client_id, "epochs": self.epochs}}


@dataclass(frozen=True, slots=True)
class Link:
    """A token of ours that another was exchanged from: for whom it was, and what it could do."""

    aud: str
    scope: tuple[str, ...]
    jti: str

    def claim(self) -> dict[str, object]:
        """Return the member of the claim `via`."""
        return {"aud": self.aud, "scope": scope.join(self.scope), "jti": self.jti}


def of_grant(grant_id: str) -> str:
    """Return the name of a root that is a grant."""
    return f"grant:{grant_id}"


def of_subject(root: Anchor, sub: str) -> str:
    """Return the name of a root that is no grant; another one once anything of it was revoked."""
    text = f"{sub}\0{root.client_id}\0{root.epochs}"
    return f"subject:{hashlib.sha256(text.encode()).hexdigest()}"


def read(claims: Mapping[str, object]) -> Anchor:
    """Return the root that a token of ours names."""
    if "grant_id" in claims:
        return Anchor(grant_id=str(claims["grant_id"]))
    found = claims.get("anchor")
    if not isinstance(found, Mapping):
        raise TypeError("a token of ours names its root")
    return Anchor(client_id=str(found["client_id"]), epochs=int(found["epochs"]))


def via(claims: Mapping[str, object]) -> tuple[Link, ...]:
    """Return the tokens before one of ours, the first one first."""
    found = claims.get("via", [])
    if not isinstance(found, list):
        raise TypeError("via is a list in a token of ours")
    return tuple(_link(each) for each in found)


def link(claims: Mapping[str, object]) -> Link:
    """Return the place that a token of ours has in the chain of what is exchanged from it."""
    return _link(claims)


def jtis(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return the token's own id and those of all before it: with any of them it falls."""
    return (str(claims["jti"]), *(each.jti for each in via(claims)))


def _link(claims: Mapping[str, object]) -> Link:
    return Link(str(claims["aud"]), scope.parse(str(claims["scope"])), str(claims["jti"]))
