"""What the debtor said of an invoice: when he would pay, that he has, and that something is wrong."""

from __future__ import annotations

import uuid
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from payments.declarations import queries as declarations
from payments.declarations.queries import DeclarationEvent
from payments.declarations.rules import DeclarationState
from portal.invoices.story import Event
from shared.disputes import queries as disputes
from shared.disputes.queries import Happening
from shared.kit.templating import day
from shared.kit.words import gettext as _
from shared.promises import queries as promises
from shared.promises.queries import PromiseEvent
from shared.promises.rules import PromiseState


def said(session: Session, debtor_id: uuid.UUID, invoice_id: uuid.UUID, *, zone: Any) -> list[Event]:
    """Each step of the promises, declared transfers and disputes that name the invoice."""
    given = promises.events_of(session, debtor_id, invoice_id=invoice_id)
    told = declarations.events_of(session, debtor_id, invoice_id=invoice_id)
    contested = disputes.events_of(session, debtor_id, invoice_id=invoice_id)
    return (
        [_promise(event, zone) for event in given]
        + [_declaration(event, zone) for event in told]
        + [drawn for event in reversed(contested) if (drawn := _dispute(event, zone)) is not None]
    )


def _dispute(event: Happening, zone: Any) -> Event | None:
    on = event.at.astimezone(zone).date()
    words = {
        "raised": (_("Contested"), "info", "flag"),
        "asked": (_("We asked you a question about your dispute"), "wait", "pen"),
        "accepted": (_("Your dispute was accepted"), "good", ""),
        "rejected": (_("Your dispute was not accepted"), "late", "stop"),
        "withdrawn": (_("You took the dispute back"), "neutral", "undo"),
        "settled": (_("The dispute is settled"), "good", ""),
        "reopened": (_("Dispute opened again"), "info", "flag"),
    }.get(event.edge)
    if words is None:
        return None
    title, tone, icon = words
    href = url_for("portal.disputes.show", dispute_id=event.dispute_id)
    return Event(on, title, day(on), icon=icon, tone=tone, text=event.reference, href=href)


def _promise(event: PromiseEvent, zone: Any) -> Event:
    on = event.at.astimezone(zone).date()
    title, tone, icon = {
        PromiseState.EXPECTED: (_("You promised to pay by %(day)s", day=day(event.promised_on)), "info", "calendar"),
        PromiseState.KEPT: (_("Promise kept. Thank you."), "good", ""),
        PromiseState.BROKEN: (_("Promise of %(day)s not kept", day=day(event.promised_on)), "late", ""),
        PromiseState.CANCELLED: (_("Promise of %(day)s ended", day=day(event.promised_on)), "neutral", "stop"),
    }[event.after]
    return Event(
        on,
        title,
        day(on),
        icon=icon,
        tone=tone,
        href=url_for("portal.promises.show", promise_id=event.promise_id),
    )


def _declaration(event: DeclarationEvent, zone: Any) -> Event:
    on = event.at.astimezone(zone).date()
    title, tone, icon = {
        DeclarationState.DECLARED: (_("You told us of a transfer"), "info", "transfer"),
        DeclarationState.MATCHED: (_("Your transfer was found"), "good", ""),
        DeclarationState.REFUSED: (_("Your transfer was not found"), "late", ""),
        DeclarationState.EXPIRED: (_("Your transfer has not arrived"), "late", "clock"),
        DeclarationState.WITHDRAWN: (_("You took the declared transfer back"), "neutral", "stop"),
    }[event.after]
    return Event(
        on,
        title,
        day(on),
        icon=icon,
        tone=tone,
        href=url_for("portal.declarations.show", declaration_id=event.declaration_id),
    )
