"""The way into the database: reads on one connection, and short write transactions.

A refusal commits, because it may have revoked something; a bug rolls back.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Engine, event

from authserver.oauth.errors import OAuthError
from authserver.storage import migrate
from authserver.storage.anchors import AnchorReads, AnchorWrites
from authserver.storage.client_documents import ClientDocumentReads, ClientDocumentWrites
from authserver.storage.clients import ClientReads, ClientWrites
from authserver.storage.config_sections import ConfigSectionReads, ConfigSectionWrites
from authserver.storage.device_authorizations import (
    DeviceAuthorizationReads,
    DeviceAuthorizationWrites,
)
from authserver.storage.engine import open_pool, parse_url, writing
from authserver.storage.epochs import EpochReads, EpochWrites
from authserver.storage.errors import translated
from authserver.storage.expiry import ExpiryReads, ExpiryWrites
from authserver.storage.grants import GrantReads, GrantWrites
from authserver.storage.instances import InstanceReads, InstanceWrites
from authserver.storage.logins import LoginReads, LoginWrites
from authserver.storage.logouts import LogoutReads, LogoutWrites
from authserver.storage.moments import MomentReads
from authserver.storage.on_their_way import OnTheirWayReads
from authserver.storage.pushed_requests import PushedRequestReads, PushedRequestWrites
from authserver.storage.sealed_values import SealedReads, SealedWrites
from authserver.storage.signing_keys import SigningKeyReads, SigningKeyWrites
from authserver.storage.status import StatusReads, StatusWrites
from authserver.storage.turns import Turns
from authserver.storage.upstream_identity import UpstreamIdentityReads, UpstreamIdentityWrites
from authserver.storage.users import UserReads, UserWrites
from authserver.storage.vault import VaultReads, VaultWrites


class Reads(
    AnchorReads,
    ClientDocumentReads,
    ClientReads,
    ConfigSectionReads,
    DeviceAuthorizationReads,
    ExpiryReads,
    GrantReads,
    InstanceReads,
    LoginReads,
    LogoutReads,
    MomentReads,
    OnTheirWayReads,
    PushedRequestReads,
    SealedReads,
    SigningKeyReads,
    StatusReads,
    UserReads,
    UpstreamIdentityReads,
    VaultReads,
    EpochReads,
):
    """Every verb that reads."""


class Transaction(
    Reads,
    AnchorWrites,
    ClientDocumentWrites,
    ClientWrites,
    ConfigSectionWrites,
    DeviceAuthorizationWrites,
    ExpiryWrites,
    GrantWrites,
    InstanceWrites,
    LoginWrites,
    LogoutWrites,
    PushedRequestWrites,
    SealedWrites,
    SigningKeyWrites,
    StatusWrites,
    UserWrites,
    UpstreamIdentityWrites,
    VaultWrites,
    EpochWrites,
):
    """Every verb that writes, and those that read."""

    def commit(self) -> None:
        """Commit, unless a statement failed: PostgreSQL would roll back and not say so."""
        if self.failed:
            raise RuntimeError("a statement of the transaction failed and was passed over")
        try:
            self._connection.commit()
        except BaseException:
            # SQLAlchemy takes the transaction for ended. The database may hold it open still, and
            # the next user of the connection would commit it: ending the connection ends it.
            self._connection.invalidate()
            raise


@dataclass(slots=True)
class Count:
    """What a piece of code asked of the database; BEGIN and COMMIT are no statements."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0


class Store:
    """The database of an authorization server; one per process, shared by its threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = writing(engine)
        # SQLite has one writer at a time: threads take turns instead of polling for its lock.
        self._turn = Turns().take if engine.dialect.name == "sqlite" else nullcontext

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the store of a database URL; it connects on first use. Raises `UnusableUrl`."""
        return cls(open_pool(parse_url(url)))

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Reads]:
        """Give a connection on which each read stands alone; raises `StorageUnavailable`."""
        with translated(self._engine.url), self._engine.connect() as connection:
            yield Reads(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a transaction, committed on success and on `OAuthError`, else rolled back.

        It begins with its first statement. Raises `StorageUnavailable`.
        """
        with translated(self._engine.url), self._turn(), self._writer.connect() as connection:
            tx = Transaction(connection)
            try:
                yield tx
            except OAuthError:
                tx.commit()
                raise
            tx.commit()

    def schema_is_current(self) -> bool:
        """Say whether the schema is the one of this version, or a newer one."""
        with translated(self._engine.url), self._engine.connect() as connection:
            return migrate.is_current(connection)

    def check_schema(self) -> None:
        """Raise `UnfitDatabase` where a table or column of this version is missing."""
        with translated(self._engine.url), self._engine.connect() as connection:
            migrate.check(connection)

    @contextmanager
    def counting(self) -> Iterator[Count]:
        """Count statements and commits of every thread while the block runs."""
        count = Count()

        def statement(_: object, __: object, text: str, *___: Any) -> None:  # noqa: ANN401
            if not text.startswith(("BEGIN", "PRAGMA")):
                count.statements.append(text)

        def commit(_: object) -> None:
            count.commits += 1

        event.listen(self._engine, "before_cursor_execute", statement)
        event.listen(self._engine, "commit", commit)
        try:
            yield count
        finally:
            event.remove(self._engine, "before_cursor_execute", statement)
            event.remove(self._engine, "commit", commit)
