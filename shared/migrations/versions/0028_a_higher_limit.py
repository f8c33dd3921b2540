"""a higher limit waits for a second administrator, or a day.

Revision: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

STATES = sa.Enum("asked", "agreed", "declined", name="raisestate", native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Limits that stand keep standing."""
    op.create_table(
        "limit_raise",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("after_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", STATES, nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_name", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ripe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_limit_raise_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_raise")),
    )
    asked = sa.text("state = 'asked'")
    op.create_index("uq_limit_raise_asked", "limit_raise", ["company_id"], unique=True, postgresql_where=asked)
    op.create_index("ix_limit_raise_ripe", "limit_raise", ["ripe_at"], postgresql_where=asked)


def downgrade() -> None:
    """What was asked for and decided is told by the audit trail."""
    op.drop_table("limit_raise")
