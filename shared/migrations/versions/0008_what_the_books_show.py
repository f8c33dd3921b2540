"""what the books show.

Revision: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An invoice keeps what the books know of payments made here, and what they show settled under a payment in flight.

    Customers may have been known by other codes; an import keeps what it wrote, so that it can be undone.
    """
    for name in ("elsewhere_minor", "booked_minor"):
        op.add_column("invoice", sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("invoice", sa.Column("cancelled_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_invoice_elsewhere_within_held"), "invoice", "elsewhere_minor BETWEEN 0 AND held_minor"
    )
    op.create_check_constraint(op.f("ck_invoice_booked_minor_at_least_zero"), "invoice", "booked_minor >= 0")
    op.create_table(
        "debtor_alias",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("essence", sa.String(length=64), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_debtor_alias_company_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_debtor_alias_debtor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debtor_alias")),
        sa.UniqueConstraint("company_id", "essence", name=op.f("uq_debtor_alias_company_id_essence")),
    )
    op.create_index(op.f("ix_debtor_alias_debtor_id"), "debtor_alias", ["debtor_id"])
    op.add_column("debtor", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_debtor_merged_into_id"), "debtor", "debtor", ["merged_into_id"], ["id"])
    op.create_index(
        op.f("ix_debtor_merged_into_id"),
        "debtor",
        ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )


def downgrade() -> None:
    """What the books show is lost with its columns; nothing of that can be told by the schema before: refused while it is there."""
    lost = op.get_bind().execute(
        sa.text(
            "SELECT (SELECT count(*) FROM invoice WHERE elsewhere_minor > 0 OR cancelled_on IS NOT NULL), "
            "(SELECT count(*) FROM debtor_alias)"
        )
    )
    invoices, aliases = lost.one()
    if invoices or aliases:
        raise RuntimeError(
            "Going back from 0008 would lose what was written since; nothing was changed. Rows that the schema before has no "
            f"place for: {invoices} of invoice, {aliases} of debtor_alias. Stay on this version, or restore a backup of before "
            "the upgrade."
        )
    op.drop_index(op.f("ix_debtor_merged_into_id"), table_name="debtor")
    op.drop_constraint(op.f("fk_debtor_merged_into_id"), "debtor", type_="foreignkey")
    op.drop_column("debtor", "merged_into_id")
    op.drop_table("debtor_alias")
    op.drop_constraint(op.f("ck_invoice_elsewhere_within_held"), "invoice", type_="check")
    op.drop_constraint(op.f("ck_invoice_booked_minor_at_least_zero"), "invoice", type_="check")
    for name in ("cancelled_on", "booked_minor", "elsewhere_minor"):
        op.drop_column("invoice", name)
