"""My invoices: the list, one of them with its story, its PDF."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from payments.standing import standing
from portal.downloads import serve
from portal.invoices.said import said
from portal.invoices.story import story
from portal.labels import invoice_card, invoice_status
from portal.paused import pauses_on
from portal.planned import plans_on
from portal.refunded import refunded_on
from shared.access.queries import Visitor
from shared.disputes import queries as disputes
from shared.documents import orders
from shared.invoices import queries
from shared.invoices.queries import Sought, State
from shared.kit.db import reading
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import parse_day
from shared.web.pages import page
from shared.web.paging import decode_key, encode_key

STATES = (
    (State.OPEN, _l("Open")),
    (State.LATE, _l("Late")),
    (State.PAID, _l("Paid")),
    (State.CREDITS, _l("Credit notes")),
    (State.ALL, _l("All")),
)
LONGEST_WORDS = 80


def list_(visitor: Visitor) -> Response:
    """The invoices that the address asks for, one page of them."""
    today = visitor.today
    sought = _sought(today)
    with reading() as session:
        found = queries.search(session, visitor.debtor_id, sought, today=today)
        plans = plans_on(session, found.rows)
        said_of = pauses_on(session, found.rows)
    refunded = refunded_on(visitor, found.rows)
    kept: dict[str, Any] = {name: request.args[name] for name in ("q", "since", "until") if request.args.get(name)}
    return page(
        "portal/invoices/list.html",
        sought=sought,
        found=found,
        kept=kept,
        rows=[
            invoice_card(row, today, None, plans.get(row.id), said_of.get(row.id), refunded_on=refunded.get(row.id))
            for row in found.rows
        ],
        states=[
            (word, url_for("portal.invoices.list", state=state.value, **kept), state is sought.state)
            for state, word in STATES
        ],
        previous=_address(sought, kept, before=found.rows[0]) if found.has_previous and found.rows else "",
        next=_address(sought, kept, after=found.rows[-1]) if found.has_next and found.rows else "",
    )


def _sought(today: date) -> Sought:
    values = request.args
    state = next((each for each, _word in STATES if each.value == values.get("state")), State.OPEN)
    words = values.get("q", "").strip()[:LONGEST_WORDS].replace("\x00", "")
    return Sought(
        state=state if "state" in values or not words else State.ALL,
        words=words,
        since=_day(values.get("since", ""), today),
        until=_day(values.get("until", ""), today),
        after=_place(values.get("after")),
        before=_place(values.get("before")),
    )


def _day(text: str, today: date) -> date | None:
    try:
        return parse_day(text.strip(), today) if text.strip() else None
    except ValueError:
        return None


def _place(key: str | None) -> tuple[date, uuid.UUID] | None:
    try:
        issued_on, identity = decode_key(key) or ("", "")
        return date.fromisoformat(issued_on), uuid.UUID(identity)
    except (ValueError, TypeError, AttributeError):
        return None


def _address(sought: Sought, kept: dict[str, Any], **place: queries.InvoiceRow) -> str:
    keys: dict[str, Any] = {name: encode_key([row.issued_on.isoformat(), str(row.id)]) for name, row in place.items()}
    return url_for("portal.invoices.list", state=sought.state.value, **kept, **keys)


def show(visitor: Visitor, invoice_id: uuid.UUID) -> Response:
    """One invoice and what happened to it."""
    today = visitor.today
    with reading() as session:
        sheet = queries.sheet(session, visitor.debtor_id, invoice_id)
        zone = ZoneInfo(visitor.company.zone)
        plan = plans_on(session, [sheet.row]).get(invoice_id)
        pause = pauses_on(session, [sheet.row]).get(invoice_id)
        contested = [
            row for row in disputes.of_debtor(session, visitor.debtor_id, invoice_id=invoice_id) if row.is_live
        ]
        is_paused = pause is not None and pause.minor >= sheet.row.payable_minor
        spoken = said(session, visitor.debtor_id, invoice_id, zone=zone)
        events = story(session, visitor.debtor_id, sheet, today=today, zone=zone, said=spoken, pause=pause)
    return page(
        "portal/invoices/show.html",
        sheet=sheet,
        row=sheet.row,
        state=invoice_status(sheet.row, today, plan, pause, refunded_on(visitor, [sheet.row]).get(invoice_id)),
        is_paused=is_paused,
        said=pause.kind.value if pause is not None and is_paused else "",
        plan=plan,
        contested=contested,
        events=[_drawn(event) for event in events],
    )


def _drawn(event: Any) -> dict[str, Any]:
    href = url_for("portal.payments.show", payment_id=event.payment_id) if event.payment_id else event.href
    names = ("title", "when", "icon", "tone", "text", "amount", "ahead")
    drawn = {name: getattr(event, name) for name in names} | {"href": href}
    if not event.icon:
        del drawn["icon"]
    return drawn


def pdf(visitor: Visitor, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """The invoice as a file: its stored original, else a Factur-X made once, in the background when its lines are very many."""
    with reading() as session:
        queries.rows_of(session, visitor.debtor_id, [invoice_id])
    return serve(orders.invoice(invoice_id, standing(invoice_id), today=visitor.today, by=visitor.contact_id))
