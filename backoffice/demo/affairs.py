"""What is going on in the demo, begun after its world stands, so that everybody concerned is told."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.plans import accepting
from payments.plans import service as plans
from payments.plans.rules import Terms
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor, DebtorContact, DebtorKind
from shared.disputes import service as disputes
from shared.disputes.service import Claim
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine
from shared.kit import clock
from shared.kit.actors import Actor
from shared.ledger.rules import Part
from shared.promises import service as promises
from shared.promises.service import PromiseDraft

_STARS = ("411VIDAL", "411RIVOAL", "411BENALI", "411OCTAVE", "411YVES", "411HARBOUR", "411CAMILLE", "411HUGO")
"""Accounts that show something else."""


def begin(session: Session, company: Company) -> None:
    """Let the people of the demo speak."""
    _dispute(session, company)
    _promise(session, company)
    _declaration(session, company)
    _plans(session, company)


def _dispute(session: Session, company: Company) -> None:
    """Nadia contests the desk, not the chairs; Inès has asked her something."""
    debtor, nadia, invoice = _who(session, company, "411BENALI")
    disputes.ensure_reasons(session, company.id)
    desk = session.scalars(
        select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position).limit(1)
    ).one()
    dispute = disputes.raise_dispute(
        session,
        debtor_id=debtor.id,
        claims=[Claim(invoice.id, line_ids=[desk])],
        reason_code="not_conform",
        text="Les deux plateaux sont arrivés rayés, et l’un des moteurs ne monte plus. Les fauteuils sont parfaits.",
        attempt="demo:dispute",
        by=Actor.contact(nadia.id, nadia.name),
        contact_id=nadia.id,
    )
    ines = session.scalars(select(StaffMember).where(StaffMember.name == "Inès Caradec")).one()
    by = Actor.staff(ines.id, ines.name)
    disputes.note(session, dispute_id=dispute.id, text="Même lot que Quimper en janvier : voir avec l’atelier.", by=by)
    disputes.say(
        session,
        dispute_id=dispute.id,
        text="Bonjour, nous en sommes désolés. Le numéro de série du moteur, sous le plateau, nous aiderait beaucoup.",
        asks=True,
        by=by,
    )


def _promise(session: Session, company: Company) -> None:
    """Hugo will pay in eight days."""
    debtor, hugo, invoice = _who(session, company, "411HUGO")
    draft = PromiseDraft(
        attempt="demo:promise",
        parts=[Part(invoice.id, invoice.open_minor)],
        promised_on=clock.today(company.zone) + timedelta(days=8),
        contact_id=hugo.id,
        note="Le client final me règle en début de semaine prochaine.",
    )
    promises.give(session, debtor_id=debtor.id, draft=draft, by=Actor.contact(hugo.id, hugo.name))


def _declaration(session: Session, company: Company) -> None:
    """Camille says that she has paid."""
    debtor, camille, invoice = _who(session, company, "411CAMILLE")
    draft = DeclarationDraft(
        attempt="demo:declaration",
        minor=invoice.open_minor,
        paid_on=clock.today(company.zone) - timedelta(days=1),
        parts=[Part(invoice.id, invoice.open_minor)],
        bank_reference="VIR JOUAN LAMPES",
        contact_id=camille.id,
    )
    declarations.declare(session, debtor_id=debtor.id, draft=draft, by=Actor.contact(camille.id, camille.name))


def _plans(session: Session, company: Company) -> None:
    """Paul proposes more than the policy grants by itself; a neighbour's plan runs."""
    debtor, paul, _invoice = _who(session, company, "411RIVOAL")
    first_on = clock.today(company.zone) + timedelta(days=12)
    plans.propose(
        session,
        debtor_id=debtor.id,
        contact_id=paul.id,
        invoice_ids=None,
        wish=Terms(first_on=first_on, count=5),
        message="La saison reprend à Pâques : cinq mensualités me permettraient de tout régler avant l’été.",
        attempt="demo:plan-asked",
        by=Actor.contact(paul.id, paul.name),
    )
    account_code, invoice_id = _a_neighbour(session, company)
    neighbour, contact, _oldest = _who(session, company, account_code)
    by = Actor.contact(contact.id, contact.name)
    plan = plans.propose(
        session,
        debtor_id=neighbour.id,
        contact_id=contact.id,
        invoice_ids=[invoice_id],
        wish=Terms(first_on=first_on, count=3),
        message="",
        attempt="demo:plan-agreed",
        by=by,
    )
    evidence = accepting.Evidence(contact.id, contact.name, contact.email, "192.0.2.14", "Firefox", "fr")
    accepting.accept(session, plan_id=plan.id, evidence=evidence, by=by)


def _a_neighbour(session: Session, company: Company) -> tuple[str, uuid.UUID]:
    """The first ordinary customer with a late invoice that is worth being divided: its account and that invoice."""
    row = session.execute(
        select(Debtor.account_code, Invoice.id)
        .join(Invoice, Invoice.debtor_id == Debtor.id)
        .where(Debtor.company_id == company.id, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.due_on < clock.today(company.zone), Invoice.open_minor.between(60_000, 300_000))
        .where(Invoice.held_minor == 0, Invoice.frozen_minor == 0)
        .where(Debtor.account_code.not_in(_STARS), Debtor.kind == DebtorKind.BUSINESS)
        .order_by(Invoice.due_on, Debtor.account_code)
        .limit(1)
    ).one()
    return row[0], row[1]


def _who(session: Session, company: Company, code: str) -> tuple[Debtor, Contact, Invoice]:
    """An account, its first person, and its oldest invoice of which something is open."""
    debtor = session.scalars(select(Debtor).where(Debtor.company_id == company.id, Debtor.account_code == code)).one()
    contact = session.scalars(
        select(Contact)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor.id)
        .order_by(DebtorContact.id)
        .limit(1)
    ).one()
    invoice = session.scalars(
        select(Invoice)
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.INVOICE, Invoice.open_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(1)
    ).one()
    return debtor, contact, invoice
