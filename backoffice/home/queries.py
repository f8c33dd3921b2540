"""Four figures and the age of what is open."""

from __future__ import annotations

import uuid
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from payments.collections.models import Collection, CollectionState
from payments.models import Payment
from payments.status import COLLECTED, IN_FLIGHT
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.money import Money

WEEKS = 12
EXPECTED_DAYS = 14
RECEIVED_DAYS = 30
EDGES = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class Figures:
    """A company's receivables in four figures."""

    open: Money
    debtor_count: int
    late: Money
    late_count: int
    ages: tuple[Money, ...]
    """Not due, 1–30, 31–60, 61–90, over 90 days late."""
    received: Money
    received_by_week: tuple[int, ...]
    """Minor units, the oldest week first."""
    expected: Money
    expected_count: int


def figures(session: Session, company_id: uuid.UUID, *, currency: str, today: date, zone: str) -> Figures:
    """The four figures, each one indexed scan."""
    open_minor, debtors = session.execute(
        select(func.coalesce(func.sum(Debtor.open_minor), 0), func.count()).where(
            Debtor.company_id == company_id, Debtor.open_minor > 0
        )
    ).one()
    ages, late_count = _ages(session, company_id, today)
    by_week, received = _received(session, company_id, today, zone)
    expected, expected_count = _expected(session, company_id, today)

    def money(minor: int) -> Money:
        return Money(int(minor), currency)

    return Figures(
        open=money(open_minor),
        debtor_count=debtors,
        late=money(sum(ages[1:])),
        late_count=late_count,
        ages=tuple(money(each) for each in ages),
        received=money(received),
        received_by_week=by_week,
        expected=money(expected),
        expected_count=expected_count,
    )


def _ages(session: Session, company_id: uuid.UUID, today: date) -> tuple[list[int], int]:
    """Added up by day in the order of the index, and by age here: hundreds of thousands of rows are looked at once each."""
    rows = session.execute(
        select(Invoice.due_on, func.count(), func.sum(Invoice.open_minor))
        .where(Invoice.company_id == company_id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .group_by(Invoice.due_on)
    )
    ages = [0] * (len(EDGES) + 1)
    late_count = 0
    for due_on, count, minor in rows:
        days_late = (today - due_on).days
        ages[bisect_left(EDGES, days_late)] += int(minor)
        late_count += count if days_late > 0 else 0
    return ages, late_count


def _received(session: Session, company_id: uuid.UUID, today: date, zone: str) -> tuple[tuple[int, ...], int]:
    """By weeks of seven days that end today, and of the last thirty days.

    What was recorded by hand counts on the day on which it was received, not on that of its recording.
    """
    first = today - timedelta(days=7 * WEEKS - 1)
    midnight = datetime.combine(first, datetime.min.time(), ZoneInfo(zone))
    day = func.coalesce(Payment.received_on, cast(func.timezone(zone, Payment.confirmed_at), Date))
    rows = session.execute(
        select(day, func.sum(Payment.amount_minor))
        .where(Payment.company_id == company_id, Payment.status.in_(COLLECTED))
        .where(Payment.confirmed_at >= midnight, day >= first, day <= today)
        .group_by(day)
    )
    by_week = [0] * WEEKS
    recent = 0
    for on, minor in rows:
        by_week[(on - first).days // 7] += int(minor)
        recent += int(minor) if (today - on).days < RECEIVED_DAYS else 0
    return tuple(by_week), recent


def _expected(session: Session, company_id: uuid.UUID, today: date) -> tuple[int, int]:
    """Payments on their way, and debits announced for the next days."""
    on_their_way = session.execute(
        select(func.count(), func.coalesce(func.sum(Payment.amount_minor), 0)).where(
            Payment.company_id == company_id, Payment.status.in_(IN_FLIGHT)
        )
    ).one()
    announced = session.execute(
        select(func.count(), func.coalesce(func.sum(Collection.amount_minor), 0)).where(
            Collection.company_id == company_id,
            Collection.state == CollectionState.ANNOUNCED,
            Collection.charge_on <= today + timedelta(days=EXPECTED_DAYS),
        )
    ).one()
    return int(on_their_way[1]) + int(announced[1]), on_their_way[0] + announced[0]
