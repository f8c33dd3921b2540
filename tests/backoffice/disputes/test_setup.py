from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.disputes import choices
from shared.disputes import queries as reads
from shared.disputes.models import DisputeReason
from shared.kit.audit import AuditLine
from shared.kit.db import reading

REASON = {"label_fr": "Trop cher", "label_en": "Too dear", "deadline_days": "7", "is_active": "y"}


def reasons(world) -> dict[str, choices.Reason]:
    with reading() as session:
        return {each.code: each for each in choices.reasons(session, world.company, with_inactive=True)}


def test_the_house_begins_with_nine_reasons_in_both_languages(ines, world) -> None:
    text = ines.get("/setup/disputes").text

    assert "Marchandise ou prestation non conforme" in text
    assert "Invoiced twice" in text


def test_a_reason_is_changed_taken_off_and_added(ines, world) -> None:
    ines.post("/setup/disputes/price", REASON)
    off = {name: value for name, value in REASON.items() if name != "is_active"}
    ines.post("/setup/disputes/vat", off)
    assert ines.post("/setup/disputes/new", {**REASON, "code": "late_delivery"}).status_code == 303

    found = reasons(world)
    assert (found["price"].label_en, found["price"].deadline_days) == ("Too dear", 7)
    assert found["vat"].is_active is False
    assert found["late_delivery"].label_fr == "Trop cher"
    with reading() as session:
        told = session.scalars(select(AuditLine.after).where(AuditLine.action == "dispute.reason_set")).all()
        others = session.scalars(select(DisputeReason).where(DisputeReason.company_id != world.company)).all()
    assert len(told) == 3
    assert others == []


@pytest.mark.parametrize(
    ("path", "changed", "words"),
    [
        ("price", {"deadline_days": "0"}, "Between 1 and 365 days."),
        ("price", {"deadline_days": "soon"}, "Not a valid integer value"),
        ("price", {"label_fr": ""}, "This is needed."),
        ("new", {"code": "price"}, "There is already a reason with this short name."),
        ("new", {"code": "new"}, "There is already a reason with this short name."),
        ("new", {"code": "Ça va"}, "letters, digits and underscores"),
    ],
)
def test_what_is_wrong_with_a_reason_is_said(ines, world, path: str, changed: dict[str, str], words: str) -> None:
    answer = ines.post(f"/setup/disputes/{path}", {**REASON, **changed})

    assert answer.status_code == 422
    assert words in answer.text


def test_the_last_reason_stays_on_offer(ines, world) -> None:
    off = {name: value for name, value in REASON.items() if name != "is_active"}
    codes = list(reasons(world))
    answers = [ines.post(f"/setup/disputes/{code}", off) for code in codes]

    assert [answer.status_code for answer in answers] == [303] * (len(codes) - 1) + [422]
    assert "At least one reason must stay on offer." in answers[-1].text


def test_reasons_that_are_not_there_are_not_found(ines, world) -> None:
    assert ines.get("/setup/disputes/nonsense").status_code == 404
    assert ines.post("/setup/disputes/nonsense", REASON).status_code == 404


def test_what_is_granted_is_changed_within_bounds(ines, world) -> None:
    good = {"owed_again_days": "10", "reopen_days": "60", "most_reopens": "1"}
    assert ines.post("/setup/disputes", good).status_code == 303
    assert ines.post("/setup/disputes", {**good, "owed_again_days": "91"}).status_code == 422

    with reading() as session:
        policy = reads.policy_of(session, world.company)
    assert (policy.owed_again_days, policy.reopen_days, policy.most_reopens) == (10, 60, 1)
