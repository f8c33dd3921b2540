"""a week between two letters, where nobody has chosen otherwise.

Revision: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The three days of a scenario that was made with the company become seven; what a person set, or left as it was, stays."""
    op.execute("""UPDATE scenario SET quiet_days = 7 WHERE is_default AND quiet_days = 3 AND NOT EXISTS (
        SELECT FROM audit_line a WHERE a.subject_type = 'scenario' AND a.subject_id = scenario.id
            AND a.action IN ('scenario.added', 'scenario.changed'))""")


def downgrade() -> None:
    """Seven days stay: nobody can tell any more where a person chose them."""
