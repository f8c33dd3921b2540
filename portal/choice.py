"""Invoices to choose from in a form that says something about them: when they will be paid, or that they are."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Protocol

from flask import request, url_for
from sqlalchemy.orm import Session

from shared.invoices import queries as invoices
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.templating import lateness
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem, Part, allocate


class Choice(Protocol):
    """An invoice and how much of it may be chosen."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def number(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def due_on(self) -> date: ...
    @property
    def amount(self) -> Money: ...


def asked_for(session: Session, debtor_id: uuid.UUID) -> list[uuid.UUID]:
    """The invoices that the address or the form names; raises NotFound when one is not the debtor's."""
    try:
        wanted = [uuid.UUID(text) for text in request.values.getlist("invoice") if text]
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error
    invoices.rows_of(session, debtor_id, wanted)
    return wanted


def chosen_at_first(offered: Sequence[Choice], wanted: Sequence[uuid.UUID], today: date) -> set[uuid.UUID]:
    """What is ticked when the form opens: what was asked for, else what is late, else everything."""
    named = {one.id for one in offered if one.id in wanted}
    late = {one.id for one in offered if one.due_on < today}
    return named or late or {one.id for one in offered}


def spread(offered: Iterable[Choice], chosen: Iterable[uuid.UUID], amount: Money | None) -> tuple[list[Part], int]:
    """The parts of the chosen invoices, the oldest due first, and what is left over; without an amount all of them."""
    ticked = set(chosen)
    items = [OpenItem(one.id, one.due_on, one.amount.minor) for one in offered if one.id in ticked]
    return allocate(items, sum(item.available_minor for item in items) if amount is None else amount.minor)


def card(one: Choice, today: date, *, is_chosen: bool) -> dict[str, Any]:
    """A row of `components/invoices.html`."""
    is_late = one.due_on < today
    return {
        "id": one.id,
        "number": one.number,
        "url": url_for("portal.invoices.show", invoice_id=one.id),
        "due_on": one.due_on,
        "open": one.amount,
        "note": one.title,
        "status": {
            "word": lateness(one.due_on, today) if is_late else _("To pay"),
            "tone": "late" if is_late else "neutral",
        },
        "checked": is_chosen,
    }
