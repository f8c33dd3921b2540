"""an import taken back.

Revision: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BEFORE = ("reading", "ready", "faulty", "waiting", "writing", "done", "refused", "cancelled", "asking")
MADE = ("debtor", "debtor_alias", "contact", "debtor_contact")
"""What an import makes besides invoices, which name their import already."""


def upgrade() -> None:
    """Everything that an import makes names it; what it changes is kept as it was; invoices taken back leave a tombstone."""
    for table in MADE:
        op.add_column(table, sa.Column("import_run_id", sa.Uuid(), nullable=True))
    op.add_column("debtor", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("import_run", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("import_run", sa.Column("undone_by_id", sa.Uuid(), nullable=True))
    op.add_column("import_run", sa.Column("undone_by", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("import_run", sa.Column("undo_reason", sa.Text(), nullable=False, server_default=sa.text("''")))
    _states(*BEFORE, "undoing", "undone")
    op.create_table(
        "import_change",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_change_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_change")),
        sa.UniqueConstraint("run_id", "kind", "subject_id", name=op.f("uq_import_change_run_id_kind_subject_id")),
    )
    op.create_table(
        "import_leg",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_leg_run_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["ledger_transfer.id"], name=op.f("fk_import_leg_transfer_id")),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_import_leg")),
    )
    op.create_index(op.f("ix_import_leg_run_id"), "import_leg", ["run_id"])
    op.create_table(
        "invoice_withdrawn",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("invoice", "credit_note", name="withdrawn_kind"), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("import_run_id", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_invoice_withdrawn_company_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_invoice_withdrawn_debtor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_withdrawn")),
    )
    op.create_index(op.f("ix_invoice_withdrawn_debtor_id"), "invoice_withdrawn", ["debtor_id"])
    # an invoice that goes is looked for in every table that may name it: each of these had to be read whole
    op.create_index(
        op.f("ix_invoice_credits_invoice_id"),
        "invoice",
        ["credits_invoice_id"],
        postgresql_where=sa.text("credits_invoice_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_invoice_freeze_invoice_id"), "invoice_freeze", ["invoice_id"])


def downgrade() -> None:
    """What was taken back can be told no longer: refused while there is any of it. Else only the way back is lost."""
    lost = op.get_bind().execute(
        sa.text(
            "SELECT (SELECT count(*) FROM invoice_withdrawn), (SELECT count(*) FROM debtor WHERE withdrawn_at IS NOT NULL), "
            "(SELECT count(*) FROM import_run WHERE state IN ('undoing', 'undone'))"
        )
    )
    invoices, debtors, runs = lost.one()
    if invoices or debtors or runs:
        raise RuntimeError(
            "Going back from 0026 would lose what was written since; nothing was changed. Rows that the schema before has no "
            f"place for: {invoices} of invoice_withdrawn, {debtors} of debtor, {runs} of import_run. Stay on this version, or "
            "restore a backup of before the upgrade."
        )
    op.drop_index(op.f("ix_invoice_freeze_invoice_id"), table_name="invoice_freeze")
    op.drop_index(op.f("ix_invoice_credits_invoice_id"), table_name="invoice")
    for table in ("invoice_withdrawn", "import_leg", "import_change"):
        op.drop_table(table)
    _states(*BEFORE)
    for name in ("undo_reason", "undone_by", "undone_by_id", "undone_at"):
        op.drop_column("import_run", name)
    op.drop_column("debtor", "withdrawn_at")
    for table in MADE:
        op.drop_column(table, "import_run_id")


def _states(*states: str) -> None:
    op.drop_constraint(op.f("ck_import_run_runstate"), "import_run", type_="check")
    op.create_check_constraint(op.f("ck_import_run_runstate"), "import_run", sa.column("state").in_(states))


def _one_of(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
