"""replies for every room.

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEPT = ("pk_{}", "fk_{}_company_id")
"""Constraints that only change their name with the table."""


def upgrade() -> None:
    """Replies of disputes become those of one room among four; they stay as they were written."""
    op.drop_constraint(op.f("uq_dispute_saved_reply_company_id_code"), "dispute_saved_reply", type_="unique")
    op.rename_table("dispute_saved_reply", "saved_reply")
    _rename("dispute_saved_reply", "saved_reply", table="saved_reply")
    op.add_column("saved_reply", sa.Column("room", sa.String(length=32), nullable=False, server_default="dispute"))
    op.add_column("saved_reply", sa.Column("act", sa.String(length=16), nullable=False, server_default="answer"))
    op.alter_column("saved_reply", "room", server_default=None)
    op.alter_column("saved_reply", "act", server_default=None)
    op.create_check_constraint(
        op.f("ck_saved_reply_room"), "saved_reply", "room IN ('dispute', 'plan', 'promise', 'declaration')"
    )
    op.create_unique_constraint(
        op.f("uq_saved_reply_company_id_room_code"), "saved_reply", ["company_id", "room", "code"]
    )


def downgrade() -> None:
    """Only disputes have replies, and only for answers: with others it refuses, because they would be lost."""
    lost = op.get_bind().execute(sa.text("SELECT count(*) FROM saved_reply WHERE room <> 'dispute' OR act <> 'answer'"))
    if count := lost.scalar_one():
        raise RuntimeError(
            "Going back from 0003 would lose what was written since; nothing was changed. Rows that the schema before has no "
            f"place for: {count} of saved_reply. Stay on this version, or restore a backup of before the upgrade."
        )
    op.drop_constraint(op.f("uq_saved_reply_company_id_room_code"), "saved_reply", type_="unique")
    op.drop_constraint(op.f("ck_saved_reply_room"), "saved_reply", type_="check")
    op.drop_column("saved_reply", "act")
    op.drop_column("saved_reply", "room")
    op.rename_table("saved_reply", "dispute_saved_reply")
    _rename("saved_reply", "dispute_saved_reply", table="dispute_saved_reply")
    op.create_unique_constraint(
        op.f("uq_dispute_saved_reply_company_id_code"), "dispute_saved_reply", ["company_id", "code"]
    )


def _rename(before: str, after: str, *, table: str) -> None:
    for name in KEPT:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {name.format(before)} TO {name.format(after)}")
