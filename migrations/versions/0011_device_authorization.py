"""Device authorization

Revision 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_authorizations",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("typed_digest", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("network_digest", sa.Text(), nullable=False),
        sa.Column("epochs", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.BigInteger(), nullable=False),
        sa.Column("next_poll_at", sa.BigInteger(), nullable=False),
        sa.Column("slowed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("sub", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("auth_time", sa.BigInteger(), nullable=True),
        sa.Column("upstream_sid", sa.Text(), nullable=True),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_authorizations")),
        sa.UniqueConstraint("typed_digest", name=op.f("uq_device_authorizations_typed_digest")),
    )
    for column in ("client_id", "network_digest"):
        op.create_index(
            op.f(f"ix_device_authorizations_{column}"), "device_authorizations", [column]
        )
    op.add_column("pending_authorizations", sa.Column("device_digest", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("pending_authorizations", "device_digest")
    op.drop_table("device_authorizations")
