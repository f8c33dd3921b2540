"""The demo world's people by name: the same in the tests."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import DebtorDraft, add_contact, add_debtor
from shared.invoices.models import Invoice, InvoiceKind, InvoiceSource
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.ids import new_id
from shared.kit.second_person import Witness
from shared.ledger import service as ledger

SYSTEM = Actor.system("test")


def a_witness(actor: Actor) -> Witness:
    """A leader who has always been there."""
    return Witness(actor, leads=True, since=clock.now() - timedelta(days=400))


def a_company(session: Session, code: str = "atelier", **facts: object) -> Company:
    """A company that collects."""
    values: dict[str, object] = {
        "id": new_id(),
        "code": code,
        "legal_name": "Atelier des Lices",
        "trade_name": "Atelier des Lices",
        "legal_form": "SAS",
        "capital": "50 000 €",
        "siren": "732829320",
        "siret": "73282932000074",
        "trade_register": "RCS Rennes",
        "vat_number": "FR44732829320",
        "street": "12 place des Lices",
        "postcode": "35000",
        "city": "Rennes",
        "email": "compta@atelier.example",
        "iban": "FR7630006000011234567890189",
        "bic": "AGRIFRPPXXX",
        "ics": "FR72ZZZ123456",
        "created_at": clock.now(),
    }
    company = Company(**(values | facts))
    session.add(company)
    session.flush()
    return company


def a_debtor(
    session: Session, company: Company, code: str = "411DORA", name: str = "Dora Durand SARL", **facts: object
) -> Debtor:
    """A customer account with one contact, `<code>@client.example`."""
    debtor = add_debtor(
        session, company_id=company.id, draft=DebtorDraft(account_code=code, name=name, **facts), by=SYSTEM
    )
    add_contact(session, debtor=debtor, email=f"{code}@client.example", name=name, by=SYSTEM)
    return debtor


def an_invoice(
    session: Session,
    debtor: Debtor,
    number: str,
    minor: int = 12_000,
    *,
    due_in: int = 0,
    kind: InvoiceKind = InvoiceKind.INVOICE,
) -> Invoice:
    """An invoice of so many cents, due in so many days from the test's today."""
    today: date = clock.today()
    due_on = today + timedelta(days=due_in)
    invoice = Invoice(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        kind=kind,
        number=number,
        issued_on=due_on - timedelta(days=30),
        due_on=due_on,
        currency=debtor.currency,
        total_minor=minor,
        open_minor=minor,
        source=InvoiceSource.ENTERED,
        created_at=clock.now(),
    )
    session.add(invoice)
    session.flush()
    ledger.issue(session, invoice, debtor, ledger.Occasion(at=clock.now(), value_on=invoice.issued_on))
    return invoice
