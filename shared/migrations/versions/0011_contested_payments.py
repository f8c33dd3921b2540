"""contested payments.

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = ("open", "answered", "to_decide", "won", "owed", "given_up", "settled")

CHECKS = (
    ("invoice_freeze", "kind", "freezekind", ("dispute", "plan", "promise", "declaration", "respite", "legal_hold"), "chargeback"),
    ("staff_notice_preference", "notice_group", "noticegroup", ("disputes", "plans", "promises", "declarations"), "payments"),
)
"""Columns that may say one word more than before."""


def upgrade() -> None:
    """A payment that a bank contests is a case; a refund says whether what it gives back is owed again."""
    op.create_table(
        "chargeback",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("opened_step", sa.SmallInteger(), nullable=False),
        sa.Column("reference", sa.String(length=24), nullable=False),
        sa.Column("kind", _one_of("chargebackkind", "card", "debit", "refusal"), nullable=False),
        sa.Column("state", _one_of("chargebackstate", *STATES), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("provider_reference", sa.String(length=128), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("warned_on", sa.Date(), nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=False),
        sa.Column("wished_by_id", sa.Uuid(), nullable=True),
        sa.Column("wished_by_name", sa.String(), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("assigned_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_chargeback_amount_minor_above_zero")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_chargeback_company_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_chargeback_debtor_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_chargeback_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargeback")),
        sa.UniqueConstraint("payment_id", "opened_step", name=op.f("uq_chargeback_payment_id_opened_step")),
        sa.UniqueConstraint("reference", name=op.f("uq_chargeback_reference")),
    )
    op.create_index("ix_chargeback_company", "chargeback", ["company_id", "due_on", "id"])
    op.create_index("ix_chargeback_debtor", "chargeback", ["debtor_id", "id"])
    op.create_index(
        "ix_chargeback_live",
        "chargeback",
        ["company_id", "due_on"],
        postgresql_include=["amount_minor", "state"],
        postgresql_where="state IN ('open', 'answered', 'to_decide')",
    )
    op.create_table(
        "chargeback_part",
        sa.Column("chargeback_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_chargeback_part_amount_minor_above_zero")),
        sa.ForeignKeyConstraint(["chargeback_id"], ["chargeback.id"], name=op.f("fk_chargeback_part_chargeback_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_chargeback_part_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargeback_part")),
        sa.UniqueConstraint("chargeback_id", "invoice_id", name=op.f("uq_chargeback_part_chargeback_id_invoice_id")),
    )
    op.create_index(op.f("ix_chargeback_part_invoice_id"), "chargeback_part", ["invoice_id"])
    op.create_table(
        "chargeback_transition",
        sa.Column("chargeback_id", sa.Uuid(), nullable=False),
        sa.Column("before", _one_of("before", *STATES), nullable=True),
        sa.Column("after", _one_of("after", *STATES), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chargeback_id"], ["chargeback.id"], name=op.f("fk_chargeback_transition_chargeback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargeback_transition")),
        sa.UniqueConstraint("chargeback_id", "step", name=op.f("uq_chargeback_transition_chargeback_id_step")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON chargeback_transition "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.add_column("refund", sa.Column("is_owed", sa.Boolean(), nullable=False, server_default="true"))
    op.alter_column("refund", "is_owed", server_default=None)
    for table, column, name, words, new in CHECKS:
        _say(table, column, name, *words, new)


def downgrade() -> None:
    connection = op.get_bind()
    for what in ("chargeback", "refund WHERE NOT is_owed", "staff_notice_preference WHERE notice_group = 'payments'"):
        kept = connection.execute(sa.text(f"SELECT count(*) FROM {what}")).scalar_one()  # noqa: S608 - our own words
        if kept:
            raise RuntimeError(f"{kept} of {what} would be lost")
    for table, column, name, words, _new in CHECKS:
        _say(table, column, name, *words)
    op.drop_column("refund", "is_owed")
    op.drop_table("chargeback_transition")
    op.drop_table("chargeback_part")
    op.drop_table("chargeback")


def _one_of(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _say(table: str, column: str, name: str, *words: str) -> None:
    said = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({said})")
