"""Invoices in the debtor's words, in the form that the components draw."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for

from shared.invoices.queries import InvoiceRow
from shared.kit.templating import day, lateness, money
from shared.kit.words import gettext as _


def invoice_status(row: InvoiceRow, today: date) -> dict[str, str]:
    """Where an invoice stands, in one word with its tone."""
    if row.is_credit_note:
        return {"word": _("Can be used"), "tone": "info"} if row.open_minor else {"word": _("Used"), "tone": "good"}
    if row.open_minor == 0:
        return {"word": _("Paid"), "tone": "good"}
    if row.payable_minor == 0 and row.held_minor:
        return {"word": _("On its way"), "tone": "wait"}
    if row.payable_minor == 0:
        return {"word": _("Being clarified"), "tone": "info", "icon": "flag"}
    if row.is_late(today):
        return {"word": lateness(row.due_on, today), "tone": "late"}
    return {"word": _("To pay"), "tone": "neutral"}


def invoice_card(row: InvoiceRow, today: date, debit_on: date | None = None) -> dict[str, Any]:
    """A row of `components/invoices.html`; `debit_on`: when it will be debited by itself."""
    note = row.title
    if debit_on is not None:
        note = _("Debited by itself on %(day)s", day=day(debit_on))
    if row.held_minor and row.payable_minor:
        note = _("Part of it is on its way: %(amount)s", amount=money(row.held))
    return {
        "id": row.id,
        "number": row.number,
        "kind": _("Credit note") if row.is_credit_note else "",
        "url": url_for("portal.invoices.show", invoice_id=row.id),
        "due_on": None if row.is_credit_note else row.due_on,
        "open": -row.open if row.is_credit_note else row.open,
        "payable": row.payable,
        "total": -row.total if row.is_credit_note else row.total,
        "status": invoice_status(row, today),
        "note": note,
        "selectable": row.payable_minor > 0,
    }
