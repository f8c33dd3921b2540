"""A reminder decision run over all debtors: the first one, and the next day's. Aim: under 10 s, at least 10,000 debtors a second."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from backoffice.reminders import run as reminders
from shared.kit import clock
from shared.kit.db import get_engine
from tests.bench.server import cpu_seconds
from tests.bench.world import World

AIM_PER_SECOND = 10_000
AIM_SECONDS = 10


def measure(world: World) -> dict[str, Any]:
    """Time two real runs (decisions, reminders and outbox rows written) beside the bare scan they rest on.

    On the first day nearly everybody is reminded, as after an import; on the next one nearly nobody, as on most days.
    """
    began = time.perf_counter()
    with get_engine().connect() as connection:
        rows = connection.execute(
            text("SELECT debtor_id, id, due_on, open_minor FROM invoice WHERE company_id = :id AND open_minor > 0"),
            {"id": world.company_id},
        ).all()
    bare = time.perf_counter() - began
    figures: dict[str, Any] = {"open_invoices": len(rows), "seconds_to_read_them": round(bare, 2)}
    morning = datetime.now(UTC).replace(hour=10)  # noqa: DTZ005, RUF100 - the world's days are the database's
    for name, at in (("first_day", morning), ("next_day", morning + timedelta(days=1))):
        before = clock.set_clock(clock.FrozenClock(at))
        try:
            computed, began = cpu_seconds(world.url), time.perf_counter()
            report = reminders.run(world.company_id)
            taken, computed_after = time.perf_counter() - began, cpu_seconds(world.url)
        finally:
            clock.set_clock(before)
        figures[name] = {
            "considered": report.considered_count,
            "reminded": report.reminded_count,
            "seconds": round(taken, 2),
            "cpu_seconds": round(computed_after - computed, 2) if computed and computed_after else None,
            "debtors_per_second": round(report.considered_count / taken),
        }
        with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE reminder, reminder_invoice, reminder_decision"))
    figures["ratio_to_reading"] = round(figures["next_day"]["seconds"] / bare, 1)
    figures["aim"] = {"debtors_per_second": AIM_PER_SECOND, "seconds": AIM_SECONDS}
    return figures
