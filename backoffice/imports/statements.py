"""Statements over the staged file and the books, in the caller's transaction: what each part of the writing is made of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Cursor
from sqlalchemy.orm import Session

from shared.debtors import erased


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books are written, when, and by which run."""

    company_id: uuid.UUID
    run_id: uuid.UUID
    currency: str
    language: str
    opening_title: str
    at: datetime
    today: date
    new_id: str
    by_id: uuid.UUID | None
    by: str

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "company": self.company_id,
            "run": self.run_id,
            "currency": self.currency,
            "language": self.language,
            "opening": self.opening_title,
            "at": self.at,
            "today": self.today,
            "by_id": self.by_id,
            "by": self.by,
        }


class Statements:
    """Runs statements of one import."""

    def __init__(self, session: Session, cursor: Cursor[Any], books: Books) -> None:
        """`cursor` is one of the session's own connection."""
        self._session, self._cursor, self._books = session, cursor, books
        self.holds_shrunk = 0
        """Disputes, plans and promises that cover less because of this import."""

    def do(self, statement: str, **more: Any) -> int:
        """Run one statement; gives the number of rows it touched."""
        sql = statement.replace("new_id()", self._books.new_id).replace("transfer_columns", _TRANSFER)
        self._cursor.execute(sql, self._books.facts | more)
        return max(self._cursor.rowcount, 0)

    def rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """Run one query; gives all its rows."""
        self.do(statement, **more)
        return self._cursor.fetchall()

    def book(self, select: str, **more: Any) -> int:
        """Write the movements that a query gives, on what was known before the import, and note that this import wrote them."""
        return self.do(
            f"""WITH made AS (INSERT INTO ledger_transfer (transfer_columns) {select} RETURNING id)
                INSERT INTO import_leg (transfer_id, run_id) SELECT id, %(run)s FROM made""",  # noqa: S608 - our own words
            **more,
        )

    # What was there before, for an undo

    def remember_invoices(self, chosen: str, **more: Any) -> None:
        """Keep invoices as they stand before they are changed; `chosen` gives their ids. The first time counts."""
        self.do(
            f"""INSERT INTO stage_before SELECT 'invoice', i.id, {INVOICE} FROM invoice i WHERE i.id IN ({chosen})
                ON CONFLICT DO NOTHING""",  # noqa: S608 - our own words
            **more,
        )

    def remember_debtors(self) -> None:
        """Keep the known debtors that the file may correct or complete as they stand before."""
        self.do(f"""INSERT INTO stage_before SELECT 'debtor', d.id, {DEBTOR} FROM stage_debtor s JOIN debtor d ON d.id = s.id
            WHERE NOT s.is_new AND (s.renamed OR s.corrected OR s.rekinded OR d.siren IS NULL AND s.siren IS NOT NULL
                OR d.vat_number IS NULL AND s.vat_number IS NOT NULL OR d.street = '' AND s.street <> ''
                OR d.postcode = '' AND s.postcode <> '' OR d.city = '' AND s.city <> '')
            ON CONFLICT DO NOTHING""")  # noqa: S608 - our own words

    def note_changes(self) -> None:
        """Of what was kept, note for good what has changed, as it was and as it is now."""
        for kind, image, table in (("invoice", INVOICE, "invoice i"), ("debtor", DEBTOR, "debtor d")):
            self.do(
                f"""INSERT INTO import_change (id, run_id, kind, subject_id, before, after)
                SELECT new_id(), %(run)s, b.kind, b.id, b.image, {image} FROM stage_before b JOIN {table} ON {table[-1]}.id = b.id
                WHERE b.kind = '{kind}' AND b.image <> {image}"""  # noqa: S608 - our own words
            )

    @property
    def currency(self) -> str:
        return self._books.currency


_TRANSFER = (
    "id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner, credit_account, "
    "credit_owner, amount_minor, currency, value_on, at"
)

INVOICE_FACTS = (
    "open_minor", "total_minor", "net_minor", "vat_minor", "booked_minor", "elsewhere_minor", "settled_on", "cancelled_on", "due_on",
)  # fmt: skip
DEBTOR_FACTS = ("name", "siren", "vat_number", "street", "postcode", "city", "country", "kind", "search_text")


def _image(alias: str, facts: tuple[str, ...]) -> str:
    return "jsonb_build_object(" + ", ".join(f"'{name}', {alias}.{name}" for name in facts) + ")"


INVOICE, DEBTOR = _image("i", INVOICE_FACTS), _image("d", DEBTOR_FACTS)
"""What an import may change of an invoice and of a debtor, as SQL gives it."""

CAUGHT_UP = """
CREATE TEMP TABLE stage_caught ON COMMIT DROP AS
SELECT i.id, i.debtor_id, greatest(0, p.minor) AS paid
FROM (SELECT owner, sum(minor)::bigint AS minor FROM (
        SELECT credit_owner AS owner, amount_minor AS minor FROM ledger_transfer WHERE credit_account = 'receivable'
            AND kind NOT IN ('issue', 'imported') AND phase IN ('posted', 'post') AND company_id = %(company)s
        UNION ALL SELECT debit_owner, -amount_minor FROM ledger_transfer WHERE debit_account = 'receivable'
            AND kind NOT IN ('issue', 'imported') AND phase IN ('posted', 'post') AND company_id = %(company)s) AS sides GROUP BY 1) p
JOIN invoice i ON i.id = p.owner AND i.kind = 'invoice' AND i.booked_minor <> greatest(0, p.minor)
JOIN stage_item s ON s.old_id = i.id AND s.open = i.open_minor AND s.total = i.total_minor
"""
"""Known invoices on which the file and Guichet agree although something was paid here that the books did not know of before."""


def digest_of(code: str, company: str) -> str:
    """In SQL, what a code that says who somebody is becomes when its account is taken back; both are expressions."""
    return f"'{erased.CODE}' || left(encode(sha256(convert_to(CAST({company} AS text) || '|' || {code}, 'UTF8')), 'hex'), 24)"
