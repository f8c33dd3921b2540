"""What lists and counts say."""

from __future__ import annotations

import uuid

from shared.disputes import queries, service
from shared.disputes.service import Assignee, Claim
from shared.kit import clock
from shared.kit.db import reading

F = "F-1"


def test_counts_tell_what_waits_for_whom(case) -> None:
    me = uuid.uuid4()
    first = case.raises(Claim(case.invoices[F]), reason="already_paid")
    case.raises(Claim(case.invoices["F-2"], minor=1_000), reason="other")
    case.act(service.assign, first.id, assignee=Assignee(me, "Me"))
    case.days(6)

    with reading() as session:
        counts = queries.counts(session, case.company_id, staff_id=me, today=clock.today())
    assert (counts.live, counts.mine, counts.late, counts.unassigned, counts.waiting) == (2, 1, 1, 1, 0)
    assert (counts.unanswered, counts.frozen_minor) == (2, 13_000)


def test_lists_of_a_debtor_and_of_an_invoice(case) -> None:
    one = case.raises(Claim(case.invoices[F], minor=100), Claim(case.invoices["F-2"], minor=100))
    case.act(service.withdraw, one.id, by=case.dora)
    two = case.raises(Claim(case.invoices[F]))

    with reading() as session:
        rows = queries.of_debtor(session, case.debtor_id)
        some = queries.of_debtor(session, case.debtor_id, invoice_id=case.invoices["F-2"])
        events = queries.events_of(session, case.debtor_id, invoice_id=case.invoices["F-2"])
    assert [(row.id, tuple(row.numbers)) for row in rows] == [(two.id, ("F-1",)), (one.id, ("F-1", "F-2"))]
    assert [row.id for row in some] == [one.id]
    assert [event.edge for event in events] == ["withdrawn", "raised"]


def test_what_is_frozen_is_told_by_invoice(case) -> None:
    case.raises(Claim(case.invoices[F], minor=2_000))
    case.raises(Claim(case.invoices[F], minor=500))

    with reading() as session:
        assert queries.frozen_by_invoice(session, case.debtor_id) == [(case.invoices[F], "F-1", 2_500)]
