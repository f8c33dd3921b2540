"""the notice of a debit.

Revision: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# A notice was written for all debits of a debtor on a day, under the key of the first of them; each debit has its own moment, between
# that of the first and that of the message. A plan's whole schedule has one message, written after its debits in the same commit. A
# debit that is made already may have to be made again under the notice that was given.
_OF_INVOICES = """
    UPDATE collection c SET notice_key = 'collection:' || n.subject_id
    FROM message n JOIN collection f ON f.id = n.subject_id
    WHERE n.kind = 'prenotification' AND f.debtor_id = c.debtor_id AND f.charge_on = c.charge_on
    AND c.announced_at BETWEEN f.announced_at AND n.created_at AND c.state IN ('announced', 'created')
"""
_OF_PLANS = """
    UPDATE collection c SET notice_key = coalesce((
        SELECT regexp_replace(m.dedupe_key, ':[^:]+$', '') FROM message m JOIN plan_instalment i ON i.plan_id = m.subject_id
        WHERE i.id = c.instalment_id AND m.kind IN ('plan_accepted', 'plan_resumed')
        ORDER BY m.created_at < c.announced_at, abs(extract(epoch FROM m.created_at - c.announced_at)), m.id LIMIT 1), '')
    WHERE c.instalment_id IS NOT NULL AND c.state IN ('announced', 'created') AND c.notice_key = ''
"""


def upgrade() -> None:
    """Each debit knows the messages that announced it, so that none is made whose notice never left."""
    op.add_column("collection", sa.Column("notice_key", sa.String(length=120), nullable=False, server_default=""))
    op.execute(_OF_INVOICES)
    op.execute(_OF_PLANS)
    op.alter_column("collection", "notice_key", server_default=None)


def downgrade() -> None:
    """What is known of notices follows from the messages again."""
    op.drop_column("collection", "notice_key")
