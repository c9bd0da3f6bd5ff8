"""Tokens for several targets in one request, one result for each; our own extension of RFC 8693

The authorization server offers it where its metadata has `token_batch_endpoint`
(docs/token-exchange.md).
"""

from collections.abc import Sequence

from authserver.resource_server.connection import Reply
from authserver.resource_server.exchanged import ExchangedToken, ExchangeFailed, failure, read_token


def read_results(
    reply: Reply, audiences: Sequence[str], now: int
) -> dict[str, ExchangedToken | ExchangeFailed]:
    """Return what became of each audience; raises ExchangeFailed where all failed as one."""
    if reply.status != 200:
        raise failure(reply)
    results = reply.document.get("results")
    listed = results if isinstance(results, list) else []
    found = {each.get("audience"): each for each in listed if isinstance(each, dict)}
    return {each: _result(found.get(each), now) for each in audiences}


def _result(document: object, now: int) -> ExchangedToken | ExchangeFailed:
    if not isinstance(document, dict):
        return ExchangeFailed("server_error", "The answer has no result for this audience.")
    try:
        return read_token(Reply(200, document), now)
    except ExchangeFailed as error:
        return error
