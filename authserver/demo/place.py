"""The directory of one demo: configuration, secrets, database, logs, each file written whole."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from authserver.demo.mcp_server import SCOPES

_MARK = '# Written by "authserver demo" at every start; changes to this file are lost.'
_CONFIG = """\
{mark}
issuer = "{issuer}"

[upstream]
type = "oidc"
issuer = "{upstream}"
client_id = "{client_id}"
client_secret = "file:{secret_file}"
name = "the demo identity provider"

[resources.issues]
url = "{mcp_url}"
name = "Demo issues"

[resources.issues.scopes]
{scopes}
"""
CLIENT_ID = "authserver-demo"
_SECRET_FILE = "upstream.secret"
_SEALING_KEY_FILE = "sealing.key"


class NotOurs(Exception):
    """The directory holds the configuration of something else."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one demo lives, and which URLs its three servers have."""

    directory: Path
    issuer: str
    upstream: str
    mcp_url: str

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / "authserver.toml"

    @property
    def log(self) -> Path:
        """What the authorization server says."""
        return self.directory / "authserver.log"

    def furnish(self, client_secret: str) -> None:
        """Write configuration and secrets; raises NotOurs rather than overwrite another's file.

        The sealing key stays when there is one: it opens what the database holds.
        """
        if self.config.exists() and not self.config.read_text().startswith(_MARK):
            raise NotOurs(f"{self.config} was not written by the demo, so it is not overwritten.")
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.directory / _SEALING_KEY_FILE).exists():
            self._write(_SEALING_KEY_FILE, secrets.token_bytes(32))
        self._write(_SECRET_FILE, client_secret.encode())
        self._write(self.config.name, self._configuration().encode())

    def _configuration(self) -> str:
        return _CONFIG.format(
            mark=_MARK,
            issuer=self.issuer,
            upstream=self.upstream,
            client_id=CLIENT_ID,
            secret_file=_SECRET_FILE,
            mcp_url=self.mcp_url,
            scopes="\n".join(f'"{scope}" = "{meaning}"' for scope, meaning in SCOPES.items()),
        )

    def _write(self, name: str, content: bytes) -> None:
        unfinished = self.directory / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            unfinished.replace(self.directory / name)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
