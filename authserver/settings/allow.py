"""Who may use a resource, in the configuration: addresses, subjects, claims"""

from collections.abc import Mapping

from authserver.oauth import claim
from authserver.oauth.allow import email_address
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_text

# Claims that a rule of their own reads with more care.
_RULES = {
    "email": "use emails or email_domains: they ask for a verified address",
    "sub": "use subjects",
}
_SUBJECT = frozenset({"issuer", "subject"})


def read_email_domain(value: object, _origin: Origin) -> str:
    """Return the domain of e-mail addresses, in lower case."""
    remedy = 'write "example.com", each subdomain for itself; others than ASCII as xn--…'
    address = email_address(f"x@{value}") if isinstance(value, str) else None
    domain = "" if address is None else address[2:]
    labels = domain.split(".")
    if not all(label and label.replace("-", "").isalnum() for label in labels):
        raise wrong("is not a domain", remedy)
    return domain


def read_email(value: object, origin: Origin) -> str:
    """Return an e-mail address, its domain in lower case."""
    address = email_address(value) if isinstance(value, str) else None
    if address is None or " " in address or "*" in address:
        raise wrong("is not an e-mail address", 'write one such as "ada@example.com"')
    return read_text(address, origin)


def read_subject(value: object, origin: Origin) -> tuple[str | None, str]:
    """Return a subject at the upstream, with the issuer where it is named."""
    if isinstance(value, str):
        return None, read_text(value, origin)
    if not isinstance(value, Mapping) or set(value) != _SUBJECT:
        raise wrong(
            "is not a subject", 'write "00u1b2" or { issuer = "https://…", subject = "00u1b2" }'
        )
    return read_text(value["issuer"], origin), read_text(value["subject"], origin)


def read_group(value: object, origin: Origin) -> str:
    """Return the name or id of a group; a number is the text of it."""
    (text,) = _texts([value], origin)
    return text


def read_claim_path(value: object, origin: Origin) -> str:
    """Return the name of a claim that a rule compares, or the path to it."""
    path = read_text(value, origin)
    if path in _RULES:
        raise wrong("is compared by a rule of its own", _RULES[path])
    return path


def read_claim_values(value: object, origin: Origin) -> frozenset[str]:
    """Return the values of a claim, any of which is wanted, as texts."""
    return frozenset(_texts(value if isinstance(value, list) else [value], origin))


def read_token_claim(value: object, origin: Origin) -> str:
    """Return the name of a claim that goes into access tokens."""
    name = read_text(value, origin)
    if name in claim.RESERVED:
        raise wrong("is a claim that authserver sets or that means something else", "leave it out")
    return name


def _texts(written: list[object], origin: Origin) -> tuple[str, ...]:
    texts = claim.values(written)
    if not written or len(texts) != len(written):
        raise wrong("is not a value or a list of values", 'write "a" or ["a", "b"]')
    return tuple(read_text(text, origin) for text in texts)
