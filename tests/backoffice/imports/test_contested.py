"""A file that lowers an invoice of which a bank contests a part: what is contested stays so, and the case says how much."""

from __future__ import annotations

from sqlalchemy import select

import wsgi
from backoffice.imports import run
from backoffice.imports.models import RunState
from payments.chargebacks.models import Chargeback, ChargebackPart
from payments.reconcile.verify import verify
from shared.debtors.models import Debtor
from shared.invoices.models import Freeze, Invoice
from shared.kit.actors import Actor
from shared.kit.db import reading
from shared.ledger.rules import Part

BY = Actor.system("test")


def take(counter, total: str) -> run.Outcome:
    with reading() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        day = session.get_one(Invoice, counter.invoices["F-1"]).issued_on.strftime("%d/%m/%Y")
    file = f"Code client;Facture;Date;Montant TTC;Reste dû\n{debtor.account_code};F-1;{day};{total};{total}\n"
    return run.import_file(
        file.encode(), company_id=debtor.company_id, name="later.csv", by=BY, choices={"dates": "dmy"}
    )


def test_two_cases_on_one_invoice_shrink_with_it_and_the_books_agree(counter):
    """Two payments of 60 are contested on an invoice of 120; then the file says 100, and then 50."""
    wsgi.import_jobs()
    counter.open_account(amounts=(12_000,))
    for _ in range(2):
        step = counter.pay_by_card(Part(counter.invoices["F-1"], 6_000))
        counter.twins.pay(step.url)
        counter.deliver()
        counter.twins.advance(seconds=2)
        counter.twins.fault("chargeback", object=counter.payment(step.payment_id).provider_reference)
        counter.deliver()

    for total, expected in (("100,00", [6_000, 4_000]), ("50,00", [5_000])):
        assert take(counter, total).state is RunState.DONE
        with reading() as session:
            parts = session.scalars(
                select(ChargebackPart.amount_minor)
                .join(Chargeback, Chargeback.id == ChargebackPart.chargeback_id)
                .order_by(Chargeback.id)
            ).all()
            live = session.scalars(
                select(Freeze.amount_minor).where(Freeze.lifted_at.is_(None)).order_by(Freeze.frozen_at, Freeze.id)
            ).all()
            found = session.get_one(Invoice, counter.invoices["F-1"])
        assert (parts, live, found.paused_minor) == (expected, expected, sum(expected))
        assert verify(with_providers=False).differences == []
