"""Where instalments of plans come from: the room of plans lies above this one and says so when it is loaded.

Collections know how to announce, debit and try again; only the room of plans knows what an instalment is.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from payments.deciding import Facts
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.ledger.rules import Part


@dataclass(frozen=True, slots=True)
class Instalment:
    """An instalment that may be announced, with the facts of the moment."""

    instalment_id: uuid.UUID
    label: str
    due_on: date
    facts: Facts
    invoice_id: None = None


class Instalments(Protocol):
    """What collections ask of plans. All in the caller's session."""

    def debtors(
        self, session: Session, company: Company, *, until: date, after: uuid.UUID | None, limit: int
    ) -> Sequence[uuid.UUID]:
        """Debtors with an instalment to announce that is due up to a day, by id, after one."""
        ...

    def candidates(self, session: Session, debtor: Debtor, *, until: date) -> Sequence[Instalment]:
        """A debtor's open instalments by mandate that are due up to a day, the earliest first."""
        ...

    def look(
        self, session: Session, instalment_id: uuid.UUID, *, charge_on: date, own: uuid.UUID | None = None
    ) -> Instalment:
        """One instalment; what is open is what its plan asks for up to the day of the debit.

        `own`: its debit, when that is written.
        """
        ...

    def may_not_hold(self) -> ColumnElement[bool]:
        """Of a collection: less is left of its instalment than its debit takes, so that somebody should ask again."""
        ...

    def runs(self, session: Session, instalment_id: uuid.UUID) -> bool:
        """Whether its plan runs and is collected by mandate."""
        ...

    def parts(self, session: Session, instalment_id: uuid.UUID, minor: int) -> list[Part]:
        """So much of its plan as parts of invoices. Raises Conflict when so much is not left."""
        ...

    def attempt(self, session: Session, instalment_id: uuid.UUID, attempt_no: int) -> str:
        """The attempt of its debit, by which the money is known to be the plan's."""
        ...


_source: Instalments | None = None


def use_instalments(source: Instalments) -> None:
    """The room of plans, when it is loaded."""
    global _source  # noqa: PLW0603
    _source = source


def instalments() -> Instalments | None:
    """Where instalments come from; None in a process that knows no plans."""
    return _source
