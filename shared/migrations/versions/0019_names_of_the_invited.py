"""whom somebody invites is shown by the name that was typed.

Revision: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("debtor_contact", sa.Column("called", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("debtor_contact", "called")
