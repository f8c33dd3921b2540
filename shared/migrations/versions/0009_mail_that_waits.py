"""messages wait in their own table, with a marker of their own; addresses are marked for what is said of them.

Revision: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAGE = sa.Enum(
    "connection",
    "sender",
    "recipient",
    "data",
    name="stage",
    native_enum=False,
    create_constraint=True,
    length=32,
)


def upgrade() -> None:
    """Marks that were made for a refusal that says nothing of the mailbox are lifted; messages that gave up go on."""
    op.add_column("message", sa.Column("marker", sa.String(24), nullable=False, server_default=""))
    op.add_column("message", sa.Column("rank", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("message", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    for name in ("marker", "rank", "tries"):
        op.alter_column("message", name, server_default=None)
    for name in ("until_at", "try_at", "locked_until"):
        op.add_column("message", sa.Column(name, MOMENT, nullable=True))
    op.create_index("ix_message_waiting", "message", ["rank", "id"], postgresql_where="status = 'waiting'")
    op.add_column("contact", sa.Column("bounce_answer", sa.Text(), nullable=False, server_default=""))
    op.alter_column("contact", "bounce_answer", server_default=None)
    op.add_column("contact", sa.Column("doubted_at", MOMENT, nullable=True))
    op.create_table(
        "mail_outage",
        sa.Column("stage", STAGE, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("is_certain", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("probe_at", MOMENT, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_outage")),
    )
    op.create_index(
        "uq_mail_outage_open",
        "mail_outage",
        [sa.text("(ended_at IS NULL)")],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    _keep_what_speaks_of_the_mailbox()
    op.execute("UPDATE message SET rank = 0 WHERE status = 'waiting' AND kind IN ('code', 'link')")
    op.execute("UPDATE outbox_message SET state = 'done' WHERE job LIKE 'messages.deliver%' AND state = 'dead'")


def _keep_what_speaks_of_the_mailbox() -> None:
    """What the server said last stays with the mark; a mark without such words is lifted."""
    op.execute(
        """
        UPDATE contact SET bounce_answer = coalesce((
            SELECT m.error FROM message m
            WHERE m.contact_id = contact.id AND m.status = 'refused' ORDER BY m.id DESC LIMIT 1), '')
        WHERE bounced_at IS NOT NULL
        """
    )
    op.execute(
        r"""
        UPDATE contact SET bounced_at = NULL, bounce_answer = ''
        WHERE bounced_at IS NOT NULL AND bounce_answer <> ''
          AND bounce_answer !~ '\m5\.(1\.(0|1|2|3|4|6|10)|2\.1|4\.1|4\.4)\M'
          AND (bounce_answer !~ '^55[013] ' OR bounce_answer ~ '\m5\.\d+\.\d+\M' OR bounce_answer ~*
               'relay|block|black|spam|rbl|reputation|spf|dkim|dmarc|polic|denied|authent|quota|limit|rate|too many|banned')
        """
    )


def downgrade() -> None:
    op.drop_table("mail_outage")
    op.drop_column("contact", "doubted_at")
    op.drop_column("contact", "bounce_answer")
    op.drop_index("ix_message_waiting", table_name="message")
    for name in ("locked_until", "try_at", "until_at", "tries", "rank", "marker"):
        op.drop_column("message", name)
