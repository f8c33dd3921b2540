"""What lists, sheets, counts and statistics say; and what they keep to themselves."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.disputes import choices, queries, service, sheets, statistics
from shared.disputes.rules import Status
from shared.disputes.service import Assignee, Claim
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import speaking
from tests.shared.disputes.conftest import STAFF, another_debtor

F = "F-1"


def test_a_sheet_of_another_debtor_or_company_does_not_exist(case) -> None:
    dispute = case.raises()
    other, _invoice = another_debtor(case)

    with reading() as session:
        for look in (
            lambda: sheets.debtor_sheet(session, other, dispute.id, today=clock.today()),
            lambda: sheets.debtor_sheet(session, case.debtor_id, uuid.uuid4(), today=clock.today()),
            lambda: sheets.staff_sheet(session, uuid.uuid4(), dispute.id, today=clock.today()),
        ):
            with pytest.raises(NotFound):
                look()


def test_a_sheet_tells_the_story_in_order(case) -> None:
    dispute = case.raises(text="Broken.")
    case.clock.advance(minutes=5)
    case.act(service.say, dispute.id, text="Which one?", asks=True)
    case.clock.advance(minutes=5)
    case.act(service.say, dispute.id, text="The blue one.", by=case.dora)
    case.clock.advance(minutes=5)
    case.act(service.reject, dispute.id, grounds="Not covered.")

    with reading() as session:
        sheet = sheets.debtor_sheet(session, case.debtor_id, dispute.id, today=clock.today())
    told = [(said.what, said.detail or said.text) for said in sheet.said]
    assert told == [
        ("message", "Broken."),
        ("step", "raised"),
        ("message", "Which one?"),
        ("step", "asked"),
        ("message", "The blue one."),
        ("step", "answered"),
        ("step", "Not covered."),
    ]
    assert sheet.may_reopen


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


def test_what_may_be_contested_is_what_is_open_and_not_frozen(case) -> None:
    case.raises(Claim(case.invoices[F], minor=2_000))
    _other, foreign = another_debtor(case)

    with reading() as session:
        left = {each.number: each.left_minor for each in choices.contestable(session, case.debtor_id)}
        [shown] = choices.contestable(session, case.debtor_id, [case.invoices["F-3"]])
        with pytest.raises(NotFound):
            choices.contestable(session, case.debtor_id, [foreign])
    assert left == {"F-1": 10_000, "F-2": 8_000, "F-3": 17_275}
    assert [(text, gross) for _id, text, gross in shown.lines] == [("Oak boards", 12_000), ("Books", 5_275)]


def test_what_is_frozen_is_told_by_invoice(case) -> None:
    case.raises(Claim(case.invoices[F], minor=2_000))
    case.raises(Claim(case.invoices[F], minor=500))

    with reading() as session:
        assert queries.frozen_by_invoice(session, case.debtor_id) == [(case.invoices[F], "F-1", 2_500)]


def test_a_reason_speaks_the_language_of_the_moment(case) -> None:
    with reading() as session:
        reason = choices.reasons(session, case.company_id)[3]
    assert reason.label == "I have already paid"
    with speaking("fr"):
        assert reason.label == "J’ai déjà payé"


def test_staff_see_open_credit_notes_and_a_free_number(case) -> None:
    dispute = case.raises()

    with reading() as session:
        sheet = sheets.staff_sheet(session, case.company_id, dispute.id, today=clock.today())
    assert (sheet.suggested_number, sheet.credit_notes) == ("AV-F-1", [])
    assert sheet.contact_name
    assert STAFF.name not in repr(sheet)
