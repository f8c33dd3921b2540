"""kept selections.

Revision: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What a debtor chose among many invoices is kept under a short name."""
    op.create_table(
        "kept_selection",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("minors", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_kept_selection_debtor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_selection")),
    )
    op.create_index(op.f("ix_kept_selection_debtor_id"), "kept_selection", ["debtor_id"])
    op.create_index(op.f("ix_kept_selection_created_at"), "kept_selection", ["created_at"])


def downgrade() -> None:
    """Choices of the last week are gone; nothing else is."""
    op.drop_table("kept_selection")
