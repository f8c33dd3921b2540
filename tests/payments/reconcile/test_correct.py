"""What verify finds is put right by two people, beside what was spoilt, and verify is clean afterwards."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from payments.payouts import book as books
from payments.reconcile import correct
from payments.reconcile.models import Correction, CorrectionState
from payments.reconcile.verify import verify
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading
from shared.kit.errors import Conflict, Invalid, Refused
from tests.payments.reconcile.planted import AT_PROVIDERS, HERE
from tests.payments.reconcile.two_people import CHARLES, INES, book_without_its_tenths, put_right
from tests.support.spoil import spoiling

MENDED = (
    "open + 1",
    "held - 1",
    "frozen + 1",
    "paused + 1",
    "total + 1",
    "settled a day later",
    "settled on no day",
    "open of a debtor - 1",
    "held of a debtor + 1",
    "credit of a debtor + 1",
    "amount of a settled payment + 1",
    "amount in flight + 1",
    "amount of a late failure + 1",
    "failed, said to be under way",
    "settled, said to be confirmed",
    "refunded + 1",
    "received a day later",
    "part of a payment + 1",
    "part of a payment deleted",
    "payment + 1",
    "payout + 1",
    "payout deleted",
    "payout sent back + 1",
    "payout sent back deleted",
    "fee + 1",
    "fee deleted",
    "fee invented",
    "payout row + 1",
    "payout row fee + 1",
    "payout row deleted",
    "payout sent back forgotten",
    "whole payout deleted",
    "whole payout + 1",
    "whole fee + 1",
    "fee of a payment + 1",
    "fee of a payment forgotten",
    "the legal day of a movement",
    "payment deleted",
    "last step of a payment deleted",
    "last step of a mandate deleted",
    "first step of a payment deleted",
    "a step of a payment deleted",
    "who took a step",
    "audit line of a payment deleted",
    "last audit line deleted",
    "who did it",
    "audit line slipped in behind the triggers",
    "a seal deleted",
    "contested + 1",
    "credited of a dispute + 1",
    "a promise + 1",
    "kept of a promise + 1",
    "total of a plan + 1",
)
KINDS = {one[0]: one for one in (*HERE, *AT_PROVIDERS)}


def plant(name: str) -> None:
    with spoiling() as session:
        for statement in KINDS[name][2:]:
            assert session.execute(text(statement)).rowcount


@pytest.mark.parametrize("name", MENDED)
def test_what_was_spoilt_is_put_right_by_two_people(world, name):
    plant(name)
    assert not verify().is_clean

    assert put_right()

    assert [str(one) for one in verify().differences] == []
    with reading() as session:
        lines = session.scalars(select(AuditLine.action).where(AuditLine.subject_type == "correction")).all()
    assert "correction.done" in lines


def test_who_proposes_does_not_approve(world):
    plant("open + 1")
    (one, *_) = verify(with_providers=False).differences
    row = correct.propose(one, reason="a slip", by=INES)

    with pytest.raises(Refused):
        correct.approve(row.id, by=INES)
    with pytest.raises(Refused):
        correct.approve(row.id, by=Actor.system("command line"))
    with reading() as session:
        assert session.get_one(Correction, row.id).state is CorrectionState.PROPOSED


def test_a_correction_without_a_reason_or_twice_is_refused(world):
    plant("open + 1")
    (one, *_) = verify(with_providers=False).differences

    with pytest.raises(Invalid):
        correct.propose(one, reason=" ", by=INES)
    correct.propose(one, reason="a slip", by=INES)
    with pytest.raises(Conflict):
        correct.propose(one, reason="a slip", by=CHARLES)


def test_a_difference_that_is_another_one_by_now_is_not_put_right(world):
    plant("open + 1")
    one = next(each for each in verify(with_providers=False).differences if each.check == "invoice open")
    row = correct.propose(one, reason="a slip", by=INES)
    plant("open + 1")

    with pytest.raises(Conflict):
        correct.approve(row.id, by=CHARLES)


def test_a_copy_is_not_written_anew_from_movements_that_were_spoilt(world):
    plant("refund + 1")
    one = next(each for each in verify(with_providers=False).differences if each.check == "invoice open")
    row = correct.propose(one, reason="a slip", by=INES)

    with pytest.raises(Conflict, match="put them right first"):
        correct.approve(row.id, by=CHARLES)


def test_a_payout_that_was_booked_without_its_tenths_is_corrected_beside(world):
    name = book_without_its_tenths()
    wrong = {one.check for one in verify().differences}
    assert wrong >= {"gocardless payout", "gocardless payout fee"}

    assert put_right() == 1

    assert verify().differences == []
    with reading() as session:
        corrections = text("SELECT count(*) FROM ledger_transfer WHERE kind = 'correction'")
        assert session.scalar(corrections) == 2
        assert sum(books.at_bank(session, books.Provider.GOCARDLESS, name).values()) > 0
