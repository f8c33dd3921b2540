"""whether the code of a customer is made of a name or an address; and when the reading of a file was asked for.

Of codes that are here already it is told by what they look like: an import without codes made them of the name, or of the name and what
tells it apart, in brackets.

Revision: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("debtor", "debtor_alias"):
        op.add_column(table, sa.Column("code_says_who", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("""UPDATE debtor SET code_says_who = true WHERE strpos(account_code, '@') > 0
        OR name <> account_code AND name <> '' AND strpos(lower(account_code), lower(name)) > 0
        OR account_code LIKE '% (%)' AND left(account_code, 21) = left(name, 21)
        OR name = account_code AND account_code ~ '[[:alpha:]] +[[:alpha:]]'
        OR length(account_code) = 64 AND left(name, 64) = account_code""")
    op.execute("""UPDATE debtor_alias a SET code_says_who = true FROM debtor d
        WHERE d.id = a.debtor_id AND (strpos(a.code, '@') > 0 OR a.code ~ '[[:alpha:]] +[[:alpha:]]'
            OR strpos(lower(a.code), lower(d.name)) > 0)
        OR EXISTS (SELECT FROM debtor m WHERE m.id = a.merged_id AND m.code_says_who)""")
    op.add_column("import_run", sa.Column("reading_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("import_run", "reading_at")
    for table in ("debtor_alias", "debtor"):
        op.drop_column(table, "code_says_who")
