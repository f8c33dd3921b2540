"""Invoices to choose from in a form that says something about them: when they will be paid, or that they are."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlencode

from flask import request, url_for
from sqlalchemy.orm import Session

from shared.disputes.choices import Contestable
from shared.invoices import queries as invoices
from shared.invoices import selections
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.templating import lateness
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem, Part, allocate

MOST_INLINE = 60
"""With more to choose from, a form names what was chosen and leads to the page that searches and turns pages."""


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


@dataclass(frozen=True, slots=True)
class Option:
    """An invoice to choose, as every purpose has it; `amount` is what a tick adds."""

    id: uuid.UUID
    number: str
    title: str
    due_on: date
    amount: Money


def option(one: Choice) -> Option:
    """A room's own row as an option."""
    return Option(one.id, one.number, one.title, one.due_on, one.amount)


def contested(invoice: Contestable) -> Option:
    """What may be contested of an invoice as an option."""
    return Option(invoice.invoice_id, invoice.number, invoice.title, invoice.due_on, invoice.money(invoice.left_minor))


def ids_in(texts: Iterable[str]) -> frozenset[uuid.UUID]:
    """The ids of a form; raises NotFound for what is none."""
    try:
        return frozenset(uuid.UUID(text) for text in texts if text)
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error


def mine(session: Session, debtor_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """Raises NotFound when one of these is not the debtor's."""
    invoices.rows_of(session, debtor_id, list(ids))


def asked_for(session: Session, debtor_id: uuid.UUID) -> list[uuid.UUID]:
    """The invoices that the address or the form names, one by one or by a kept choice.

    Raises NotFound when one is not the debtor's, and when the choice is too old.
    """
    kept = request.values.get("selection", "")
    if kept:
        return list(selections.read(session, debtor_id, kept).invoice_ids)
    wanted = list(dict.fromkeys(text for text in request.values.getlist("invoice") if text))
    mine(session, debtor_id, ids_in(wanted))
    return [uuid.UUID(text) for text in wanted]


@dataclass(frozen=True, slots=True)
class Picked:
    """What of an account's invoices is chosen, as `portal/_picked.html` shows it: all of them to tick, or in one line."""

    rows: Sequence[dict[str, Any]]
    """To tick; empty when there are too many for one form."""
    count: int
    total: Money
    offered: int
    change_url: str
    """Where many are chosen from."""
    selection: str
    named: Sequence[uuid.UUID] = ()
    """Of many, what is chosen without being kept: the form carries it along."""

    @property
    def is_many(self) -> bool:
        return self.offered > MOST_INLINE


def pick(
    offered: Sequence[Choice], chosen: Collection[uuid.UUID], today: date, currency: str, *, change_url: str
) -> Picked:
    """How a form shows a choice. `change_url`: the page that chooses for this purpose, without what is chosen."""
    taken = [one for one in offered if one.id in chosen]
    is_many = len(offered) > MOST_INLINE
    selection = request.values.get("selection", "") if is_many else ""
    named = [one.id for one in taken] if is_many and not selection else []
    return Picked(
        rows=[] if is_many else [card(one, today, is_chosen=one.id in chosen) for one in offered],
        count=len(taken),
        total=Money(sum(one.amount.minor for one in taken), currency),
        offered=len(offered),
        change_url=_with_choice(change_url, selection, named),
        selection=selection,
        named=named,
    )


def _with_choice(url: str, selection: str, named: Sequence[uuid.UUID]) -> str:
    chosen = [("selection", selection)] if selection else [("invoice", str(one)) for one in named[:MOST_INLINE]]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(chosen)}" if chosen else url


def is_to_be_picked(offered: Sequence[Choice], wanted: Sequence[uuid.UUID]) -> bool:
    """Whether somebody must choose first: from more than a form shows, and nothing of it is named yet."""
    return len(offered) > MOST_INLINE and {one.id for one in offered}.isdisjoint(wanted)


def chosen_at_first(offered: Sequence[Choice], wanted: Sequence[uuid.UUID], today: date) -> set[uuid.UUID]:
    """What is ticked when the form opens: what was asked for, else what is late, else everything."""
    named = {one.id for one in offered} & set(wanted)
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
