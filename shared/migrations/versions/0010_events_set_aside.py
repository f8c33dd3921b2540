"""news that cannot be read is set aside with its bytes.

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = ("waiting", "handled", "ignored", "parked", "stuck")


def upgrade() -> None:
    op.add_column("inbox_event", sa.Column("body", sa.LargeBinary(), nullable=True))
    _allow((*STATES, "set_aside"))


def downgrade() -> None:
    """What was set aside counts as stuck in the schema before; what it says stays in `raw`."""
    op.execute("UPDATE inbox_event SET state = 'stuck' WHERE state = 'set_aside'")
    _allow(STATES)
    op.drop_column("inbox_event", "body")


def _allow(states: tuple[str, ...]) -> None:
    """NOT VALID first, so that no webhook waits while all the others are looked at."""
    words = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint(op.f("ck_inbox_event_eventstate"), "inbox_event", type_="check")
    op.execute(f"ALTER TABLE inbox_event ADD CONSTRAINT ck_inbox_event_eventstate CHECK (state IN ({words})) NOT VALID")
    op.execute("ALTER TABLE inbox_event VALIDATE CONSTRAINT ck_inbox_event_eventstate")
