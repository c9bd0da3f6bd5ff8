"""Signatures made by hand, so that tokens no library would make can be made too."""

import hashlib
import hmac
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
    signed = _headed(header, payload)
    return f"{signed}.{segment(JWSRegistry.algorithms[header['alg']].sign(signed.encode(), key))}"


def confused(header: Mapping[str, Any], payload: bytes, key: Key) -> list[str]:
    """Return JWSs of no signature, and of MACs keyed with what everybody knows of a public key."""
    public = key.as_dict(private=False)
    spellings = [key.as_pem(private=False), key.as_der(private=False), json.dumps(public).encode()]
    spellings += [str(public.get("x", "")).encode(), b""]
    found = [_headed({**header, "alg": alg}, payload) + "." for alg in ("none", "None", "HS256")]
    for alg, name in (("HS256", "sha256"), ("HS512", "sha512")):
        signed = _headed({**header, "alg": alg}, payload)
        macs = (hmac.digest(each, signed.encode(), name) for each in spellings)
        found += [f"{signed}.{segment(mac)}" for mac in macs]
    return found


def _headed(header: Mapping[str, Any], payload: bytes) -> str:
    return f"{segment(json.dumps(header).encode())}.{segment(payload)}"
