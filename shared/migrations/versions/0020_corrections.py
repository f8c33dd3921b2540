"""corrections that two people agree on.

Revision: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    op.create_table(
        "correction",
        sa.Column("difference", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=True),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("found_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("remedy", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "done",
                "declined",
                name="correctionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(
        "uq_correction_waiting",
        "correction",
        ["difference", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )


def downgrade() -> None:
    """Refuse while corrections stand that the schema before has no place for."""
    count = op.get_bind().scalar(sa.text("SELECT count(*) FROM correction"))
    if count:
        raise RuntimeError(
            "Going back from 0020 would lose what was written since; nothing was changed. Rows that the schema before has no "
            f"place for: {count} of correction. Stay on this version, or restore a backup of before the upgrade."
        )
    op.drop_table("correction")
