"""A user's addresses, where the provider lists them apart, as GitHub does: OIDC Core 1.0 §5.7"""

from collections.abc import Mapping

from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession


def primary(
    session: UpstreamSession, url: str, headers: Mapping[str, str], deadline: Deadline
) -> tuple[str | None, bool]:
    """Return the primary address and whether it is verified; None where the list is not to be had.

    An address is worth no failed sign-in: where it matters, there is none that is verified.
    """
    try:
        answer = session.get("emails", url, deadline, headers)
        listed = answer.json_list() if answer.status == 200 else []
    except UpstreamUnavailable:
        return None, False
    entries = [each for each in listed if isinstance(each, dict) and each.get("primary") is True]
    if len(entries) != 1:
        return None, False
    address = entries[0].get("email")
    if not isinstance(address, str) or not address or not address.isprintable():
        return None, False
    return address, entries[0].get("verified") is True
