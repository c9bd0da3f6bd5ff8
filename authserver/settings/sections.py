"""What each section of a configuration says, as digests: so that a change is noticed, not shown

The contents of the secrets that a section names are part of it. The digests are keyed with the
sealing keys: a copy of the database is no help in guessing a secret (RFC 2104 §2).
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from authserver.oauth import resource
from authserver.sealing import SealingKey, derive

# Each table of these is a section of its own; another table is one section.
NAMED = (
    *("resources", "trusted_issuers", "external_services", "downstream_servers", "clients"),
    *("exchanges", "workloads"),
)


@dataclass(frozen=True, slots=True)
class Digest:
    """A section under one sealing key: as a whole, and without the contents of its secrets."""

    whole: str
    shape: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section, such as `resources.issues`; `identifier` is what stored things know it by."""

    name: str
    identifier: str | None
    digests: Mapping[str, Digest] = field(repr=False)


def of(
    document: Mapping[str, object], secrets: Mapping[str, bytes], keys: tuple[SealingKey, ...]
) -> tuple[Section, ...]:
    """Return every section of a document; `secrets` are contents by the reference to them."""
    macs = {key.kid: derive(key.secret, "configuration digest") for key in keys}
    return tuple(
        Section(
            name,
            _identifier(name, written),
            {kid: _digest(mac, written, secrets) for kid, mac in macs.items()},
        )
        for name, written in _split(document)
    )


def _split(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, written in document.items():
        if name in NAMED and isinstance(written, Mapping):
            yield from ((f"{name}.{key}", table) for key, table in written.items())
        else:
            yield name, written


def _identifier(name: str, written: object) -> str | None:
    kind, _, key = name.partition(".")
    if kind == "resources" and isinstance(written, Mapping):
        return resource.canonical(str(written.get("url")))
    return key if kind == "clients" else None


def _digest(mac: bytes, written: object, secrets: Mapping[str, bytes]) -> Digest:
    shape = json.dumps(written, sort_keys=True, default=str).encode()
    contents = (hashlib.sha256(secrets[each]).digest() for each in _references(written, secrets))
    whole = b"\0".join((shape, *contents))
    return Digest(*(hmac.new(mac, each, hashlib.sha256).hexdigest() for each in (whole, shape)))


def _references(written: object, secrets: Mapping[str, bytes]) -> Iterator[str]:
    """Return the references to secrets in a value, in the order in which they stand there."""
    if isinstance(written, str) and written in secrets:
        yield written
    elif isinstance(written, Mapping):
        for key in sorted(written):
            yield from _references(written[key], secrets)
    elif isinstance(written, list):
        for each in written:
            yield from _references(each, secrets)
