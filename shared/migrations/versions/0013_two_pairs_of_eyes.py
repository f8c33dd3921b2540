"""what is given away adds up; who made or raised whom; people whom staff added.

Revision: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATES = sa.Enum("asked", "alone", "seen", "declined", "undone", name="giftstate", native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Earlier refunds come into the book of what was given; what two people saw counts for nothing there."""
    op.create_table(
        "gift",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("state", STATES, nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("minor > 0", name=op.f("ck_gift_minor_above_zero")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_gift_company_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_gift_debtor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift")),
    )
    op.create_index("uq_gift_subject", "gift", ["kind", "subject_id"], unique=True)
    op.create_index(op.f("ix_gift_debtor_id_given_at"), "gift", ["debtor_id", "given_at"])
    op.create_index(op.f("ix_gift_payment_id"), "gift", ["payment_id"])
    op.create_table(
        "gift_part",
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("minor > 0", name=op.f("ck_gift_part_minor_above_zero")),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"], name=op.f("fk_gift_part_gift_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_gift_part_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_part")),
    )
    op.create_index(op.f("ix_gift_part_invoice_id"), "gift_part", ["invoice_id"])
    op.create_index(op.f("ix_gift_part_gift_id"), "gift_part", ["gift_id"])
    op.execute(
        """
        INSERT INTO gift (id, company_id, debtor_id, kind, subject_id, payment_id, state, minor, currency, by_id, given_at)
        SELECT gen_random_uuid(), payment.company_id, payment.debtor_id, 'refund', refund.id, payment.id,
               CASE WHEN refund.status = 'asked' THEN 'asked' WHEN refund.status = 'declined' THEN 'declined'
                    WHEN refund.status = 'failed' THEN 'undone' WHEN refund.approved_by <> '' THEN 'seen' ELSE 'alone' END,
               refund.amount_minor, refund.currency, refund.asked_by_id, refund.created_at
        FROM refund JOIN payment ON payment.id = refund.payment_id
        WHERE refund.asked_by_id IS NOT NULL
        """
    )
    op.add_column("staff_member", sa.Column("made_by_id", sa.Uuid(), nullable=True))
    op.add_column("staff_member", sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("staff_member", sa.Column("raised_by_id", sa.Uuid(), nullable=True))
    op.add_column("staff_member", sa.Column("password_link_hash", sa.LargeBinary(), nullable=True))
    op.add_column("staff_member", sa.Column("password_link_until", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_staff_member_password_link_hash"), "staff_member", ["password_link_hash"])
    op.add_column("debtor_contact", sa.Column("trusted_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("debtor_contact", sa.Column("added_by_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("debtor_contact", "added_by_id")
    op.drop_column("debtor_contact", "trusted_from")
    op.drop_constraint(op.f("uq_staff_member_password_link_hash"), "staff_member")
    for name in ("password_link_until", "password_link_hash", "raised_by_id", "raised_at", "made_by_id"):
        op.drop_column("staff_member", name)
    op.drop_table("gift_part")
    op.drop_table("gift")
