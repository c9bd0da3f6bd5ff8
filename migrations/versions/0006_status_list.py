"""The status list: an index for each root of tokens

Revision 0006. Grants that are older get theirs with their next token.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "status_entries",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("subject_0", sa.Text(), nullable=False),
        sa.Column("subject_1", sa.Text(), nullable=False),
        sa.Column("subject_2", sa.Text(), nullable=False),
        sa.Column("subject_3", sa.Text(), nullable=False),
        sa.Column("epochs", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_status_entries")),
        sa.UniqueConstraint("root", name=op.f("uq_status_entries_root")),
    )
    op.add_column("grants", sa.Column("status_index", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("grants", "status_index")
    op.drop_table("status_entries")
