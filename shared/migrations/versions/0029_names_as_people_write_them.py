"""names are found and sorted without accents and ligatures.

Revision: 0029
Revises: 0028
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "\u2019": "'"}
)


def upgrade() -> None:
    """What is searched in is written anew: ligatures apart, and two spaces behind the name, so that the shorter one comes first."""
    connection, last = op.get_bind(), None
    debtor = sa.table("debtor", *(sa.column(name) for name in ("id", "name", "account_code", "siren", "search_text")))
    anew = sa.update(debtor).where(debtor.c.id == sa.bindparam("at")).values(search_text=sa.bindparam("text"))
    while True:
        portion = sa.select(debtor).order_by(debtor.c.id).limit(AT_ONCE)
        rows = connection.execute(portion if last is None else portion.where(debtor.c.id > last)).all()
        if not rows:
            break
        changed = [{"at": row.id, "text": text} for row in rows if (text := _anew(row)) != row.search_text]
        if changed:
            connection.execute(anew, changed)
        last = rows[-1].id
    op.drop_index("ix_debtor_company_id_name_id", table_name="debtor")
    op.create_index("ix_debtor_name", "debtor", ["company_id", sa.text('left(search_text COLLATE "C", 200)'), "id"])


def _anew(row: sa.Row[tuple[object, ...]]) -> str:
    texts = [_folded(text) for text in (row.name, row.account_code, row.siren or "") if text]
    before = " ".join(texts)
    rest = row.search_text.removeprefix(before)
    text: str = row.search_text if rest == row.search_text else "  ".join(texts) + rest
    return text.translate(LETTERS)


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def downgrade() -> None:
    """Texts stay as they are: the words in them are found as before, but for those with a ligature."""
    op.drop_index("ix_debtor_name", table_name="debtor")
    op.create_index("ix_debtor_company_id_name_id", "debtor", ["company_id", "name", "id"])
