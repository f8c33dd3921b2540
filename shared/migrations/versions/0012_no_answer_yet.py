"""contacts that come in sets have heard no refusal.

Revision: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("contact", "bounce_answer", server_default="")


def downgrade() -> None:
    op.alter_column("contact", "bounce_answer", server_default=None)
