"""Signatures made by hand, so that tokens no library would make can be made too."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, Key
from joserfc.jws import JWSRegistry


def new_key(kid: str | None = "key-1") -> ECKey:
    key = ECKey.generate_key("P-256").as_dict(private=True, use="sig", alg="ES256")
    return ECKey.import_key(key if kid is None else {**key, "kid": kid})


def segment(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def half_hash(token: str, alg: str = "ES256") -> str:
    digest = hashlib.new(f"sha{alg[2:] if alg[2:].isdigit() else 512}", token.encode()).digest()
    return segment(digest[: len(digest) // 2])


def sign(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """Return a JWS of any header: joserfc's own way in would refuse to make the worst of them."""
    signed = f"{segment(json.dumps(header).encode())}.{segment(payload)}"
    return f"{signed}.{segment(JWSRegistry.algorithms[header['alg']].sign(signed.encode(), key))}"
