"""Statements over the staged file and the books, in the caller's transaction: what each part of the writing is made of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Cursor


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
        }


class Statements:
    """Runs statements of one import."""

    def __init__(self, cursor: Cursor[Any], books: Books) -> None:
        self._cursor, self._books = cursor, books

    def do(self, statement: str, **more: Any) -> int:
        """Run one statement; gives the number of rows it touched."""
        sql = statement.replace("new_id()", self._books.new_id).replace("transfer_columns", _TRANSFER)
        self._cursor.execute(sql, self._books.facts | more)
        return max(self._cursor.rowcount, 0)

    def rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """Run one query; gives all its rows."""
        self.do(statement, **more)
        return self._cursor.fetchall()

    @property
    def currency(self) -> str:
        return self._books.currency


_TRANSFER = (
    "id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner, credit_account, "
    "credit_owner, amount_minor, currency, value_on, at"
)
