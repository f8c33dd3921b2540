"""Each order of a list that grows with the invoices stands in an index: no page waits for a sort of everything."""

from __future__ import annotations

import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.dialects import postgresql

from backoffice.debtors import browse as debtors
from backoffice.invoices import queries as invoices
from backoffice.listing import Ask, Orders, one_page, ordered
from backoffice.mandates import queries as mandates
from backoffice.payments import queries as payments
from payments.models import Mandate, Payment
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.db import reading, transaction
from tests.support.people import an_invoice

LISTS = {
    "invoices": (Invoice, invoices.ORDERS, None),
    "what is open": (Invoice, invoices.ORDERS, Invoice.open_minor > 0),
    "debtors": (Debtor, debtors.ORDERS, None),
    "payments": (Payment, payments.ORDERS, None),
    "mandates": (Mandate, mandates.ORDERS, None),
}
EVERY_ORDER = [(name, word) for name, (_model, orders, _only) in LISTS.items() for word in orders.columns]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("name", "word"), EVERY_ORDER)
@pytest.mark.parametrize("direction", ["", "-"])
def test_an_order_is_read_in_an_index(name: str, word: str, direction: str) -> None:
    """A code is nobody else's, so that nothing is left to sort after it."""
    model, orders, only = LISTS[name]

    plan = _plan(model, orders, only, direction + word)

    assert re.findall(r"(?<!Incremental )Sort  \(", plan) == [], plan
    assert word == "code" or "Incremental Sort" not in plan, plan


def _plan(model: type, orders: Orders, only: ColumnElement[bool] | None, sort: str) -> str:
    query = select(model.id).where(model.company_id == uuid.uuid4())
    query = ordered(query if only is None else query.where(only), orders, sort).limit(51)
    words = str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    with transaction() as session:
        for way in ("seqscan", "sort", "bitmapscan"):
            session.execute(text(f"SET LOCAL enable_{way} TO off"))
        return "\n".join(session.scalars(text(f"EXPLAIN {words}")))


def test_numbers_stand_in_the_order_of_their_bytes_page_after_page(world) -> None:
    with transaction() as session:
        dora = session.get_one(Debtor, world.dora)
        for number in ("f-1", "F-10", "F-9", "É-1", "F 1"):
            an_invoice(session, dora, number, 1_000, due_in=5)

    seen, ask = [], Ask("/invoices", sort="number")
    with reading() as session:
        everything = select(Invoice.number).where(Invoice.company_id == world.company)
        while True:
            page = one_page(session, everything, invoices.ORDERS, ask, size=2)
            seen += [row.number for row in page.rows]
            if page.next_key is None:
                break
            ask = Ask("/invoices", sort="number", after=parse_qs(urlsplit(page.next_key).query)["after"][0])

    assert seen == ["F 1", "F-10", "F-2026-001", "F-2026-002", "F-9", "f-1", "É-1"]
