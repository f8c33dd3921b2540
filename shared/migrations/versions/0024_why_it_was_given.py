"""what is given away keeps who asked, why, and who decided.

Revision: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was noted before has its names in the rows of its own room."""
    op.add_column("gift", sa.Column("by_name", sa.String(), nullable=False, server_default=""))
    op.add_column("gift", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("gift", sa.Column("decided_by_id", sa.Uuid(), nullable=True))
    op.add_column("gift", sa.Column("decided_by_name", sa.String(), nullable=False, server_default=""))
    op.add_column("gift", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("by_name", "reason", "decided_by_name"):
        op.alter_column("gift", name, server_default=None)


def downgrade() -> None:
    """Who asked and decided is still told by the audit trail."""
    for name in ("decided_at", "decided_by_name", "decided_by_id", "reason", "by_name"):
        op.drop_column("gift", name)
