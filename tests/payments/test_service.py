"""A payment walks the table, and the ledger walks with it."""

from __future__ import annotations

import pytest

from payments import service
from payments.models import Means, Payment, Provider
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus as S
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice
from shared.kit.db import transaction
from shared.kit.errors import Conflict
from shared.ledger.rules import Part
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

pytestmark = pytest.mark.usefixtures("database", "frozen", "settings")


@pytest.fixture
def dora(database, frozen):
    """Dora owes two invoices: 120.00 and 80.00."""
    with transaction() as session:
        debtor = a_debtor(session, a_company(session))
        first = an_invoice(session, debtor, "F-1", 12_000, due_in=-10)
        second = an_invoice(session, debtor, "F-2", 8_000, due_in=5)
        return debtor.id, first.id, second.id


def begin(debtor_id, parts, attempt="a1") -> Payment:
    with transaction() as session:
        debtor = lock_debtor(session, debtor_id)
        draft = PaymentDraft(attempt=attempt, means=Means.CARD, provider=Provider.STRIPE, parts=parts)
        return service.start(session, debtor, draft, by=SYSTEM)


def step(payment, to, **facts) -> bool:
    with transaction() as session:
        return service.advance(session, payment.id, to, by=SYSTEM, facts=Facts(**facts))


def amounts(*identities):
    with transaction() as session:
        return [(i.open_minor, i.held_minor) for i in (session.get_one(Invoice, each) for each in identities)]


def test_a_started_payment_holds_its_amount(dora):
    debtor, first, second = dora

    begin(debtor, [Part(first, 12_000), Part(second, 3_000)])

    assert amounts(first, second) == [(12_000, 12_000), (8_000, 3_000)]


def test_the_same_attempt_finds_the_first_payment(dora):
    debtor, first, _ = dora

    one, two = begin(debtor, [Part(first, 12_000)]), begin(debtor, [Part(first, 12_000)])

    assert one.id == two.id
    assert amounts(first) == [(12_000, 12_000)]


def test_no_cent_is_held_twice(dora):
    debtor, first, _ = dora
    begin(debtor, [Part(first, 10_000)])

    with pytest.raises(Conflict):
        begin(debtor, [Part(first, 2_001)], attempt="a2")

    assert amounts(first) == [(12_000, 10_000)]


def test_confirmation_settles_and_a_second_one_does_nothing(dora):
    debtor, first, _ = dora
    payment = begin(debtor, [Part(first, 12_000)])
    step(payment, S.SUBMITTED)

    assert step(payment, S.CONFIRMED, provider_reference="pi_1")
    assert not step(payment, S.CONFIRMED, provider_reference="pi_1")

    assert amounts(first) == [(0, 0)]


def test_failure_frees_what_was_held(dora):
    debtor, first, _ = dora
    payment = begin(debtor, [Part(first, 12_000)])

    step(payment, S.FAILED, failure_code="card_declined")

    assert amounts(first) == [(12_000, 0)]


def test_a_late_failure_reopens_and_a_second_round_is_another_movement(dora):
    debtor, first, _ = dora
    payment = begin(debtor, [Part(first, 12_000)])
    step(payment, S.SUBMITTED, provider_reference="PM1")
    for _round in range(3):
        step(payment, S.CONFIRMED)
        assert amounts(first) == [(0, 0)]
        step(payment, S.FAILED)
        assert amounts(first) == [(12_000, 0)]
        step(payment, S.SUBMITTED)


def test_money_that_comes_after_the_hold_was_void_settles_or_becomes_credit(dora):
    debtor, first, _ = dora
    late = begin(debtor, [Part(first, 12_000)])
    step(late, S.EXPIRED)
    other = begin(debtor, [Part(first, 12_000)], attempt="a2")
    step(other, S.CONFIRMED, provider_reference="pi_2")

    step(late, S.CONFIRMED, provider_reference="pi_1")

    assert amounts(first) == [(0, 0)]
    with transaction() as session:
        assert session.get_one(Debtor, debtor).credit_minor == 12_000


def test_a_chargeback_reopens_and_winning_it_settles_again(dora):
    debtor, first, second = dora
    payment = begin(debtor, [Part(first, 12_000), Part(second, 8_000)])
    step(payment, S.CONFIRMED, provider_reference="pi_1")

    step(payment, S.CHARGED_BACK)
    assert amounts(first, second) == [(12_000, 0), (8_000, 0)]

    step(payment, S.CONFIRMED)
    assert amounts(first, second) == [(0, 0), (0, 0)]


def test_a_step_that_the_table_does_not_have_is_refused(dora):
    debtor, first, _ = dora
    payment = begin(debtor, [Part(first, 12_000)])
    step(payment, S.FAILED)

    with pytest.raises(Conflict):
        step(payment, S.EXPIRED)
