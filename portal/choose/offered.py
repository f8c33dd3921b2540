"""What may be chosen for each purpose, and where the choice leads."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import url_for
from sqlalchemy.orm import Session

from payments.declarations import queries as declarations
from payments.plans import proposals
from portal import choice
from portal.choice import Option
from shared.disputes import choices as disputes
from shared.disputes.service import MOST_INVOICES
from shared.invoices import queries as invoices
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.promises import queries as promises


class Purpose(enum.Enum):
    """What the invoices are chosen for, as it stands in the address."""

    PAY = "pay"
    PART = "part"
    PLAN = "plan"
    PROMISE = "promise"
    TRANSFER = "transfer"
    DISPUTE = "dispute"
    DOWNLOAD = "download"


class Lazy(Protocol):
    """A word that is looked up when it is shown."""

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Way:
    """One purpose: its heading, its button, what it offers, and the page that a choice leads to."""

    heading: Lazy
    button: Lazy
    offered: Callable[[Session, uuid.UUID, uuid.UUID | None], Sequence[Option]]
    """For a debtor; the last one is the promise that is changed, whose own invoices may be chosen again."""
    endpoint: str
    most: int | None = None
    """So many at once; None is no limit."""

    def leads_to(self, selection_id: uuid.UUID, subject: uuid.UUID | None) -> str:
        """The page for a kept choice. `subject`: of a promise that is changed, its id."""
        if subject is not None and self.endpoint == "portal.promises.new":
            return url_for("portal.promises.edit", promise_id=subject, selection=selection_id)
        more: dict[str, Any] = {"what": "these"} if self.endpoint.startswith("portal.pay.") else {}
        return url_for(self.endpoint, selection=selection_id, **more)


def _payable(session: Session, debtor_id: uuid.UUID, _subject: uuid.UUID | None) -> Sequence[Option]:
    return [
        Option(row.id, row.number, row.title, row.due_on, row.payable) for row in invoices.payable(session, debtor_id)
    ]


def _plannable(session: Session, debtor_id: uuid.UUID, _subject: uuid.UUID | None) -> Sequence[Option]:
    return [
        Option(one.invoice_id, one.number, one.title, one.due_on, one.left)
        for one in proposals.choices(session, debtor_id)
    ]


def _contestable(session: Session, debtor_id: uuid.UUID, _subject: uuid.UUID | None) -> Sequence[Option]:
    return [choice.contested(one) for one in disputes.contestable(session, debtor_id)]


def _promisable(session: Session, debtor_id: uuid.UUID, subject: uuid.UUID | None) -> Sequence[Option]:
    return [choice.option(one) for one in promises.promisable(session, debtor_id, but=subject)]


def _declarable(session: Session, debtor_id: uuid.UUID, _subject: uuid.UUID | None) -> Sequence[Option]:
    return [choice.option(one) for one in declarations.declarable(session, debtor_id)]


def _everything(session: Session, debtor_id: uuid.UUID, _subject: uuid.UUID | None) -> Sequence[Option]:
    return [Option(row.id, row.number, row.title, row.due_on, row.total) for row in invoices.all_of(session, debtor_id)]


WAYS: dict[Purpose, Way] = {
    Purpose.PAY: Way(_l("Choose what to pay"), _l("Pay these invoices"), _payable, "portal.pay.choose"),
    Purpose.PART: Way(_l("Choose what to pay"), _l("Pay a part of these"), _payable, "portal.pay.parts"),
    Purpose.PLAN: Way(_l("Choose what to pay in instalments"), _l("Continue"), _plannable, "portal.plans.new"),
    Purpose.PROMISE: Way(_l("Choose what to promise"), _l("Continue"), _promisable, "portal.promises.new"),
    Purpose.TRANSFER: Way(_l("Choose what you have paid"), _l("Continue"), _declarable, "portal.declarations.new"),
    Purpose.DISPUTE: Way(
        _l("Choose what is wrong"), _l("Continue"), _contestable, "portal.disputes.new", most=MOST_INVOICES
    ),
    Purpose.DOWNLOAD: Way(
        _l("Choose what to download"), _l("Download"), _everything, "portal.documents.bundle", most=100
    ),
}


def too_many(way: Way) -> str:
    """Why so many cannot be taken at once."""
    return _("At most %(most)s invoices at once. Choose fewer; you can come back for the others.", most=way.most)
