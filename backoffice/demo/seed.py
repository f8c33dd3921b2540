"""Building the demo's world through the same verbs that everybody uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backoffice.access.passwords import hash_password
from backoffice.access.permissions import Role
from backoffice.access.service import add_member
from backoffice.demo import affairs
from backoffice.demo.world import PEOPLE, Bill, Person, neighbours
from payments import service as payments
from payments.models import Means, Provider
from payments.service import PaymentDraft
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import DebtorDraft, add_contact, add_debtor, add_note
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.rules import Part

BY = Actor.system("demo")
TERM = timedelta(days=30)

STAFF = (
    ("ines@atelier-des-lices.example", "Inès Caradec", Role.AGENT),
    ("charles@atelier-des-lices.example", "Charles Nedelec", Role.ACCOUNTANT),
    ("anne@atelier-des-lices.example", "Anne Lemoine", Role.ADMIN),
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """Whether the world was made now."""

    is_new: bool
    debtor_count: int


def seed(*, password: str) -> Seeded:
    """Make the world in one transaction; a second start finds it and changes nothing."""
    with transaction() as session:
        if session.scalar(select(Company.id).limit(1)):
            return Seeded(is_new=False, debtor_count=0)
        company = _company(session)
        _second_company(session)
        people = [*PEOPLE, *neighbours()]
        numbers = iter(range(1, 10_000))
        for person in people:
            _settle_in(session, company, person, numbers)
        for email, name, role in STAFF:
            add_member(session, email=email, name=name, role=role, password_hash=hash_password(password), by=BY)
        session.execute(delete(OutboxMessage))  # what was seeded is history: nobody is written to about it
        affairs.begin(session, company)
        return Seeded(is_new=True, debtor_count=len(people))


CREDITOR_NAME, CREDITOR_ICS = "Atelier des Lices", "FR72ZZZ123456"
"""The company whose accounts at the providers the twins are: their pages name it."""


def _company(session: Session) -> Company:
    company = Company(
        id=new_id(),
        code="atelier",
        legal_name=CREDITOR_NAME,
        trade_name=CREDITOR_NAME,
        legal_form="SAS",
        capital="50 000 €",
        siren="732829320",
        siret="73282932000074",
        trade_register="RCS Rennes",
        vat_number="FR44732829320",
        street="12 place des Lices",
        postcode="35000",
        city="Rennes",
        email="compta@atelier-des-lices.example",
        phone="02 99 00 00 00",
        website="https://atelier-des-lices.example",
        iban="FR7630006000011234567890189",
        bic="AGRIFRPPXXX",
        ics=CREDITOR_ICS,
        accent="#1f5f5b",
        notice_days=14,
        sends_from=clock.now().time().min,
        sends_until=clock.now().time().max.replace(microsecond=0),
        created_at=clock.now(),
    )
    session.add(company)
    session.flush()
    return company


def _second_company(session: Session) -> None:
    company = Company(
        id=new_id(),
        code="cidrerie",
        legal_name="Cidrerie du Frémur",
        trade_name="Cidrerie du Frémur",
        legal_form="SARL",
        capital="8 000 €",
        siren="443061841",
        siret="44306184100047",
        trade_register="RCS Saint-Malo",
        vat_number="FR64443061841",
        street="Le Bois Joli",
        postcode="35730",
        city="Pleurtuit",
        email="bonjour@cidrerie-fremur.example",
        iban="FR7630001007941234567890185",
        bic="BDFEFRPPCCT",
        ics="FR34ZZZ654321",
        accent="#7a3b12",
        created_at=clock.now(),
    )
    session.add(company)
    session.flush()
    person = Person(
        "411CREPE",
        "Crêperie de la Mer",
        (("Dora Vidal", "dora@librairie-vidal.example"),),
        (
            Bill(-8, (("Cidre brut, 75 cl", "120", "3.40"),)),
            Bill(14, (("Jus de pomme, 1 l", "48", "2.10"),), vat="5.5"),
        ),
    )
    _settle_in(session, company, person, iter(range(1, 100)))


def _settle_in(session: Session, company: Company, person: Person, numbers: Iterator[int]) -> None:
    debtor = add_debtor(
        session,
        company_id=company.id,
        draft=DebtorDraft(
            account_code=person.code,
            name=person.name,
            kind=person.kind,
            language=person.language,
            siren=person.siren,
            street=person.street,
            postcode=person.postcode,
            city=person.city,
            country=person.country,
        ),
        by=BY,
    )
    for name, address in person.contacts:
        add_contact(session, debtor=debtor, email=address, name=name, language=person.language, by=BY)
    invoices = [_bill(session, debtor, bill, f"F{clock.today().year}-{next(numbers):04d}") for bill in person.bills]
    if person.credit_note:
        _credit_note(session, debtor, invoices[0], person.credit_note, f"A{clock.today().year}-{next(numbers):04d}")
    if person.credit:
        _receive(session, debtor, [], surplus=person.credit, memo="Virement reçu deux fois")
    if person.held:
        _hold(session, debtor, invoices[0])
    if person.note:
        add_note(session, debtor_id=debtor.id, text=person.note, by=BY)
    session.flush()


def _bill(session: Session, debtor: Debtor, bill: Bill, number: str) -> Invoice:
    due_on = clock.today() + timedelta(days=bill.due_in)
    rate = Decimal(bill.vat)
    lines = [
        LineDraft(text, Decimal(price), Decimal(quantity), vat_rate=rate, vat_category="S" if rate else "K")
        for text, quantity, price in bill.lines
    ]
    draft = InvoiceDraft(
        number=number,
        issued_on=min(due_on - TERM, clock.today()),
        due_on=due_on,
        lines=lines,
        order_reference=bill.order,
        title=bill.lines[0][0],
        exemptions={"K": "Livraison intracommunautaire, article 262 ter I du CGI"},
    )
    invoice = enter(session, debtor, draft, by=BY)
    if bill.paid:
        _receive(session, debtor, [Part(invoice.id, invoice.total_minor)], on_days_ago=max(-bill.due_in - 3, 0))
    return invoice


def _credit_note(session: Session, debtor: Debtor, invoice: Invoice, amount: str, number: str) -> None:
    today = clock.today()
    draft = InvoiceDraft(
        number=number,
        issued_on=today,
        due_on=today,
        kind=InvoiceKind.CREDIT_NOTE,
        lines=[LineDraft("Remise pour défaut de finition", Decimal(amount))],
        credits_invoice_id=invoice.id,
    )
    enter(session, debtor, draft, by=BY)


def _receive(
    session: Session,
    debtor: Debtor,
    parts: list[Part],
    *,
    surplus: int = 0,
    memo: str = "Virement",
    on_days_ago: int = 0,
) -> None:
    draft = PaymentDraft(
        attempt=f"demo:{uuid.uuid4()}",
        means=Means.TRANSFER,
        provider=Provider.HAND,
        parts=parts,
        memo=memo,
        received_on=clock.today() - timedelta(days=on_days_ago),
        surplus_minor=surplus,
    )
    payment = payments.start(session, debtor, draft, by=BY)
    payments.advance(session, payment.id, PaymentStatus.CONFIRMED, by=BY)


def _hold(session: Session, debtor: Debtor, invoice: Invoice) -> None:
    invoice.frozen_minor = invoice.open_minor
    session.add(
        Freeze(
            invoice_id=invoice.id,
            debtor_id=debtor.id,
            kind=FreezeKind.LEGAL_HOLD,
            amount_minor=invoice.open_minor,
            reason="Expertise en cours",
            frozen_at=clock.now(),
        )
    )
