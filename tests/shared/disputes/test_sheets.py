"""What a sheet shows, and what it keeps to itself."""

from __future__ import annotations

import uuid

import pytest

from shared.disputes import service, sheets
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.errors import NotFound
from tests.shared.disputes.conftest import STAFF, another_debtor


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


def test_staff_see_open_credit_notes_and_a_free_number(case) -> None:
    dispute = case.raises()

    with reading() as session:
        sheet = sheets.staff_sheet(session, case.company_id, dispute.id, today=clock.today())
    assert (sheet.suggested_number, sheet.credit_notes) == ("AV-F-1", [])
    assert sheet.contact_name
    assert STAFF.name not in repr(sheet)
