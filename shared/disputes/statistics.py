"""How well disputes are answered, in figures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.disputes.choices import Reason, reason_of
from shared.disputes.models import Dispute, DisputePart, DisputeReason
from shared.disputes.queries import frozen_now
from shared.disputes.rules import Status
from shared.invoices.models import Invoice, InvoiceKind


@dataclass(frozen=True, slots=True)
class Statistics:
    """Disputes raised between two days (both included)."""

    raised: int
    invoices_issued: int
    invoices_disputed: int
    claim_rate: Decimal
    """Share of the invoices issued in that time that were ever disputed, 0..1."""
    claimed_minor: int
    credited_minor: int
    by_status: dict[Status, int]
    by_reason: Sequence[tuple[Reason, int, int]]
    """Reason, number, amount claimed; the most frequent first."""
    median_hours: float | None
    """From raised to ended, of those ended in that time."""
    p90_hours: float | None
    overdue: int
    """How many of them became overdue."""
    frozen_minor: int
    """Frozen now by live disputes."""


def statistics(session: Session, company_id: uuid.UUID, *, since: date, until: date) -> Statistics:
    """Disputes of a company raised between two legal days (both included), and how long those ended then took."""
    zone = ZoneInfo(session.get_one(Company, company_id).zone)
    start = datetime.combine(since, time(), zone)
    end = datetime.combine(until + timedelta(days=1), time(), zone)
    raised = and_(Dispute.company_id == company_id, Dispute.opened_at >= start, Dispute.opened_at < end)
    issued = and_(
        Invoice.company_id == company_id,
        Invoice.kind == InvoiceKind.INVOICE,
        Invoice.issued_on >= since,
        Invoice.issued_on <= until,
    )
    all_issued = session.scalar(select(func.count()).select_from(Invoice).where(issued)) or 0
    contested = session.scalar(
        select(func.count(DisputePart.invoice_id.distinct()))
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(Dispute.company_id == company_id, issued)
    )
    claimed, credited, overdue = session.execute(
        select(
            func.coalesce(func.sum(Dispute.claimed_minor), 0),
            func.coalesce(func.sum(Dispute.credited_minor), 0),
            func.count().filter(Dispute.escalated_at.is_not(None)),
        ).where(raised)
    ).one()
    by_status = {
        row[0]: row[1]
        for row in session.execute(select(Dispute.status, func.count()).where(raised).group_by(Dispute.status))
    }
    median, slow = _hours(session, company_id, start, end)
    return Statistics(
        raised=sum(by_status.values()),
        invoices_issued=int(all_issued),
        invoices_disputed=int(contested or 0),
        claim_rate=Decimal(int(contested or 0)) / all_issued if all_issued else Decimal(0),
        claimed_minor=int(claimed),
        credited_minor=int(credited),
        by_status=by_status,
        by_reason=_by_reason(session, raised),
        median_hours=median,
        p90_hours=slow,
        overdue=int(overdue),
        frozen_minor=frozen_now(session, company_id),
    )


def _hours(
    session: Session, company_id: uuid.UUID, start: datetime, end: datetime
) -> tuple[float | None, float | None]:
    hours = func.extract("epoch", Dispute.ended_at - Dispute.opened_at) / 3600
    row = session.execute(
        select(
            func.percentile_cont(0.5).within_group(hours.asc()), func.percentile_cont(0.9).within_group(hours.asc())
        ).where(Dispute.company_id == company_id, Dispute.ended_at >= start, Dispute.ended_at < end)
    ).one()
    return (None if row[0] is None else float(row[0])), (None if row[1] is None else float(row[1]))


def _by_reason(session: Session, chosen: ColumnElement[bool]) -> list[tuple[Reason, int, int]]:
    rows = session.execute(
        select(DisputeReason, func.count(), func.sum(Dispute.claimed_minor))
        .join(DisputeReason, DisputeReason.id == Dispute.reason_id)
        .where(chosen)
        .group_by(DisputeReason.id)
        .order_by(func.count().desc(), DisputeReason.position)
    )
    return [(reason_of(reason), int(number), int(minor)) for reason, number, minor in rows]
