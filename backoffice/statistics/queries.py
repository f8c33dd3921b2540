"""Figures of a period: each one a read on an index of its company."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from payments.plans import statistics as plans
from shared.disputes import statistics as disputes
from shared.disputes.models import Dispute
from shared.disputes.rules import LIVE, Status
from shared.kit.money import Money
from shared.kit.words import current_language
from shared.promises.models import Promise
from shared.promises.rules import PromiseState

MONTHS = 12


@dataclass(frozen=True, slots=True)
class PromiseFigures:
    """Promises whose day lies in the period."""

    given: int
    kept: int
    broken: int
    cancelled: int
    expected: int
    promised: Money
    came: Money
    """What of all of them has come."""

    @property
    def share_kept(self) -> float | None:
        """Of those that ended one way or the other; None when none did."""
        ended = self.kept + self.broken
        return self.kept / ended if ended else None


@dataclass(frozen=True, slots=True)
class DeclarationFigures:
    """Transfers declared in the period."""

    declared: int
    matched: int
    refused: int
    expired: int
    open: int
    amount: Money
    matched_amount: Money

    @property
    def share_matched(self) -> float | None:
        """Of those that ended; None when none did."""
        ended = self.matched + self.refused + self.expired
        return self.matched / ended if ended else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything on the page."""

    since: date
    until: date
    disputes: disputes.Statistics
    by_month: Sequence[tuple[str, list[int]]]
    """Month, and how many disputes raised in it are live, accepted, rejected, closed otherwise."""
    promises: PromiseFigures
    plans: plans.Statistics
    declarations: DeclarationFigures

    @property
    def by_status(self) -> list[tuple[Status, int]]:
        """States that occur, from new to settled."""
        return [(status, self.disputes.by_status[status]) for status in Status if status in self.disputes.by_status]


def figures(session: Session, company_id: uuid.UUID, *, days: int, today: date, zone: str, currency: str) -> Figures:
    """How a company did in the last so many days, today included."""
    since = today - timedelta(days=days - 1)
    start = datetime.combine(since, time(), ZoneInfo(zone))
    return Figures(
        since=since,
        until=today,
        disputes=disputes.statistics(session, company_id, since=since, until=today),
        by_month=_by_month(session, company_id, today, zone),
        promises=_promises(session, company_id, since, today, currency),
        plans=plans.statistics(session, company_id, since=start, currency=currency),
        declarations=_declarations(session, company_id, start, currency),
    )


def _by_month(session: Session, company_id: uuid.UUID, today: date, zone: str) -> list[tuple[str, list[int]]]:
    months = _months(today)
    start = datetime.combine(months[0], time(), ZoneInfo(zone))
    month = func.date_trunc("month", func.timezone(zone, Dispute.opened_at))
    rows = session.execute(
        select(month.label("month"), Dispute.status, func.count().label("n"))
        .where(Dispute.company_id == company_id, Dispute.opened_at >= start)
        .group_by(month, Dispute.status)
    )
    counted = {each: [0, 0, 0, 0] for each in months}
    for row in rows:
        if row.month.date() in counted:
            counted[row.month.date()][_series(row.status)] += row.n
    language = current_language()
    return [(format_date(each, "LLL", locale=language), counts) for each, counts in counted.items()]


def _months(today: date) -> list[date]:
    last = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(last - MONTHS + 1, last + 1)]


def _series(status: Status) -> int:
    if status in LIVE:
        return 0
    return {Status.ACCEPTED: 1, Status.REJECTED: 2}.get(status, 3)


def _promises(session: Session, company_id: uuid.UUID, since: date, until: date, currency: str) -> PromiseFigures:
    row = session.execute(
        select(
            *(func.count().filter(Promise.state == state) for state in PromiseState),
            func.coalesce(func.sum(Promise.amount_minor), 0),
            func.coalesce(func.sum(Promise.kept_minor), 0),
        ).where(
            Promise.company_id == company_id,
            Promise.promised_on.between(since, until),
            Promise.currency == currency,
        )
    ).one()
    count = {state: int(row[place]) for place, state in enumerate(PromiseState)}
    return PromiseFigures(
        given=sum(count.values()),
        kept=count[PromiseState.KEPT],
        broken=count[PromiseState.BROKEN],
        cancelled=count[PromiseState.CANCELLED],
        expected=count[PromiseState.EXPECTED],
        promised=Money(int(row[-2]), currency),
        came=Money(int(row[-1]), currency),
    )


def _declarations(session: Session, company_id: uuid.UUID, start: datetime, currency: str) -> DeclarationFigures:
    rows = session.execute(
        select(Declaration.state, func.count(), func.sum(Declaration.amount_minor))
        .where(Declaration.company_id == company_id, Declaration.created_at >= start, Declaration.currency == currency)
        .group_by(Declaration.state)
    )
    found = {state: (int(count), int(minor)) for state, count, minor in rows}

    def count(state: DeclarationState) -> int:
        return found.get(state, (0, 0))[0]

    return DeclarationFigures(
        declared=sum(number for number, _minor in found.values()),
        matched=count(DeclarationState.MATCHED),
        refused=count(DeclarationState.REFUSED),
        expired=count(DeclarationState.EXPIRED),
        open=count(DeclarationState.DECLARED),
        amount=Money(sum(minor for _number, minor in found.values()), currency),
        matched_amount=Money(found.get(DeclarationState.MATCHED, (0, 0))[1], currency),
    )
