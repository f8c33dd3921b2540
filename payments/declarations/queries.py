"""Reading declared transfers, as frozen values. What a debtor sees starts from the debtor (I11)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from payments.declarations import rules
from payments.declarations.models import Declaration, DeclarationPart, DeclarationPolicy, DeclarationTransition
from payments.declarations.rules import Candidate, DeclarationState, Terms
from payments.models import Payment, Provider
from payments.status import COLLECTED
from shared.attachments import queries as attached
from shared.company import policy
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _

SUBJECT = "declaration"
"""What its files are attached to."""


@dataclass(frozen=True, slots=True)
class PartLine:
    """One invoice of a declared transfer."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class DeclarationLine:
    """One declared transfer."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    debtor_name: str
    reference: str
    state: DeclarationState
    amount: Money
    paid_on: date
    bank_reference: str
    note: str
    until_on: date
    payment_id: uuid.UUID | None
    answer: str
    by_kind: str
    by_name: str
    assigned_to: uuid.UUID | None
    assigned_name: str
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        return self.state is DeclarationState.DECLARED

    @property
    def is_matchable(self) -> bool:
        return self.state in rules.OPEN_TO_MATCH


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a declared transfer."""

    step: int
    before: DeclarationState | None
    after: DeclarationState
    at: datetime
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A receipt recorded by hand that may be the declared transfer."""

    id: uuid.UUID
    reference: str
    amount: Money
    received_on: date
    memo: str
    is_exact: bool
    """Whether it is the very amount that was declared."""


@dataclass(frozen=True, slots=True)
class Declarable:
    """An invoice that may be declared as paid."""

    id: uuid.UUID
    number: str
    title: str
    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class DeclarationEvent:
    """One step of one of a debtor's declared transfers, for a timeline."""

    declaration_id: uuid.UUID
    reference: str
    at: datetime
    before: DeclarationState | None
    after: DeclarationState
    amount: Money
    paid_on: date
    who: str
    cause: str


def terms_of(session: Session, company_id: uuid.UUID) -> Terms:
    """What a company does with declared transfers."""
    return policy.read(session, DeclarationPolicy, company_id, Terms)


def declarations_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 100) -> list[DeclarationLine]:
    """A debtor's declared transfers, the latest first."""
    rows = session.execute(
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.debtor_id == debtor_id)
        .order_by(Declaration.id.desc())
        .limit(limit)
    )
    return [line(row[0], row[1]) for row in rows]


def live_of(session: Session, debtor_id: uuid.UUID) -> list[DeclarationLine]:
    """The transfers of a debtor that are being looked for."""
    rows = session.execute(
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.debtor_id == debtor_id, Declaration.state == DeclarationState.DECLARED)
        .order_by(Declaration.id)
    )
    return [line(row[0], row[1]) for row in rows]


def get_declaration(session: Session, debtor_id: uuid.UUID, declaration_id: uuid.UUID) -> DeclarationLine:
    """A debtor's declared transfer; raises NotFound, also for another's."""
    row = session.execute(
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.id == declaration_id, Declaration.debtor_id == debtor_id)
    ).one_or_none()
    if row is None:
        raise NotFound("declaration.missing", _("There is no such declared transfer."))
    return line(row[0], row[1])


def find_attempt(session: Session, debtor_id: uuid.UUID, attempt: str) -> uuid.UUID | None:
    """The declaration that a form made already, or None."""
    return session.scalar(
        select(Declaration.id).where(Declaration.attempt == attempt, Declaration.debtor_id == debtor_id)
    )


def refuse_other_file(session: Session, declaration_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """Raise NotFound for a file that does not belong to this declaration."""
    mine = attached.attached(session, subject_type=SUBJECT, subject_ids=[declaration_id], with_internal=True)
    if attachment_id not in {each.id for each in mine}:
        raise NotFound("attachment.missing", _("There is no such file."))


def line(declaration: Declaration, debtor_name: str) -> DeclarationLine:
    """A row as a frozen value."""
    return DeclarationLine(
        id=declaration.id,
        debtor_id=declaration.debtor_id,
        debtor_name=debtor_name,
        reference=declaration.reference,
        state=declaration.state,
        amount=Money(declaration.amount_minor, declaration.currency),
        paid_on=declaration.paid_on,
        bank_reference=declaration.bank_reference,
        note=declaration.note,
        until_on=declaration.until_on,
        payment_id=declaration.payment_id,
        answer=declaration.answer,
        by_kind=declaration.by_kind,
        by_name=declaration.by_name,
        assigned_to=declaration.assigned_to,
        assigned_name=declaration.assigned_name,
        created_at=declaration.created_at,
        ended_at=declaration.ended_at,
    )


def parts_of(session: Session, declaration_id: uuid.UUID) -> list[PartLine]:
    """The invoices that it pays, the oldest due first."""
    rows = session.execute(
        select(DeclarationPart, Invoice.number, Invoice.due_on, Invoice.currency)
        .join(Invoice, Invoice.id == DeclarationPart.invoice_id)
        .where(DeclarationPart.declaration_id == declaration_id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        PartLine(part.invoice_id, number, due_on, Money(part.amount_minor, currency))
        for part, number, due_on, currency in rows
    ]


def steps_of(session: Session, declaration_id: uuid.UUID) -> list[StepLine]:
    """Every step it took."""
    rows = session.scalars(
        select(DeclarationTransition)
        .where(DeclarationTransition.declaration_id == declaration_id)
        .order_by(DeclarationTransition.step)
    )
    return [StepLine(row.step, row.before, row.after, row.at, row.actor_name, row.cause) for row in rows]


def events_of(
    session: Session,
    debtor_id: uuid.UUID,
    *,
    before: datetime | None = None,
    invoice_id: uuid.UUID | None = None,
    limit: int = 41,
) -> list[DeclarationEvent]:
    """The latest steps of a debtor's declared transfers, or of those that name one invoice."""
    naming = select(DeclarationPart.declaration_id).where(DeclarationPart.invoice_id == invoice_id)
    rows = affairs.latest_steps(
        session,
        DeclarationTransition,
        Declaration,
        Declaration.id == DeclarationTransition.declaration_id,
        debtor_id,
        Declaration.id.in_(naming) if invoice_id else true(),
        before=before,
        limit=limit,
    )
    return [
        DeclarationEvent(
            declaration_id=declaration.id,
            reference=declaration.reference,
            at=step.at,
            before=step.before,
            after=step.after,
            amount=Money(declaration.amount_minor, declaration.currency),
            paid_on=declaration.paid_on,
            who=step.actor_name,
            cause=step.cause,
        )
        for step, declaration in rows
    ]


def declarable(session: Session, debtor_id: uuid.UUID) -> list[Declarable]:
    """A debtor's invoices that he may say to have paid: asked for, and not declared already. A promise does not hinder."""
    declared = select(Freeze.invoice_id).where(
        Freeze.debtor_id == debtor_id, Freeze.kind == FreezeKind.DECLARATION, Freeze.lifted_at.is_(None)
    )
    free = Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor
    rows = session.execute(
        select(Invoice.id, Invoice.number, Invoice.title, Invoice.due_on, free.label("minor"), Invoice.currency)
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .where(free > 0, Invoice.id.not_in(declared))
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [Declarable(row.id, row.number, row.title, row.due_on, Money(row.minor, row.currency)) for row in rows]


def suggestions(session: Session, declaration_id: uuid.UUID) -> list[ReceiptLine]:
    """Receipts by hand of the same debtor, near the declared day, that no other declaration has; the best first."""
    declaration = session.get_one(Declaration, declaration_id)
    terms = terms_of(session, declaration.company_id)
    reach = timedelta(days=terms.match_days)
    taken = select(Declaration.payment_id).where(
        Declaration.debtor_id == declaration.debtor_id, Declaration.payment_id.is_not(None)
    )
    rows = session.scalars(
        select(Payment)
        .where(Payment.debtor_id == declaration.debtor_id, Payment.provider == Provider.HAND)
        .where(Payment.status.in_(COLLECTED), Payment.id.not_in(taken))
        .where(Payment.received_on.between(declaration.paid_on - reach, declaration.paid_on + reach))
        .order_by(Payment.id.desc())
    )
    known = {row.id: row for row in rows}
    best = rules.suggest(
        [Candidate(row.id, row.amount_minor, row.received_on) for row in known.values() if row.received_on],
        minor=declaration.amount_minor,
        paid_on=declaration.paid_on,
        days=terms.match_days,
    )
    return [
        ReceiptLine(
            id=each.payment_id,
            reference=known[each.payment_id].reference,
            amount=Money(each.minor, known[each.payment_id].currency),
            received_on=each.received_on,
            memo=known[each.payment_id].memo,
            is_exact=each.minor == declaration.amount_minor,
        )
        for each in best
    ]
