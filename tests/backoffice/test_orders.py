"""Each order of a list that grows with the invoices stands in an index: no page waits for a sort of everything."""

from __future__ import annotations

import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import ColumnElement, inspect, select, text
from sqlalchemy.dialects import postgresql

from backoffice.debtors import browse as debtors
from backoffice.invoices import queries as invoices
from backoffice.listing import Ask, Orders, Query, one_page, ordered
from backoffice.mandates import queries as mandates
from backoffice.payments import queries as payments
from payments.models import Mandate, Payment
from shared.debtors.models import Debtor
from shared.invoices.models import NUMBER, Invoice
from shared.invoices.queries import numbered
from shared.kit.db import get_engine, reading, transaction
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
@pytest.mark.parametrize("asked", [numbered("F-1"), NUMBER.in_(["F-1", "F-2"]), Invoice.number.like("F-%")])
def test_a_number_and_its_beginning_are_found_in_an_index(asked: ColumnElement[bool]) -> None:
    plan = _explained(select(Invoice.id).where(Invoice.company_id == uuid.uuid4(), asked), alone="ix_invoice_number")

    assert re.search(r"ix_invoice_number on invoice.*\n\s+Index Cond: .*number", plan), plan


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
    return _explained(ordered(query if only is None else query.where(only), orders, sort).limit(51))


def _explained(query: Query, *, alone: str = "") -> str:
    """How PostgreSQL would answer if only indexes helped; if `alone`, only this one of the invoices'."""
    words = str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    with get_engine().connect() as connection:
        for way in ("seqscan", "sort", "bitmapscan"):
            connection.execute(text(f"SET LOCAL enable_{way} TO off"))
        if alone:
            names = {index["name"] for index in inspect(connection).get_indexes("invoice")}
            others = (name for name in names - {alone} if name.startswith("ix_"))
            connection.execute(text(f"DROP INDEX {', '.join(others)}"))
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {words}").scalars())


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
