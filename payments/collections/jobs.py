"""What the clock and the news ask of collections."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections import rules, service
from payments.collections.eligible import find_mandate
from payments.collections.models import Collection, CollectionState
from payments.collections.run import run
from payments.collections.service import Wish
from payments.mandates import service as mandates
from payments.models import Mandate, Means, Payment, PaymentAllocation
from payments.status import USABLE_MANDATES, MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.jobs import duty, job, on

log = logging.getLogger(__name__)

BY = Actor.system("collections")
FAILED = (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)
TECHNICAL = (rules.TOO_EARLY, "never_created", "wrong_amount")
"""Failures before any bank was asked: the same money is tried again under the notice that was given."""


@duty(every=timedelta(minutes=10))
@job("payments.collections.run", queue="night", timeout_s=3600, exclusive=True)
def run_today(_payload: dict[str, Any]) -> None:
    """Announce and collect what is due in every company.

    Safe to run twice: what was done is found by (invoice, attempt number), and each step looks again under the lock.
    """
    with reading() as session:
        companies = list(session.scalars(select(Company.id).where(Company.collects, Company.takes_debits)))
    for company_id in companies:
        run(company_id)


@on("payment.failed")
@on("payment.failed_late")
@on("payment.charged_back")
@job("payments.collections.after_failure")
def after_failure(payload: dict[str, Any]) -> None:
    """Do what the bank's reason calls for: stop everything, block the mandate, try again with a new notice, or nothing.

    Safe to run twice: a further attempt is written only when the failed one is still the invoice's last.
    """
    with transaction() as session:
        payment = session.get_one(Payment, uuid.UUID(payload["payment_id"]))
        if payment.means is not Means.DEBIT:
            return
        debtor = lock_debtor(session, payment.debtor_id)
        session.refresh(payment)
        if payment.status not in FAILED:
            return
        code = payment.failure_code
        if code == rules.STOPS_EVERYTHING:
            service.stop_everything(session, debtor, by=BY)
        elif code in rules.BLOCKS_MANDATE:
            _block(session, payment, code or "")
        elif code == "AM05":
            _alarm(session, payment)
        else:
            _try_again(session, debtor, payment)


@on("payment.confirmed")
@job("payments.collections.after_payment")
def after_payment(payload: dict[str, Any]) -> None:
    """Withdraw announcements for invoices that are settled now. Safe to run twice: what is withdrawn stays so."""
    with transaction() as session:
        debtor = lock_debtor(session, uuid.UUID(payload["debtor_id"]))
        settled = session.scalars(
            select(Collection.invoice_id)
            .join(Invoice, Invoice.id == Collection.invoice_id)
            .where(Collection.debtor_id == debtor.id, Collection.state == CollectionState.ANNOUNCED)
            .where(Invoice.open_minor == 0)
        ).all()
        if settled:
            service.withdraw(session, debtor.id, reason="paid", invoice_ids=settled)


@on("mandate.ended")
@job("payments.collections.after_mandate")
def after_mandate(payload: dict[str, Any]) -> None:
    """Withdraw announcements when no mandate is left to collect under. Safe to run twice: what is withdrawn stays so."""
    with transaction() as session:
        debtor = lock_debtor(session, uuid.UUID(payload["debtor_id"]))
        if find_mandate(session, debtor.id) is None:
            service.withdraw(session, debtor.id, reason="no_mandate")


def _block(session: Session, payment: Payment, code: str) -> None:
    mandate = session.get(Mandate, payment.mandate_id) if payment.mandate_id else None
    if mandate is not None and mandate.status in USABLE_MANDATES:
        mandates.advance(session, mandate.id, MandateStatus.BLOCKED, by=BY, cause=code)


def _alarm(session: Session, payment: Payment) -> None:
    log.error("a bank says that %s was debited twice (AM05)", payment.reference)
    audit.record(
        session,
        BY,
        "payment.debited_twice",
        subject_type="payment",
        subject_id=payment.id,
        company_id=payment.company_id,
        debtor_id=payment.debtor_id,
        after={"code": "AM05"},
    )


def _try_again(session: Session, debtor: Debtor, payment: Payment) -> None:
    collection = session.scalar(select(Collection).where(Collection.payment_id == payment.id))
    mandate = find_mandate(session, debtor.id, payment.mandate_id)
    if collection is None or mandate is None or not debtor.autopay or not _is_last(session, collection):
        return
    company = session.get_one(Company, debtor.company_id)
    today = clock.today(company.zone)
    if payment.failure_code in TECHNICAL:
        wish = Wish(collection.invoice_id, collection.amount_minor, collection.charge_on)
        service.carry_on(session, debtor, mandate, wish, announced_at=collection.announced_at)
        return
    if not rules.may_retry(payment.failure_code, attempts=_presented(session, collection.invoice_id)):
        return
    invoice = session.get_one(Invoice, collection.invoice_id)
    minor = min(collection.amount_minor, invoice.collectable_minor)
    if minor > 0:
        day = rules.retry_day(failed_on=today, today=today, notice_days=company.notice_days)
        try:
            service.announce(session, debtor, mandate, [Wish(collection.invoice_id, minor, day)])
        except LookupError:
            log.warning("nobody can be told of a further debit of %s", payment.reference)


def _is_last(session: Session, collection: Collection) -> bool:
    later = select(Collection.id).where(
        Collection.invoice_id == collection.invoice_id, Collection.attempt_no > collection.attempt_no
    )
    return session.scalar(later.limit(1)) is None


def _presented(session: Session, invoice_id: uuid.UUID) -> int:
    """How often a bank was really asked for an invoice by automatic collection."""
    rows = session.scalars(
        select(Payment.id)
        .join(Collection, Collection.payment_id == Payment.id)
        .join(PaymentAllocation, PaymentAllocation.payment_id == Payment.id)
        .where(Collection.invoice_id == invoice_id, Payment.provider_reference.is_not(None))
    )
    return len(set(rows))
