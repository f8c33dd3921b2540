"""Two at the same moment: the same cent is contested once, and never both contested and collected."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from shared.debtors.service import lock_debtor
from shared.disputes import service
from shared.disputes.models import Dispute, DisputeReason, DisputeTransition
from shared.disputes.rules import DEFAULT_REASONS, Status
from shared.disputes.service import Claim, CreditWish
from shared.kit import clock
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, DomainError
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from tests.shared.disputes.conftest import STAFF

F = "F-1"


def together(*acts: Callable[[], object]) -> list[object]:
    """Do all at the same moment; gives what each gave, or how it was refused."""
    start = threading.Barrier(len(acts))
    ends: list[object] = [None] * len(acts)

    def one(place: int, act: Callable[[], object]) -> None:
        start.wait()
        try:
            ends[place] = retrying(act)
        except DomainError as error:
            ends[place] = error

    threads = [threading.Thread(target=one, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


@pytest.mark.parametrize("turn", range(4))
def test_two_tabs_contest_the_same_money_once(case, turn) -> None:
    ends = together(case.raises, case.raises, case.raises)

    assert sum(isinstance(end, Dispute) for end in ends) == 1
    assert sum(isinstance(end, Conflict) for end in ends) == 2
    assert case.invoice(F).frozen_minor == 12_000


@pytest.mark.parametrize("turn", range(4))
def test_one_form_sent_twice_at_once_is_one_dispute(case, turn) -> None:
    ends = together(*[lambda: case.raises(attempt="same")] * 3)

    assert len({end.id for end in ends}) == 1


@pytest.mark.parametrize("turn", range(4))
def test_the_first_disputes_of_a_company_write_its_reasons_once(case, turn) -> None:
    together(*[lambda minor=minor: case.raises(Claim(case.invoices[F], minor=minor)) for minor in (100, 200, 300)])

    with reading() as session:
        assert session.scalar(select(func.count()).select_from(DisputeReason)) == len(DEFAULT_REASONS)
    assert case.invoice(F).frozen_minor == 600


@pytest.mark.parametrize("turn", range(4))
def test_a_decision_and_a_withdrawal_end_it_once(case, turn) -> None:
    dispute = case.raises()
    ends = together(
        lambda: case.act(service.reject, dispute.id, grounds="No."),
        lambda: case.act(service.withdraw, dispute.id, by=case.dora),
        lambda: case.act(service.accept, dispute.id, credit=CreditWish(), text="Yes."),
    )

    assert sum(isinstance(end, Conflict) for end in ends) == 2
    assert case.dispute(dispute.id).status in (Status.REJECTED, Status.WITHDRAWN, Status.ACCEPTED)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(DisputeTransition)) == 2
    assert case.invoice(F).frozen_minor == 0


@pytest.mark.parametrize("turn", range(6))
def test_a_collection_that_looks_at_the_same_moment_takes_nothing_contested(case, turn) -> None:
    """Whichever comes first: a debit is written over what is collectable under the debtor's lock."""

    def collect() -> int:
        with transaction() as session:
            debtor = lock_debtor(session, case.debtor_id)
            invoice = ledger.lock_invoices(session, [case.invoices[F]])[case.invoices[F]]
            minor = invoice.collectable_minor
            if minor:
                occasion = ledger.Occasion(at=clock.now(), value_on=clock.today(), payment_id=uuid.uuid4())
                parts = [Part(invoice.id, minor)]
                ledger.hold(session, debtor, parts, account=Account.GOCARDLESS, occasion=occasion)
            return minor

    taken, raised = together(collect, lambda: case.raises(Claim(case.invoices[F], minor=5_000)))

    assert isinstance(raised, Dispute)
    invoice = case.invoice(F)
    assert (taken, invoice.held_minor, invoice.frozen_minor) in ((12_000, 12_000, 5_000), (7_000, 7_000, 5_000))


def test_words_of_both_sides_at_once_all_stay(case) -> None:
    dispute = case.raises()
    together(
        lambda: case.act(service.say, dispute.id, text="One"),
        lambda: case.act(service.say, dispute.id, text="Two", by=case.dora),
        lambda: case.act(service.note, dispute.id, text="Three"),
    )

    from shared.disputes.models import DisputeEntry

    with reading() as session:
        texts = set(session.scalars(select(DisputeEntry.text)))
    assert texts == {"Two boxes are missing.", "One", "Two", "Three"}
    assert STAFF.name == case.dispute(dispute.id).assignee_name
