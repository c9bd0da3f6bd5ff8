"""Pushed authorization requests

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pushed_requests",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("network_digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pushed_requests")),
    )
    for column in ("client_id", "network_digest"):
        op.create_index(op.f(f"ix_pushed_requests_{column}"), "pushed_requests", [column])


def downgrade() -> None:
    op.drop_table("pushed_requests")
