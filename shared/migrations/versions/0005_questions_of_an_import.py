"""questions of an import.

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = ("reading", "ready", "faulty", "waiting", "writing", "done", "refused", "cancelled")


def upgrade() -> None:
    """A run may wait for answers, and keeps what it asks; names of formats may be longer."""
    op.add_column(
        "import_run", sa.Column("questions", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'"))
    )
    op.alter_column("import_run", "questions", server_default=None)
    op.alter_column("import_run", "form", type_=sa.String(16), existing_type=sa.String(8), existing_nullable=False)
    _states(*BEFORE, "asking")


def downgrade() -> None:
    """A run that waits for answers becomes one that cannot be imported like this; nothing else is lost."""
    op.execute("UPDATE import_run SET state = 'faulty' WHERE state = 'asking'")
    op.execute("UPDATE import_run SET form = left(form, 8) WHERE length(form) > 8")
    _states(*BEFORE)
    op.alter_column("import_run", "form", type_=sa.String(8), existing_type=sa.String(16), existing_nullable=False)
    op.drop_column("import_run", "questions")


def _states(*states: str) -> None:
    op.drop_constraint(op.f("ck_import_run_runstate"), "import_run", type_="check")
    op.create_check_constraint(
        op.f("ck_import_run_runstate"), "import_run", sa.column("state").in_(states)
    )
