"""whom somebody invites is shown by the name that was typed.

Revision: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("debtor_contact", sa.Column("called", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("debtor_contact", "called")
