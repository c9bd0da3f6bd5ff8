"""The keys that codes and grants are bound to

Revision 0010. Those that are older are bound to none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("codes", sa.Column("dpop_jkt", sa.Text(), nullable=True))
    op.add_column("grants", sa.Column("dpop_jkt", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("grants", "dpop_jkt")
    op.drop_column("codes", "dpop_jkt")
