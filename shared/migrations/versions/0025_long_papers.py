"""long papers: ordered, and made in the background.

Revision: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Orders of papers that nobody can wait for."""
    kinds = ("original", "invoice", "statement", "receipt", "mandate", "plan")
    op.create_table(
        "paper_order",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of(*kinds, name="documentkind"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("wanted", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("waiting", "making", "ready", "failed", name="orderstate"), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("portion_count", sa.Integer(), nullable=False),
        sa.Column("portions", postgresql.JSONB(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'ready') = (document_id IS NOT NULL)", name=op.f("ck_paper_order_ready_has_document")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_paper_order_company_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_paper_order_debtor_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_paper_order_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_order")),
    )
    op.create_index(op.f("ix_paper_order_debtor_id_id"), "paper_order", ["debtor_id", "id"])
    op.create_index(op.f("ix_paper_order_created_at"), "paper_order", ["created_at"])
    op.create_index(
        "uq_paper_order_underway",
        "paper_order",
        ["kind", "subject_id", "wanted"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'making')"),
    )


def downgrade() -> None:
    """Papers that were being made are asked for again."""
    op.drop_table("paper_order")


def _one_of(*words: str, name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)
