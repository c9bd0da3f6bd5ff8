"""The tables. Times are integer seconds, texts are unbounded, nothing cascades.

A grant outlives its client's row and a tombstone its session, so there are no foreign keys.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ScopeText(TypeDecorator[tuple[str, ...]]):
    """A tuple of scopes as one text, separated by spaces (RFC 6749 §3.3)."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: tuple[str, ...] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> str | None:
        """Join the scopes."""
        return None if value is None else " ".join(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> tuple[str, ...] | None:
        """Split the scopes."""
        return None if value is None else tuple(value.split())


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable, unique=unique)


def _indexed(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, index=True)


def _integer(name: str, *, nullable: bool = False, unique: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, unique=unique)


clients = Table(
    "clients",
    metadata,
    _key("client_id"),
    _text("document"),
    _text("secret_digest", nullable=True),
    Column("preregistered", Boolean, nullable=False),
    _integer("registered_at"),
    _integer("blocked_at", nullable=True),
    _text("registration_token_digest", nullable=True),
)

users = Table(
    "users",
    metadata,
    _key("sub"),
    _text("upstream_issuer"),
    _text("upstream_subject"),
    _text("name", nullable=True),
    _text("email", nullable=True),
    Column("email_verified", Boolean, nullable=False),
    _text("claims"),
    _integer("created_at"),
    _integer("last_login_at"),
    # A version before it makes users without.
    Column("described_at", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("upstream_issuer", "upstream_subject"),
)

# One row: what the users above are known by.
upstream_identity = Table(
    "upstream_identity",
    metadata,
    _key("key"),
    _text("type"),
    _text("issuer"),
    _text("client_id"),
    _text("subject_source"),
    _integer("since"),
)

sessions = Table(
    "sessions",
    metadata,
    _key("digest"),
    _text("sub"),
    _integer("auth_time"),
    _integer("created_at"),
    _integer("last_seen_at"),
    _integer("epochs"),
    _text("upstream_sid", nullable=True),
    _text("signed_in_for"),
)

pending_authorizations = Table(
    "pending_authorizations",
    metadata,
    _key("id"),
    _text("request"),
    _indexed("client_id"),
    _text("binding_digest"),
    _integer("epochs"),
    _integer("created_at"),
    _integer("expires_at"),
    _text("status"),
    _text("device_digest", nullable=True),
    Column("network_digest", Text, nullable=True, index=True),  # none before it was noted
)

# What a device asked for, then what its user approved, then when that was redeemed.
device_authorizations = Table(
    "device_authorizations",
    metadata,
    _key("digest"),
    _text("typed_digest", unique=True),
    _text("request"),
    _indexed("client_id"),
    _text("address"),
    _indexed("network_digest"),
    _integer("epochs"),
    _integer("created_at"),
    _integer("expires_at"),
    _integer("interval"),
    _integer("next_poll_at"),
    Column("slowed", Boolean, nullable=False),
    _text("status"),
    _text("grant_id", nullable=True),
    _text("sub", nullable=True),
    Column("scope", ScopeText, nullable=True),
    _integer("auth_time", nullable=True),
    _text("upstream_sid", nullable=True),
    _integer("spent_at", nullable=True),
)

pushed_requests = Table(
    "pushed_requests",
    metadata,
    _key("digest"),
    _text("request"),
    _indexed("client_id"),
    _indexed("network_digest"),
    _integer("expires_at"),
)

upstream_logins = Table(
    "upstream_logins",
    metadata,
    _key("state_digest"),
    _text("pending_id"),
    _integer("created_at"),
    _integer("expires_at"),
)

# Each is taken once, and tells a sign-in of that moment that it has ended.
logout_tokens = Table(
    "logout_tokens",
    metadata,
    _key("digest"),
    _text("ends"),
    _integer("received_at"),
    _integer("expires_at"),
)

consents = Table(
    "consents",
    metadata,
    # Of the four below: together they may be longer than PostgreSQL's index entries.
    _key("digest"),
    _text("sub"),
    _indexed("client_id"),
    _text("redirect_uri"),
    _text("resource"),
    Column("scope", ScopeText, nullable=False),
    _text("client_digest"),
    _integer("epochs"),
    _integer("granted_at"),
)

codes = Table(
    "codes",
    metadata,
    _key("digest"),
    _text("grant_id", unique=True),
    _text("client_id"),
    _text("redirect_uri"),
    Column("redirect_uri_given", Boolean, nullable=False),
    _text("sub"),
    _text("resource"),
    Column("scope", ScopeText, nullable=False),
    _text("code_challenge"),
    _integer("auth_time"),
    _integer("epochs"),
    _integer("expires_at"),
    _text("nonce", nullable=True),
    _text("upstream_sid", nullable=True),
    _integer("spent_at", nullable=True),
    _text("dpop_jkt", nullable=True),
)

# What a rotation writes has no index, so that PostgreSQL updates the row in place.
grants = Table(
    "grants",
    metadata,
    _key("id"),
    _text("handle", unique=True),
    _indexed("client_id"),
    _indexed("sub"),
    _text("resource"),
    Column("scope", ScopeText, nullable=False),
    _integer("auth_time"),
    Column("seed", LargeBinary, nullable=False),
    _integer("generation"),
    _integer("rotated_at"),
    _integer("created_at"),
    _integer("expires_at"),
    _integer("idle_expires_at"),
    _integer("epochs"),
    _text("upstream_sid", nullable=True),
    _integer("revoked_at", nullable=True),
    _text("refresh_kid", nullable=True),
    _integer("status_index", nullable=True),
    _text("dpop_jkt", nullable=True),
)

# The bit of each root of tokens in the status list, with what ends it, so that one query tells.
status_entries = Table(
    "status_entries",
    metadata,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    _text("root", unique=True),
    _text("grant_id", nullable=True),
    _text("subject_0"),
    _text("subject_1"),
    _text("subject_2"),
    _text("subject_3"),
    _integer("epochs"),
    _integer("renewed_at"),
)

# Access tokens that were revoked one by one; what was exchanged from them names them too.
revoked_tokens = Table("revoked_tokens", metadata, _key("jti"), _integer("expires_at"))

# The newest document of each client that publishes itself.
client_documents = Table(
    "client_documents",
    metadata,
    _key("client_id"),
    _text("document"),
    _integer("fetched_at"),
    _integer("fresh_until"),
)

# Client assertions and proofs of possession that were taken, each once.
spent_assertions = Table("spent_assertions", metadata, _key("digest"), _integer("expires_at"))

epochs = Table("epochs", metadata, _key("subject"), _integer("epoch"))

signing_keys = Table(
    "signing_keys",
    metadata,
    _key("kid"),
    _integer("sequence", unique=True),
    _text("alg"),
    _text("sealed"),
    _integer("created_at"),
    _integer("active_at"),
    _integer("retired_at", nullable=True),
    _integer("expires_at", nullable=True),
)

upstream_tokens = Table(
    "upstream_tokens",
    metadata,
    # Of the four below: together they may be longer than PostgreSQL's index entries.
    _key("digest"),
    _text("sub"),
    _text("upstream_issuer"),
    _text("upstream_subject"),
    _text("resource"),
    _text("access_token"),
    _text("refresh_token", nullable=True),
    _text("id_token", nullable=True),
    Column("scope", ScopeText, nullable=False),
    Column("requested_scope", ScopeText, nullable=False),
    _integer("expires_at", nullable=True),
    _text("upstream_client_id"),
    _integer("obtained_at"),
    _text("lease", nullable=True),
    _integer("lease_expires_at", nullable=True),
)

# The configuration that was last taken, so that what it lacks and what changed is noticed.
config_sections = Table(
    "config_sections",
    metadata,
    _key("name"),
    _text("identifier", nullable=True),
    _text("kid"),
    _text("whole"),
    _text("shape"),
    _integer("taken_at"),
)

instances = Table(
    "instances",
    metadata,
    _key("id"),
    _text("sealing_kid"),
    Column("kids", ScopeText, nullable=False),
    _integer("last_seen_at"),
)
