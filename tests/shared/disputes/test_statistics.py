"""How well disputes are answered, in figures."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from shared.disputes import service, statistics
from shared.disputes.rules import Status
from shared.disputes.service import Claim
from shared.kit import clock
from shared.kit.db import reading

F = "F-1"


def test_statistics_tell_the_rate_the_time_and_the_money(case) -> None:
    day = clock.today()
    one = case.raises(Claim(case.invoices["F-3"]), reason="price")
    case.clock.advance(hours=10)
    case.act(service.reject, one.id, grounds="No.")
    case.raises(Claim(case.invoices[F]), reason="vat")

    with reading() as session:
        stats = statistics.statistics(session, case.company_id, since=day, until=day + timedelta(days=1))
        before = statistics.statistics(session, case.company_id, since=day - timedelta(9), until=day - timedelta(1))
    assert (stats.raised, stats.invoices_issued, stats.invoices_disputed) == (2, 1, 1)
    assert stats.claim_rate == Decimal(1)
    assert (stats.median_hours, stats.p90_hours) == (10.0, 10.0)
    assert stats.by_status == {Status.REJECTED: 1, Status.OPEN: 1}
    assert {reason.code: (count, minor) for reason, count, minor in stats.by_reason} == {
        "price": (1, 17_275),
        "vat": (1, 12_000),
    }
    assert stats.frozen_minor == 12_000
    assert (before.raised, before.claim_rate, before.median_hours) == (0, Decimal(0), None)
