"""whether an ordered paper failed for being too long, and not because it was given up.

Of those that failed before it is not known: they may be asked for again at once.

Revision: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("paper_order", sa.Column("is_too_heavy", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("paper_order", "is_too_heavy")
