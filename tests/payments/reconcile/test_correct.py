"""What verify finds is put right by two people, beside what was spoilt, and verify is clean afterwards."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, text

import wsgi
from payments.payouts import book as books
from payments.reconcile import correct
from payments.reconcile.models import Correction, CorrectionState
from payments.reconcile.verify import verify
from shared.kit import seals
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading
from shared.kit.errors import Conflict, Invalid, Refused
from tests.payments.reconcile.planted import AT_PROVIDERS, HERE
from tests.support.spoil import spoiling

INES = Actor.staff(uuid.uuid4(), "Inès")
CHARLES = Actor.staff(uuid.uuid4(), "Charles")

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


def put_right() -> int:
    """Two people go through what verify finds, until nothing is left; gives how many corrections it took."""
    count = 0
    for _round in range(12):
        found = correct.correctable(verify())
        done = 0
        for one in found:
            if one.check not in {known.check for known in verify().differences}:
                continue
            row = correct.propose(one, reason="a test spoilt it", by=INES)
            try:
                correct.approve(row.id, by=CHARLES)
                done += 1
            except Conflict:
                correct.decline(row.id, by=CHARLES)
        count += done
        if not done:
            break
    return count


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


def book_without_its_tenths() -> str:
    """As the old way did, which cut 20.5 at the point: fees too low, and as much too much at the bank. Gives the payout's name."""
    with spoiling() as session:
        name: str = session.scalar(text("SELECT provider_reference FROM payout WHERE provider = 'gocardless' LIMIT 1"))
        for statement in (
            "UPDATE ledger_transfer SET amount_minor = amount_minor + 5 WHERE kind = 'payout' AND provider_reference = :n",
            "UPDATE ledger_transfer SET amount_minor = amount_minor - 5 WHERE kind = 'fee' AND provider_reference = :n",
            "UPDATE payout SET fee_minor = fee_minor - 5 WHERE provider_reference = :n",
        ):
            session.execute(text(statement), {"n": name})
        ids = "SELECT id FROM ledger_transfer WHERE provider_reference = :n"
        seals.renew(session, "ledger_transfer", session.scalars(text(ids), {"n": name}).all())
    return name


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


@pytest.fixture
def collected(counter):
    """A debit of Dora's in a payout; in a world of its own, because its bank is asked for more."""
    wsgi.import_jobs()
    counter.open_account((12_000,))
    counter.pay_by_debit(counter.give_mandate(), counter.part("F-1", 12_000))
    counter.days(8, bank=True)
    return counter


@pytest.mark.parametrize("is_corrected_first", [True, False])
def test_a_corrected_payout_that_bounces_and_is_sent_again_stays_corrected(collected, is_corrected_first):
    name = book_without_its_tenths()
    if is_corrected_first:
        assert put_right() == 1
    collected.twins.fault("payout_fails", object=name)
    collected.deliver()
    if not is_corrected_first:
        assert put_right() == 1
    assert verify().differences == []

    collected.twins.fault("payout_retried", object=name)
    collected.days(2, bank=True)

    assert verify().differences == []
    with reading() as session:
        paid = session.scalar(text("SELECT amount_minor FROM payout WHERE provider_reference = :n"), {"n": name})
        assert sum(books.at_bank(session, books.Provider.GOCARDLESS, name).values()) == paid
