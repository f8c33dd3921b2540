"""A world that has lived: every way in which money comes and goes, and every agreement, left standing at different points."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.models import Means
from payments.plans import accepting, progress
from payments.plans import service as plans
from payments.plans.accepting import Evidence
from payments.plans.rules import Terms
from payments.receipts import apply_credit, record_receipt, undo_receipt
from payments.refunds import service as refunds
from shared.debtors.models import Contact, Debtor
from shared.disputes import service as disputes
from shared.disputes.service import Claim
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger import service as ledger
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.rules import Part
from tests.support.counter import Counter
from tests.support.people import a_debtor, an_invoice

SAM = Actor.staff(uuid.UUID(int=7), "Sam")
AMOUNTS = {f"F-{number}": 10_050 + 100 * number for number in range(1, 17)}


def live(counter: Counter) -> None:
    """Dora's life, some weeks of it; her colleague Eve has one invoice and pays it."""
    counter.open_account(tuple(AMOUNTS.values()))
    _eve(counter)
    _enter(counter)
    _cards_and_debits(counter)
    counter.days(8, bank=True)
    _money_goes_back(counter)
    counter.days(6, bank=True)
    _by_hand(counter)
    _agreements(counter)
    counter.deliver()
    _under_way(counter)
    counter.deliver()


def part(counter: Counter, number: str, minor: int | None = None) -> Part:
    return counter.part(number, AMOUNTS[number] if minor is None else minor)


def _card(counter: Counter, number: str) -> uuid.UUID:
    step = counter.pay_by_card(part(counter, number))
    counter.twins.pay(step.url)
    return step.payment_id


def _eve(counter: Counter) -> None:
    with transaction() as session:
        company = session.get_one(Debtor, counter.debtor_id).company_id
        from shared.company.models import Company

        eve = a_debtor(session, session.get_one(Company, company), "411EVE", "Eve")
        made = an_invoice(session, eve, "E-1", 7_770, due_in=3)
        record_receipt(
            session,
            debtor=eve,
            means=Means.TRANSFER,
            minor=7_770,
            received_on=clock.today() - timedelta(days=1),
            memo="VIR",
            parts=[Part(made.id, 7_770)],
            attempt="eve-1",
            by=SAM,
        )


def _enter(counter: Counter) -> None:
    """An invoice with lines, and a credit note that takes part of it back."""
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id, with_for_update=True)
        today = clock.today()
        lines = [
            LineDraft("Oak boards", Decimal("50.25"), Decimal(2)),
            LineDraft("Books", Decimal(50), Decimal(1), vat_rate=Decimal("5.5")),
        ]
        invoice = enter(session, debtor, InvoiceDraft("L-1", today, today + timedelta(days=30), lines), by=SAM)
        note = enter(
            session,
            debtor,
            InvoiceDraft(
                "N-1",
                today,
                today,
                [LineDraft("Books", Decimal(20), Decimal(1), vat_rate=Decimal("5.5"))],
                kind=InvoiceKind.CREDIT_NOTE,
                credits_invoice_id=invoice.id,
            ),
            by=SAM,
        )
        occasion = ledger.Occasion(at=clock.now(), value_on=today)
        ledger.apply_credit_note(
            session, debtor, credit_note_id=note.id, parts=[Part(invoice.id, 1_500)], occasion=occasion
        )
        counter.invoices |= {"L-1": invoice.id, "N-1": note.id}


def _cards_and_debits(counter: Counter) -> None:
    """F-1, F-3, F-4, F-6 by card; F-2, F-5, F-7 by debit: all of them confirmed and paid out."""
    mandate = counter.give_mandate()
    counter.mandate_id = mandate
    counter.cards = {number: _card(counter, number) for number in ("F-1", "F-3", "F-4", "F-6")}
    counter.debits = {
        number: counter.pay_by_debit(mandate, part(counter, number)).id for number in ("F-2", "F-5", "F-7")
    }


def _money_goes_back(counter: Counter) -> None:
    """F-3 partly refunded, F-4 charged back, F-5 failed late, a payout sent back by the bank."""
    with transaction() as session:
        refunds.ask(session, payment_id=counter.cards["F-3"], minor=2_000, reason="goodwill", by=SAM)
    counter.deliver()
    counter.twins.fault("chargeback", object=counter.payment(counter.cards["F-4"]).provider_reference)
    counter.twins.fault("late_failure", object=counter.payment(counter.debits["F-5"]).provider_reference)
    counter.deliver()
    payout = counter.twins.objects("stripe", "payout")[0]
    counter.twins.fault("payout_fails", object=payout["id"])
    counter.deliver()


def _receive(counter: Counter, minor: int, *parts: Part, attempt: str) -> uuid.UUID:
    with transaction() as session:
        return record_receipt(
            session,
            debtor=session.get_one(Debtor, counter.debtor_id),
            means=Means.CHEQUE,
            minor=minor,
            received_on=clock.today() - timedelta(days=2),
            memo="n° 1234",
            parts=parts,
            attempt=attempt,
            by=SAM,
        ).id


def _by_hand(counter: Counter) -> None:
    """F-8 by cheque with 3,000 too much, of which 1,200 settle F-9; a cheque for F-10 that was a mistake; 50 written off."""
    _receive(counter, AMOUNTS["F-8"] + 3_000, part(counter, "F-8"), attempt="cheque-1")
    undone = _receive(counter, AMOUNTS["F-10"], part(counter, "F-10"), attempt="cheque-2")
    with transaction() as session:
        apply_credit(session, debtor_id=counter.debtor_id, parts=[part(counter, "F-9", 1_200)], by=SAM)
        undo_receipt(session, payment_id=undone, reason="bounced", by=SAM)
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id, with_for_update=True)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.write_off(session, debtor, part(counter, "F-10", 50), occasion)


def _agreements(counter: Counter) -> None:
    """A plan over F-11 with a first payment, a promise on F-12, a dispute of F-13, a declared transfer for F-14."""
    with reading() as session:
        contact = session.scalars(select(Contact).order_by(Contact.id)).first()
    dora = Actor.contact(contact.id, "Dora")
    with transaction() as session:
        plan = plans.propose(
            session,
            debtor_id=counter.debtor_id,
            contact_id=contact.id,
            invoice_ids=[counter.invoices["F-11"]],
            wish=Terms(first_on=clock.today() + timedelta(days=20), count=3),
            message="",
            attempt="form-1",
            by=dora,
        )
        plan_id = plan.id
    with transaction() as session:
        accepting.accept(
            session,
            plan_id=plan_id,
            evidence=Evidence(
                contact_id=contact.id,
                name="Dora Durand",
                email=contact.email,
                address="192.0.2.7",
                user_agent="Mozilla/5.0 (test)",
                language="fr",
                verified_at=clock.now(),
            ),
            by=dora,
        )
    with reading() as session:
        parts = progress.parts_for_instalment(session, plan_id)
    step = counter.pay_by_card(*parts, attempt=progress.payment_attempt(plan_id, counter.new_attempt()))
    counter.twins.pay(step.url)
    counter.deliver()
    _speak(counter, contact.id, dora)


def _speak(counter: Counter, contact_id: uuid.UUID, dora: Actor) -> None:
    from shared.promises import service as promises
    from shared.promises.service import PromiseDraft

    with transaction() as session:
        draft = PromiseDraft(
            attempt="form-2",
            parts=[part(counter, "F-12", 4_000)],
            promised_on=clock.today() + timedelta(days=5),
        )
        promises.give(session, debtor_id=counter.debtor_id, draft=draft, by=dora)
    with transaction() as session:
        disputes.raise_dispute(
            session,
            debtor_id=counter.debtor_id,
            claims=[Claim(counter.invoices["F-13"])],
            reason_code="price",
            text="Two boxes are missing.",
            attempt="form-3",
            by=dora,
            contact_id=contact_id,
        )
    with transaction() as session:
        declared = DeclarationDraft(
            attempt="form-4",
            minor=AMOUNTS["F-14"],
            paid_on=clock.today() - timedelta(days=1),
            parts=[part(counter, "F-14")],
        )
        declarations.declare(session, debtor_id=counter.debtor_id, draft=declared, by=dora)


def _under_way(counter: Counter) -> None:
    """A debit of F-15 with the bank, and an open card page for F-16."""
    counter.under_way = counter.pay_by_debit(counter.mandate_id, part(counter, "F-15")).id
    counter.open_page = counter.pay_by_card(part(counter, "F-16")).payment_id


def invoice_id(number: str) -> uuid.UUID:
    with reading() as session:
        return session.scalars(select(Invoice.id).where(Invoice.number == number)).one()
