"""Choose among many: what was ticked is kept on the server, so that a search or another page loses nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal import choice
from portal.choice import Option
from portal.choose.offered import WAYS, Purpose, Way, too_many
from shared.access.queries import Visitor
from shared.debtors.service import searchable
from shared.invoices import selections
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

SHOWN = 100
"""Rows of one page."""

LONGEST_WORDS = 80


@dataclass(frozen=True, slots=True)
class Look:
    """What the address asks to see: words to find, and which page of what is found (the first is 0)."""

    words: str
    number: int
    selection: str
    subject: uuid.UUID | None
    named: frozenset[uuid.UUID]
    """What an address names one by one: the choice so far, while nothing is kept."""

    def of(self, options: Sequence[Option]) -> list[Option]:
        """The options that hold the words."""
        wanted = searchable(self.words)
        return [one for one in options if wanted in searchable(f"{one.number} {one.title}")] if wanted else [*options]


def show(visitor: Visitor, purpose: str) -> ResponseReturnValue:
    """A page of what may be chosen, with what is chosen so far ticked."""
    way, look = _way(purpose), _look(request.args)
    with reading() as session:
        offered = way.offered(session, visitor.debtor_id, look.subject)
        chosen = _chosen(session, visitor, look, offered)
    return _page(visitor, Purpose(purpose), look, offered, chosen)


def keep(visitor: Visitor, purpose: str) -> ResponseReturnValue:
    """Take what is ticked; then go on, or search, turn the page, tick all, none or what is late.

    A form of another page may send its ticks here with nothing kept before: then these are the choice.
    """
    way, look = _way(purpose), _look(request.form)
    act = request.form.get("act", "go")
    with reading() as session:
        offered = way.offered(session, visitor.debtor_id, look.subject)
        before = _chosen(session, visitor, look, offered) if look.selection or "first" in request.form else frozenset()
        ticked = choice.ids_in(request.form.getlist("invoice"))
        known = {one.id for one in offered}
        if ticked - known:
            choice.mine(
                session, visitor.debtor_id, ticked - known
            )  # another's is refused; an own one is settled meanwhile
    shown = choice.ids_in(request.form.getlist("shown"))
    chosen = ((before - shown) | ticked) & known
    if act in {"all", "none", "late"}:
        chosen = _wholesale(act, chosen, look.of(offered), visitor)
    refusal = _refuse(way, len(chosen)) if act == "go" else ""
    if refusal:
        return _page(visitor, Purpose(purpose), look, offered, chosen, status=422, refusal=refusal)
    in_order = [one.id for one in offered if one.id in chosen]
    with transaction() as session:
        selection_id = _write(session, visitor, look, in_order)
    if act == "go":
        return redirect(way.leads_to(selection_id, look.subject), 303)
    number = {"next": look.number + 1, "previous": max(0, look.number - 1), "search": 0}.get(act, look.number)
    return see_other("portal.choose.show", purpose=purpose, **_values(look, selection_id, number))


def _way(purpose: str) -> Way:
    try:
        return WAYS[Purpose(purpose)]
    except ValueError as error:
        raise NotFound("choose.purpose", _("There is nothing here")) from error


def _look(values: Any) -> Look:
    number, subject = values.get("page", ""), values.get("subject", "")
    return Look(
        words=values.get("q", "").replace("\x00", "").strip()[:LONGEST_WORDS],
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0,
        selection=values.get("selection", ""),
        subject=next(iter(choice.ids_in([subject])), None),
        named=frozenset() if request.method == "POST" else choice.ids_in(values.getlist("invoice")),
    )


def _values(look: Look, selection_id: uuid.UUID, number: int) -> dict[str, Any]:
    given = {"q": look.words, "page": number, "subject": look.subject}
    return {"selection": selection_id} | {name: value for name, value in given.items() if value}


def _kept(session: Session, visitor: Visitor, look: Look) -> frozenset[uuid.UUID]:
    return frozenset(selections.read(session, visitor.debtor_id, look.selection).invoice_ids)


def _chosen(session: Session, visitor: Visitor, look: Look, offered: Sequence[Option]) -> frozenset[uuid.UUID]:
    """What is ticked when the page opens: what was kept, else what is named, else what is late, else nothing."""
    if look.selection:
        return _kept(session, visitor, look)
    if look.named:
        return look.named
    return frozenset(one.id for one in offered if one.due_on < visitor.today)


def _wholesale(
    act: str, chosen: frozenset[uuid.UUID], found: Sequence[Option], visitor: Visitor
) -> frozenset[uuid.UUID]:
    """All, none or what is late of what the search finds; what it does not show stays as it is."""
    rest = chosen - {one.id for one in found}
    return rest | {one.id for one in found if act == "all" or (act == "late" and one.due_on < visitor.today)}


def _refuse(way: Way, count: int) -> str:
    if not count:
        return _("Tick at least one invoice.")
    return too_many(way) if way.most is not None and count > way.most else ""


def _write(session: Session, visitor: Visitor, look: Look, chosen: Sequence[uuid.UUID]) -> uuid.UUID:
    if not look.selection:
        return selections.keep(session, visitor.debtor_id, chosen)
    selections.change(session, visitor.debtor_id, uuid.UUID(look.selection), chosen)
    return uuid.UUID(look.selection)


def _page(
    visitor: Visitor,
    purpose: Purpose,
    look: Look,
    offered: Sequence[Option],
    chosen: frozenset[uuid.UUID],
    *,
    status: int = 200,
    refusal: str = "",
) -> Response:
    found = look.of(offered)
    last = max(0, (len(found) - 1) // SHOWN)
    number = min(look.number, last)
    rows = found[number * SHOWN : (number + 1) * SHOWN]
    taken = [one for one in offered if one.id in chosen]
    here = {one.id for one in rows}
    away = [one.amount.minor for one in taken if one.id not in here]
    return page(
        "portal/choose/show.html",
        status=status,
        way=WAYS[purpose],
        look=look,
        refusal=refusal,
        here=url_for("portal.choose.keep", purpose=purpose.value),
        rows=[choice.card(one, visitor.today, is_chosen=one.id in chosen) for one in rows],
        found=len(found),
        offered=len(offered),
        number=number,
        last=last,
        count=len(taken),
        elsewhere=(len(away), sum(away)),
        carried=[one.id for one in taken if one.id in look.named - here],
        total=Money(sum(one.amount.minor for one in taken), visitor.currency),
    )
