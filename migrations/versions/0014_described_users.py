"""When a user was described last

Revision 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("described_at", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.execute("UPDATE users SET described_at = last_login_at")


def downgrade() -> None:
    op.drop_column("users", "described_at")
