"""The tokens by which clients change their registrations

Revision 0013. Clients that are older have none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("registration_token_digest", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("clients", "registration_token_digest")
