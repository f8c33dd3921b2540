"""an invoice has come to a step only by a reminder that was sent, or may still be.

What stood of dropped reminders kept their invoices from being reminded until the next step. One of whose letters has left stays.

Revision: 0033
Revises: 0032
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""DELETE FROM reminder_invoice ri USING reminder r WHERE r.id = ri.reminder_id AND r.status = 'dropped'
        AND NOT EXISTS (SELECT FROM message m WHERE m.debtor_id = r.debtor_id AND m.subject_id = r.id AND m.kind = 'reminder'
            AND m.status IN ('sending', 'sent', 'uncertain', 'told'))""")


def downgrade() -> None:
    """Nothing: what was deleted said what never happened."""
