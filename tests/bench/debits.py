"""Debits a second at a provider that takes its time: several at once beside one after the other, in turns, in one run.

    python -m tests.bench --only debits

The twin of GoCardless answers each request after a tenth of a second, as a provider beyond the sea does. Before each debit
leaves, the one decision is asked under the debtor's lock, its intent is committed, and afterwards its record: nothing of that
is left out. Without a limit a minute; with GoCardless's 1,000, three requests a debit make 5.5 debits a second the most that can be.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import select

import wsgi
from payments.collections import pace
from payments.collections.collect import due_collections
from payments.collections.models import CollectionRun
from payments.collections.rules import CREATE_AHEAD_BANK_DAYS
from payments.collections.run import run
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.calendars import add_target_days
from shared.kit.db import reading, transaction
from tests.bench.server import empty_database
from tests.support.counter import Counter, Door, together
from tests.support.people import an_invoice
from tests.support.twins import start_twins

LATENCY_S = 0.1
IN_TURN = 10
"""So many debits are made one way before the other way has its turn."""


def measure(*, count: int) -> dict[str, Any]:
    """Make `count` debits each way."""
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, ExitStack() as stack:
        stack.enter_context(empty_database())
        wsgi.import_jobs()
        door = Door()
        door.open()
        stack.callback(door.close)
        twins = stack.enter_context(start_twins(Path(folder), app_url=f"http://127.0.0.1:{door.port}"))
        counter = stack.enter_context(together(twins, door, Path(folder) / "var"))
        run_id, due = _announced(counter, 2 * count)
        twins.fault("slow", provider="gocardless", seconds=LATENCY_S, times=0)
        seconds = {1: 0.0, pace.AT_ONCE: 0.0}
        usual = pace.AT_ONCE
        try:
            for number, first in enumerate(range(0, len(due), IN_TURN)):
                pace.AT_ONCE = (1, usual)[number % 2]
                began = time.perf_counter()
                pace.collect_all(run_id, due[first : first + IN_TURN], today=clock.today())
                seconds[pace.AT_ONCE] += time.perf_counter() - began
        finally:
            pace.AT_ONCE = usual
        assert [one.status for one in counter.payments()] == [PaymentStatus.SUBMITTED] * len(due)
        one, many = (round(count / seconds[threads], 2) for threads in (1, usual))
        return {
            "debits_each": count,
            "latency_ms": round(LATENCY_S * 1000),
            "at_once": usual,
            "one_by_one_per_second": one,
            "at_once_per_second": many,
            "ratio": round(many / one, 2),
        }


def _announced(counter: Counter, count: int) -> tuple[Any, list[Any]]:
    """A debtor on automatic payment whose debits are announced, told of, and to be made; the run and its collections."""
    counter.open_account(amounts=())
    counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        for number in range(count):
            an_invoice(session, debtor, f"D-{number}", 10_000 + number, due_in=14)
    counter.deliver()
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    run(company_id)
    counter.deliver()
    counter.days(8)
    with reading() as session:
        run_id = session.scalars(select(CollectionRun.id)).one()
        until = add_target_days(clock.today(), CREATE_AHEAD_BANK_DAYS)
        return run_id, due_collections(session, company_id, until=until)
