"""From a provider's document to what we know of a user: OpenID Connect Core 1.0 §5.1, §5.7

Of the configured paths the first that leads to something decides. What a name is may differ from
provider to provider; that an e-mail address counts only as that document says never does.
"""

from collections.abc import Mapping
from urllib.parse import quote

from authserver.oauth import claim
from authserver.settings.upstream import ProfileFields
from authserver.upstream.errors import Reason, UpstreamError

Document = Mapping[str, object]

MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core §2
_MAX_INTEGER = 2**64  # beyond it JSON libraries round, and two users would be one


def subject(document: Document, paths: tuple[str, ...], reason: Reason) -> str:
    """Return who the user is; raises UpstreamError with the reason where that is not certain.

    A path joined by + needs all its parts.
    """
    for path in paths:
        values = [claim.find(document, part) for part in path.split("+")]
        if any(value is None or value == "" for value in values):
            continue
        parts = [_identifier(value, reason) for value in values]
        # Quoted, so that no part can hold the colon that joins them.
        name = parts[0] if len(parts) == 1 else ":".join(quote(part, safe="") for part in parts)
        if len(name) <= MAX_SUBJECT_LENGTH:
            return name
    raise UpstreamError(reason, "nothing in the document names the user for ever")


def text(document: Document, paths: tuple[str, ...]) -> str | None:
    """Return the first line of text that the paths lead to."""
    found = (_line(claim.find(document, path)) for path in paths)
    return next((value for value in found if value is not None), None)


def email(documents: tuple[Document, ...], fields: ProfileFields) -> tuple[str | None, bool]:
    """Return the address of the first document that has one, and whether it is verified there.

    An address and its verification are one statement: never one from each document.
    """
    for document in documents:
        address = text(document, fields.email)
        if address is not None:
            verified = any(_is_true(claim.find(document, p)) for p in fields.email_verified)
            return address, verified
    return None, False


def groups(document: Document, paths: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the groups that the first non-empty path leads to, None where there is no such list.

    An empty list is an answer: the user is in no group.
    """
    found = [value for path in paths if (value := claim.find(document, path)) is not None]
    if not found:
        return None
    return next((values for each in found if (values := claim.values(each))), ())


def with_groups(document: Document, fields: ProfileFields) -> dict[str, object]:
    """Return the document with the user's groups in the claim `groups`, and nothing else there."""
    claims = {name: value for name, value in document.items() if name != claim.GROUPS}
    found = groups(document, fields.groups)
    return claims if found is None else {**claims, claim.GROUPS: list(found)}


def _identifier(value: object, reason: Reason) -> str:
    """Return a text, or an integer written out; a float is not exact, and true is nobody."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INTEGER:
        return str(value)
    if isinstance(value, str) and value.isprintable():
        return value
    raise UpstreamError(reason, "what names the user is neither a text nor an integer of 64 bits")


def _line(value: object) -> str | None:
    return value if isinstance(value, str) and value and value.isprintable() else None


def _is_true(value: object) -> bool:
    return value is True or value == "true"  # some providers write booleans as strings
