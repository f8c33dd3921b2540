"""forms that could not be taken, kept for two hours.

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_draft",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_kept_draft")),
    )
    op.create_index(op.f("ix_kept_draft_kept_at"), "kept_draft", ["kept_at"])


def downgrade() -> None:
    op.drop_table("kept_draft")
