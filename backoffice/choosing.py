"""Invoices that staff tick for a debtor, and an amount that is spread over them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Protocol

from flask import request

from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem, Part, allocate


class Row(Protocol):
    """An invoice, and what of it may be chosen."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def due_on(self) -> date: ...
    @property
    def amount(self) -> Money: ...


def at_first(rows: Sequence[Row], today: date) -> set[uuid.UUID]:
    """What is ticked before anybody has: what is late, or all of it."""
    return {row.id for row in rows if row.due_on < today} or {row.id for row in rows}


def chosen() -> set[uuid.UUID]:
    """What the form has ticked (`invoice`); raises NotFound for what is no id."""
    try:
        return {uuid.UUID(text) for text in request.form.getlist("invoice")}
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error


def spread(rows: Sequence[Row], ticked: set[uuid.UUID], amount: Money | None) -> tuple[list[Part], int]:
    """An amount over what is ticked, the oldest first, and what is left over of it; without one, all of what is ticked."""
    items = [OpenItem(row.id, row.due_on, row.amount.minor) for row in rows if row.id in ticked]
    return allocate(items, sum(item.available_minor for item in items) if amount is None else amount.minor)
