"""an index of messages that could not leave.

Revision: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_message_refused", "message", ["company_id", "created_at"], postgresql_where="status = 'refused'"
    )


def downgrade() -> None:
    op.drop_index("ix_message_refused", table_name="message")
