"""Clients that are blocked, and where requests on their way came from

Revision 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("blocked_at", sa.BigInteger(), nullable=True))
    op.add_column("pending_authorizations", sa.Column("network_digest", sa.Text(), nullable=True))
    op.create_index(
        op.f("ix_pending_authorizations_network_digest"),
        "pending_authorizations",
        ["network_digest"],
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_pending_authorizations_network_digest"), table_name="pending_authorizations"
    )
    op.drop_column("pending_authorizations", "network_digest")
    op.drop_column("clients", "blocked_at")
