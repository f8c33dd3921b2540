"""a wish to be erased is declined on a ground.

Revision: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_GROUNDS = ("needed", "law", "claims", "identity", "excessive")


def upgrade() -> None:
    """The ground, wherever something was declined; messages without a decision said so by the word null, and were not erased for it."""
    op.execute("UPDATE message SET decision = NULL WHERE decision = 'null'::jsonb")
    op.add_column(
        "erasure_request",
        sa.Column(
            "ground",
            sa.Enum(*_GROUNDS, name="erasureground", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
    )
    op.execute("UPDATE erasure_request SET ground = 'law' WHERE state = 'declined'")
    op.create_check_constraint("ground", "erasure_request", "(state = 'declined') = (ground IS NOT NULL)")


def downgrade() -> None:
    """The words of the answer stay."""
    op.drop_constraint("ground", "erasure_request", type_="check")
    op.drop_column("erasure_request", "ground")
