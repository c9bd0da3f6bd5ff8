"""Authorization servers elsewhere that make the token of the last hop: RFC 8693 §2"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from authserver.settings.upstream import SecretClientAuth

ServiceSubject = Literal["upstream_access_token", "upstream_id_token", "minted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalService:
    """One such server, and what we bring there: `subject` says which token of the user.

    A `minted` one is a short JWT of ours for `subject_audience` alone. `scopes` are the most that
    may be asked for.
    """

    name: str
    token_url: str
    client_id: str | None
    client_secret: str | None = field(default=None, repr=False)
    client_auth: SecretClientAuth = "client_secret_basic"
    audience: str | None = None
    resource: str | None = None
    scopes: tuple[str, ...] = ()
    subject: ServiceSubject = "upstream_access_token"
    subject_token_type: str = ""
    subject_audience: str | None = None
    request_timeout: float = 5.0
    ca_file: Path | None = None
