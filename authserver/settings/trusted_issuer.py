"""Issuers of others' tokens that may be exchanged for ours: RFC 8693 §2.1, RFC 7517 §5"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from joserfc.jwk import Key

TrustedAlgorithm = Literal["RS256", "PS256", "ES256", "ES384", "ES512", "RS512", "EdDSA"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer of tokens about others than our users, and where its keys are.

    They are fixed in `keys`, else at `jwks_uri`, else where its metadata says. `users` are those of
    its subjects who are users of ours: our `sub` by its own. `identity_assertions` is whether it
    may say who users are to clients (ID-JAG).
    """

    name: str
    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[TrustedAlgorithm, ...] = ("RS256", "ES256")
    identity_assertions: bool = False
    jwks_uri: str | None = None
    keys: tuple[Key, ...] = field(default=(), repr=False)
    users: Mapping[str, str] = field(default_factory=dict)
    request_timeout: float = 5.0
    ca_file: Path | None = None
