"""Upstream tokens, running instances, and the key of each refresh token

Revision 0004. A grant that is older has no `refresh_kid`: its refresh token may be of any key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("upstream_issuer", sa.Text(), nullable=False),
        sa.Column("upstream_subject", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("id_token", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("requested_scope", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("upstream_client_id", sa.Text(), nullable=False),
        sa.Column("obtained_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_upstream_tokens")),
    )
    op.create_table(
        "instances",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealing_kid", sa.Text(), nullable=False),
        sa.Column("kids", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instances")),
    )
    op.add_column("grants", sa.Column("refresh_kid", sa.Text(), nullable=True))
    op.create_index(op.f("ix_grants_sub"), "grants", ["sub"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_grants_sub"), table_name="grants")
    op.drop_column("grants", "refresh_kid")
    op.drop_table("instances")
    op.drop_table("upstream_tokens")
