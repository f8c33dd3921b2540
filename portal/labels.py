"""Invoices in the debtor's words, in the form that the components draw."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import url_for

from payments.chargebacks.rules import ChargebackState
from shared.invoices.models import FreezeKind
from shared.invoices.queries import InvoiceRow
from shared.kit.money import Money
from shared.kit.templating import day, lateness, money
from shared.kit.words import gettext as _
from shared.promises.queries import Pause

Planned = tuple[uuid.UUID, str]
"""A payment plan: its id and its reference."""


def invoice_status(
    row: InvoiceRow,
    today: date,
    plan: Planned | None = None,
    pause: Pause | None = None,
    refunded_on: date | None = None,
) -> dict[str, str]:
    """Where an invoice stands, in one word with its tone.

    `plan`: the payment plan that settles it; `pause`: what was said of it; `refunded_on`: when we gave money of it back.
    """
    if row.is_credit_note:
        return {"word": _("Can be used"), "tone": "info"} if row.open_minor else {"word": _("Used"), "tone": "good"}
    if row.open_minor == 0:
        return {"word": _("Paid"), "tone": "good"}
    if row.payable_minor == 0 and row.held_minor:
        return {"word": _("On its way"), "tone": "wait"}
    if row.payable_minor == 0 and plan is not None:
        return {"word": _("In your plan"), "tone": "info", "icon": "plan"}
    if row.payable_minor == 0:
        return {"word": _("Being clarified"), "tone": "info", "icon": "flag"}
    if pause is not None and pause.minor >= row.payable_minor:
        return {"word": _pause_word(pause), "tone": "wait", "icon": _pause_icon(pause)}
    return _to_pay(row, today, refunded_on)


def _to_pay(row: InvoiceRow, today: date, refunded_on: date | None) -> dict[str, str]:
    if refunded_on is not None:
        words = _("Refunded on %(day)s, open again", day=day(refunded_on))
        return {"word": words, "tone": "info", "icon": "undo"}
    if row.is_late(today):
        return {"word": lateness(row.due_on, today), "tone": "late"}
    return {"word": _("To pay"), "tone": "neutral"}


def _pause_word(pause: Pause) -> str:
    """What the debtor said of an invoice, short."""
    if pause.promised_on is not None:
        return _("Promised for %(day)s", day=day(pause.promised_on))
    if pause.kind is FreezeKind.CHARGEBACK:
        return _("Contested by your bank")
    return _("Your transfer is looked for")


def _part_said(pause: Pause, amount: str) -> str:
    if pause.promised_on is not None:
        return _("%(amount)s of it promised for %(day)s", amount=amount, day=day(pause.promised_on))
    if pause.kind is FreezeKind.CHARGEBACK:
        return _("%(amount)s of it contested by your bank", amount=amount)
    return _("Of it you told us that %(amount)s is paid", amount=amount)


def _pause_icon(pause: Pause) -> str:
    if pause.kind is FreezeKind.CHARGEBACK:
        return "bank"
    return "calendar" if pause.promised_on is not None else "transfer"


def invoice_card(
    row: InvoiceRow,
    today: date,
    debit_on: date | None = None,
    plan: Planned | None = None,
    pause: Pause | None = None,
    *,
    refunded_on: date | None = None,
) -> dict[str, Any]:
    """A row of `components/invoices.html`.

    `debit_on`: when it will be debited by itself; `plan`: what settles it; `pause`: what was said of it; `refunded_on`:
    when we gave money of it back, which nobody but a person asks for again.
    """
    note = row.title if plan is None else _("In plan %(reference)s", reference=plan[1])
    if debit_on is not None:
        note = _("Debited by itself on %(day)s", day=day(debit_on))
    if pause is not None and pause.minor < row.payable_minor:
        note = _part_said(pause, money(Money(pause.minor, row.currency)))
    if row.frozen_minor and row.payable_minor and plan is None:
        note = _("Part of it is being clarified: %(amount)s", amount=money(row.open - row.held - row.payable))
    if row.held_minor and row.payable_minor:
        note = _("Part of it is on its way: %(amount)s", amount=money(row.held))
    if refunded_on is not None and not row.held_minor and plan is None:
        note = _("We gave you money back. You choose how you pay; we debit none of it by ourselves.")
    return {
        "id": row.id,
        "number": row.number,
        "kind": _("Credit note") if row.is_credit_note else "",
        "url": url_for("portal.invoices.show", invoice_id=row.id),
        "due_on": None if row.is_credit_note else row.due_on,
        "open": -row.open if row.is_credit_note else row.open,
        "payable": row.payable,
        "total": -row.total if row.is_credit_note else row.total,
        "status": invoice_status(row, today, plan, pause, refunded_on),
        "is_paused": pause is not None and pause.minor >= row.payable_minor,
        "note": note,
        "selectable": row.payable_minor > 0,
    }


def chargeback_words(state: ChargebackState) -> str:
    """Where a payment that the debtor's bank contests stands, in a sentence for him."""
    bank_looks = _("Your bank looks into it. Until it has decided we ask for none of it: no reminder and no debit.")
    return {
        ChargebackState.OPEN: bank_looks,
        ChargebackState.ANSWERED: bank_looks,
        ChargebackState.TO_DECIDE: _(
            "The money is with you again. We look into it and answer you; until then we ask for none of it."
        ),
        ChargebackState.WON: _("Your bank has closed the matter, and the payment counts."),
        ChargebackState.OWED: _("We have looked into it: what your bank gave you back is owed."),
        ChargebackState.GIVEN_UP: _("We no longer ask for what your bank gave you back."),
        ChargebackState.SETTLED: _("What your bank gave you back has been settled otherwise."),
    }[state]
