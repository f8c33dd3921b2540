"""Events that wait, by the names of what they are about: those of one object are answered by one question.

Revision: 0035
Revises: 0034
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbox_event_waiting_names",
        "inbox_event",
        ["subject_references"],
        postgresql_using="gin",
        postgresql_ops={"subject_references": "jsonb_path_ops"},
        postgresql_where="state = 'waiting'",
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_event_waiting_names", table_name="inbox_event")
