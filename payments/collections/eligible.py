"""The facts that collections are decided on, read in one place for announcing, collecting and trying out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from payments.collections.instalments import Instalment, instalments
from payments.collections.models import Collection, CollectionState
from payments.collections.standing import Standing, standing_of
from payments.deciding import SPARE_DAYS, Ask, Facts, Stage, Under
from payments.frozen import LEFT, LEFT_OTHERWISE
from payments.models import Mandate, Means, Payment, PaymentAllocation
from payments.status import GIVEN_UP, IN_FLIGHT, USABLE_MANDATES, MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind

UNTOLD_RETRY = ("notice_lost", "notice_not_sent", "notice_late")
"""Reasons of a collection that was not made because its notice did not leave (in time)."""

_ENDED = [*GIVEN_UP, PaymentStatus.CHARGED_BACK]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invoice that may be collected, with the facts of the moment."""

    invoice_id: uuid.UUID
    number: str
    facts: Facts
    instalment_id: None = None
    label: str = ""
    due_on: None = None


def horizon_of(company: Company, today: date) -> date:
    """Up to which due day notices are given today."""
    return today + timedelta(days=company.notice_days + SPARE_DAYS)


def debtors_to_consider(
    session: Session, company: Company, *, today: date, after: uuid.UUID | None, limit: int
) -> list[uuid.UUID]:
    """Debtors on autopay with an open invoice whose time of notice has come, or with such an instalment, by id, after one."""
    horizon = horizon_of(company, today)
    live = exists().where(Collection.invoice_id == Invoice.id, Collection.state == CollectionState.ANNOUNCED)
    query = (
        select(Debtor.id)
        .where(Debtor.company_id == company.id, Debtor.autopay)
        .where(
            exists().where(
                Invoice.debtor_id == Debtor.id,
                Invoice.kind == InvoiceKind.INVOICE,
                Invoice.open_minor > 0,
                Invoice.due_on <= horizon,
                ~live,
            )
        )
        .order_by(Debtor.id)
        .limit(limit)
    )
    found = set(session.scalars(query if after is None else query.where(Debtor.id > after)))
    if (source := instalments()) is not None:
        found |= set(source.debtors(session, company, until=horizon, after=after, limit=limit))
    return sorted(found)[:limit]


def candidates(session: Session, debtor: Debtor, *, until: date) -> list[Candidate]:
    """The open invoices due up to a day of a debtor on autopay, the oldest first."""
    if not debtor.autopay:
        return []
    live = exists().where(Collection.invoice_id == Invoice.id, Collection.state == CollectionState.ANNOUNCED)
    tried = was_tried(Collection.invoice_id == Invoice.id)
    standing = standing_of(session, debtor)
    rows = session.execute(
        select(Invoice, live.label("has_live"), tried.label("was_tried"))
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.open_minor > 0, Invoice.due_on <= until)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        Candidate(
            row.Invoice.id,
            row.Invoice.number,
            invoice_facts(row.Invoice, debtor, standing, has_live=row.has_live, was_tried=row.was_tried),
        )
        for row in rows
    ]


def was_tried(is_of: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a debit of an invoice or instalment came to nothing, and no retry of it fell away for want of a notice.

    `is_of`: what makes a collection one of that invoice or instalment. What we withdrew ourselves was no try, what a bank
    refused was one, whoever wanted to stop it then; a retry that nobody could be told of is announced again as it was decided.
    """
    later = aliased(Collection)
    untold = exists().where(
        or_(later.invoice_id == Collection.invoice_id, later.instalment_id == Collection.instalment_id),
        later.attempt_no > Collection.attempt_no,
        later.reason.in_(UNTOLD_RETRY),
    )
    by_bank = Payment.status.in_((PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK))
    return (
        exists()
        .where(is_of, Collection.payment_id == Payment.id)
        .where(Payment.status.in_(_ENDED), or_(by_bank, Collection.reason.in_(("", LEFT, LEFT_OTHERWISE))), ~untold)
    )


def wishes_of(session: Session, debtor: Debtor, *, until: date) -> list[Candidate | Instalment]:
    """All of a debtor's that may be announced: invoices on autopay, and instalments of his plans."""
    source = instalments()
    return [
        *candidates(session, debtor, until=until),
        *(source.candidates(session, debtor, until=until) if source else ()),
    ]


def facts_of(session: Session, debtor: Debtor, invoice_id: uuid.UUID, *, own: uuid.UUID | None = None) -> Facts:
    """One invoice's facts, read anew (under the debtor's lock, for the last look before a debit).

    `own`: the debit in question, when it is written. Then only other debits hold something beside it (`debited_beside`).
    """
    invoice = session.get_one(Invoice, invoice_id, populate_existing=True)
    facts = invoice_facts(invoice, debtor, standing_of(session, debtor), has_live=True, was_tried=False)
    if own is None:
        return facts
    return replace(facts, held_minor=debited_beside(session, own, PaymentAllocation.invoice_id == invoice_id))


def debited_beside(session: Session, own: uuid.UUID, is_of: ColumnElement[bool]) -> int:
    """What other debits on their way take beside one that is written, in minor units; `is_of` says of what.

    Neither the debtor's page counts, which he may leave again: no good debit is stopped for it. Nor does a debit that is to
    be stopped itself: of two that are too much together, one is stopped.
    """
    to_be_stopped = exists().where(
        Collection.payment_id == Payment.id, Collection.reason.not_in(("", LEFT, LEFT_OTHERWISE))
    )
    query = (
        select(func.coalesce(func.sum(PaymentAllocation.amount_minor), 0))
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .where(is_of, Payment.id != own, Payment.means == Means.DEBIT, Payment.status.in_(IN_FLIGHT), ~to_be_stopped)
    )
    session.flush()
    return int(session.scalar(query) or 0)


def under(session: Session, debtor_id: uuid.UUID, mandate: Mandate | None, announced: uuid.UUID | None = None) -> Under:
    """Whether the mandate that can be used is the one that a notice named; of none, whether there is one that is suspended."""
    if mandate is None:
        suspended = select(Mandate.id).where(Mandate.debtor_id == debtor_id, Mandate.status == MandateStatus.SUSPENDED)
        return Under.SUSPENDED if session.scalar(suspended.limit(1)) is not None else Under.NONE
    return Under.SAME if announced is None or mandate.id == announced else Under.OTHER


def find_mandate(session: Session, debtor_id: uuid.UUID, wished: uuid.UUID | None = None) -> Mandate | None:
    """The mandate for a debtor's automatic debits: the one wished for if it can be used, else the newest."""
    return next(iter(find_mandates(session, debtor_id, wished)), None)


def find_mandates(session: Session, debtor_id: uuid.UUID, wished: uuid.UUID | None = None) -> Sequence[Mandate]:
    """The mandates that a debtor may be debited under, the first to be used first: the one wished for, then the newest."""
    usable: Sequence[Mandate] = session.scalars(
        select(Mandate)
        .where(Mandate.debtor_id == debtor_id, Mandate.status.in_(USABLE_MANDATES))
        .where(Mandate.provider_reference.is_not(None))
        .order_by(Mandate.id.desc())
    ).all()
    return sorted(usable, key=lambda mandate: mandate.id != wished)


def ask_to_announce(
    session: Session, company: Company, debtor_id: uuid.UUID, mandate: Mandate | None, *, today: date
) -> Ask:
    """The question before a notice is written."""
    usable = under(session, debtor_id, mandate)
    wants = company.debits_by_itself
    return Ask(Stage.ANNOUNCE, today, company.notice_days, under=usable, wants=wants, unwanted="company_stopped")


def invoice_facts(
    invoice: Invoice,
    debtor: Debtor,
    standing: Standing,
    *,
    has_live: bool = False,
    was_tried: bool = False,
) -> Facts:
    """An invoice as it stands with what stands against it, as a debit sees it."""
    return Facts(
        due_on=invoice.due_on,
        open_minor=invoice.open_minor - invoice.elsewhere_minor,  # the books show it as settled already
        held_minor=invoice.held_minor,
        frozen_minor=invoice.frozen_minor + invoice.paused_minor + standing.declared.get(invoice.id, 0),
        maximum_minor=debtor.autopay_maximum_minor,
        credit_minor=standing.credit.get(invoice.id, 0),
        has_live=has_live,
        was_tried=was_tried,
        is_left_out=invoice.autopay_excluded_at is not None,
        is_contested=invoice.id in standing.contested,
        was_refunded=invoice.id in standing.refunded,
        is_cancelled=invoice.cancelled_on is not None,
    )
