"""What became of an exchange: a token, or why there is none. RFC 8693 §2.2, RFC 6749 §5.2"""

from dataclasses import dataclass, field

from authserver.resource_server.connection import Reply

_TEMPORARY = ("temporarily_unavailable", "server_error")


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """A token for another audience; `expires_at` is in epoch seconds."""

    access_token: str = field(repr=False)
    token_type: str
    scope: tuple[str, ...]
    expires_at: int

    @property
    def is_bound(self) -> bool:
        """Say whether it goes with a proof of this server's key."""
        return self.token_type.lower() == "dpop"


class ExchangeFailed(Exception):
    """There is no token for the target; `error` is the server's code (RFC 6749 §5.2).

    `is_temporary` says that it may be tried again, after `retry_after` seconds.
    """

    def __init__(self, error: str, description: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """Say whether it may work later, with nothing changed."""
        return self.error in _TEMPORARY


def read_token(reply: Reply, now: int) -> ExchangedToken:
    """Return the token of an answer; raises ExchangeFailed."""
    document = reply.document
    if reply.status != 200 or "error" in document:
        raise failure(reply)
    token, kind, lifetime = (
        document.get(name) for name in ("access_token", "token_type", "expires_in")
    )
    if not isinstance(token, str) or not token or not isinstance(kind, str):
        raise ExchangeFailed("server_error", "The answer holds no token.")
    if not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime < 0:
        raise ExchangeFailed("server_error", "The answer does not say how long the token lives.")
    granted = document.get("scope")
    return ExchangedToken(
        token, kind, tuple(granted.split()) if isinstance(granted, str) else (), now + lifetime
    )


def failure(reply: Reply) -> ExchangeFailed:
    """Return the failure that an answer tells of."""
    error, description = (reply.document.get(name) for name in ("error", "error_description"))
    seconds = reply.retry_after or ""
    return ExchangeFailed(
        error if isinstance(error, str) else "server_error",
        description if isinstance(description, str) else "",
        int(seconds) if seconds.isascii() and seconds.isdigit() else None,
    )
