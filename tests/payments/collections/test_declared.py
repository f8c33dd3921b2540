"""A debtor says that he has paid while an automatic debit of the same money is with the provider already.

The money is held, so that nothing could be paused: the debit was made all the same, and he had paid twice.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from payments.collections.models import CollectionState
from payments.declarations import service as declarations
from payments.declarations.models import Declaration
from payments.reconcile.verify import verify
from payments.status import PaymentStatus
from shared.invoices.models import Freeze, FreezeKind
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from tests.payments.collections.test_reconsider import (
    autopay,
    collections_,
    mails,
    provider_debits,
    run_today,
    written,
)

__all__ = ["autopay"]


def declare(counter, minor):
    draft = declarations.DeclarationDraft(
        attempt=f"form-{minor}", minor=minor, paid_on=clock.today(), parts=[Part(counter.invoices["F-1"], minor)]
    )
    with transaction() as session:
        declarations.declare(session, debtor_id=counter.debtor_id, draft=draft, by=counter.by)


def paused():
    with reading() as session:
        live = select(Freeze.amount_minor).where(Freeze.kind == FreezeKind.DECLARATION, Freeze.lifted_at.is_(None))
        return list(session.scalars(live))


@pytest.mark.parametrize(
    ("minor", "reason", "words"),
    [(12_000, "declared", "Vous nous avez dit"), (6_000, "less", "Il en reste moins à payer")],
)
def test_what_is_said_to_be_paid_is_not_debited_though_its_debit_is_written(autopay, minor, reason, words):
    payment_id = written(autopay)

    declare(autopay, minor)
    assert paused() == []  # the debit holds it
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert provider_debits(autopay) == [("cancelled", 12_000)]
    assert paused() == [minor], "what was held when it was declared is paused in the commit that lets it go"
    assert collections_()[0] == (CollectionState.CREATED, reason, 12_000)
    (mail,) = mails("debit_stopped")
    assert words in mail.text_body

    for _day in range(7):
        run_today()
        autopay.days(1)
    left = [amount for status, amount in provider_debits(autopay) if status != "cancelled"]
    assert left == ([] if minor == 12_000 else [6_000]), "what he does not speak of is debited on the day announced"
    assert verify().differences == []


def test_nothing_else_is_paused_by_what_lets_its_money_go(autopay):
    """One more declared than is open: never more than the invoice, and a declaration that has ended pauses nothing."""
    written(autopay)
    declare(autopay, 6_000)
    with transaction() as session:
        declaration_id = session.scalars(select(Declaration.id)).one()
        declarations.withdraw(session, declaration_id=declaration_id, by=autopay.by)

    autopay.deliver()

    assert paused() == []
    assert provider_debits(autopay) == [("pending_submission", 12_000)]
    assert mails("debit_stopped") == []
