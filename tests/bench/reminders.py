"""A reminder decision run over all debtors. Aim: under 10 s, at least 10,000 debtors a second."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import text

from backoffice.reminders import run as reminders
from shared.kit.db import get_engine
from tests.bench.world import World


def measure(world: World) -> dict[str, Any]:
    """Time a real run (decisions, reminders and outbox rows written) beside the bare scan it rests on."""
    began = time.perf_counter()
    with get_engine().connect() as connection:
        rows = connection.execute(
            text("SELECT debtor_id, id, due_on, open_minor FROM invoice WHERE company_id = :id AND open_minor > 0"),
            {"id": world.company_id},
        ).all()
    bare = time.perf_counter() - began
    began = time.perf_counter()
    report = reminders.run(world.company_id)
    taken = time.perf_counter() - began
    return {
        "considered": report.considered_count,
        "reminded": report.reminded_count,
        "open_invoices": len(rows),
        "seconds": round(taken, 2),
        "debtors_per_second": round(report.considered_count / taken),
        "ratio_to_reading_the_open_invoices": round(taken / bare, 1),
    }
