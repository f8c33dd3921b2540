"""payouts of any age, adjustments and corrections.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KINDS = (
    "issue",
    "payment",
    "late_failure",
    "chargeback",
    "chargeback_won",
    "refund",
    "refund_failed",
    "receipt",
    "receipt_undone",
    "credit_applied",
    "credit_restored",
    "imported",
    "write_off",
    "fee",
    "payout",
    "payout_returned",
)
NEW_KINDS = ("adjustment", "correction")


def upgrade() -> None:
    """What a movement may mean grows by two words; the watermark says up to when payouts have been looked for."""
    _allow((*KINDS, *NEW_KINDS))
    op.create_table(
        "payout_watermark",
        sa.Column(
            "provider",
            sa.Enum(
                "stripe",
                "gocardless",
                "hand",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_payout_watermark")),
    )


def downgrade() -> None:
    """Refuse while movements stand that the schema before has no word for."""
    new = ", ".join(f"'{kind}'" for kind in NEW_KINDS)
    count = op.get_bind().scalar(sa.text(f"SELECT count(*) FROM ledger_transfer WHERE kind IN ({new})"))
    if count:
        raise RuntimeError(
            "Going back from 0006 would lose what was written since; nothing was changed. Rows that the schema before has no "
            f"place for: {count} of ledger_transfer. Stay on this version, or restore a backup of before the upgrade."
        )
    op.drop_table("payout_watermark")
    _allow(KINDS)


def _allow(kinds: tuple[str, ...]) -> None:
    """NOT VALID first, so that writing does not wait while a million rows are looked at."""
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_ledger_transfer_kind"), "ledger_transfer", type_="check")
    op.execute(
        f"ALTER TABLE ledger_transfer ADD CONSTRAINT ck_ledger_transfer_kind CHECK (kind IN ({words})) NOT VALID"
    )
    op.execute("ALTER TABLE ledger_transfer VALIDATE CONSTRAINT ck_ledger_transfer_kind")
