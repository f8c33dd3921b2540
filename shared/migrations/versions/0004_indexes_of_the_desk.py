"""indexes of the desk's lists.

Revision: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IS_OPEN = "open_minor > 0"
BY_BYTES = {"number": 'COLLATE "C"'}


def upgrade() -> None:
    """Each order of a list is an index, and what is added up stands in one.

    Writing waits meanwhile: some ten seconds for a million invoices.
    """
    op.drop_index("ix_invoice_number", table_name="invoice")
    op.create_index("ix_invoice_number", "invoice", ["company_id", "number", "id"], postgresql_ops=BY_BYTES)
    op.create_index(
        "ix_invoice_open_number",
        "invoice",
        ["company_id", "number", "id"],
        postgresql_ops=BY_BYTES,
        postgresql_where=IS_OPEN,
    )
    op.create_index("ix_invoice_issued", "invoice", ["company_id", "issued_on", "id"], postgresql_include=["kind"])
    op.create_index(
        "ix_invoice_open_issued", "invoice", ["company_id", "issued_on", "id"], postgresql_where=IS_OPEN
    )
    op.create_index("ix_invoice_amount", "invoice", ["company_id", "open_minor", "id"])
    _due("debtor_id", "total_minor", "open_minor", "held_minor", "kind")
    _received("received_on", "amount_minor", "status")
    op.create_index("ix_mandate_created", "mandate", ["company_id", "created_at", "id"])
    op.drop_index("ix_debtor_credit", table_name="debtor")
    op.create_index("ix_debtor_credit", "debtor", ["company_id", "credit_minor", "id"])
    op.create_index(
        "ix_contact_bounced", "contact", ["company_id", "bounced_at"], postgresql_where="bounced_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index("ix_contact_bounced", table_name="contact")
    op.drop_index("ix_debtor_credit", table_name="debtor")
    op.create_index(
        "ix_debtor_credit", "debtor", ["company_id", "credit_minor", "id"], postgresql_where="credit_minor > 0"
    )
    op.drop_index("ix_mandate_created", table_name="mandate")
    _received("amount_minor", "status")
    _due("debtor_id", "open_minor", "held_minor", "kind")
    for name in ("ix_invoice_amount", "ix_invoice_open_issued", "ix_invoice_issued", "ix_invoice_open_number"):
        op.drop_index(name, table_name="invoice")
    op.drop_index("ix_invoice_number", table_name="invoice")
    op.create_index(
        "ix_invoice_number", "invoice", ["company_id", "number"], postgresql_ops={"number": "text_pattern_ops"}
    )


def _due(*included: str) -> None:
    op.drop_index("ix_invoice_company_due", table_name="invoice")
    op.create_index(
        "ix_invoice_company_due",
        "invoice",
        ["company_id", "due_on", "id"],
        postgresql_include=included,
        postgresql_where=IS_OPEN,
    )


def _received(*included: str) -> None:
    op.drop_index("ix_payment_received", table_name="payment")
    op.create_index(
        "ix_payment_received",
        "payment",
        ["company_id", "confirmed_at"],
        postgresql_include=included,
        postgresql_where="confirmed_at IS NOT NULL",
    )
