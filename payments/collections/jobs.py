"""What the clock and the news ask of collections."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from payments import frozen
from payments.collections import notices, rules, service, tell
from payments.collections.collect import ask_about, plan_runs, subject_of, wish_again
from payments.collections.eligible import find_mandate
from payments.collections.models import Collection
from payments.collections.run import run
from payments.deciding import Never, Stage, decide
from payments.mandates import service as mandates
from payments.models import Mandate, Means, Payment
from payments.reasons import Advice, may_present_again, policy_of
from payments.service import lock_payment
from payments.status import USABLE_MANDATES, MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.jobs import duty, job, on
from shared.messages.last_look import before_sending

log = logging.getLogger(__name__)

BY = Actor.system("collections")
before_sending("prenotification")(notices.still_true)

FAILED = (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)
TECHNICAL = (rules.TOO_EARLY, "never_created", "wrong_amount")
"""Failures before any bank was asked: the same money is tried again under the notice that was given, not for ever."""


@duty(every=timedelta(minutes=10))
@job("payments.collections.run", queue="night", timeout_s=3600, exclusive=True)
def run_today(_payload: dict[str, Any]) -> None:
    """Announce and collect what is due in every company.

    Safe to run twice: what was done is found by (invoice, attempt number), and each step looks again under the lock.
    """
    with reading() as session:
        companies = list(session.scalars(select(Company.id).where(Company.collects, Company.takes_debits)))
    for company_id in companies:
        try:
            run(company_id)
        except Exception:
            log.exception("the collections of company %s could not be run: the others go on", company_id)


@on("payment.failed")
@on("payment.failed_late")
@on("payment.charged_back")
@job("payments.collections.after_failure")
def after_failure(payload: dict[str, Any]) -> None:
    """Do what the bank's reason calls for: stop everything, block the mandate, try again with a new notice, or nothing.

    Safe to run twice: a further attempt is written only when the failed one is still the last of its invoice or instalment.
    """
    with transaction() as session:
        payment = session.get_one(Payment, uuid.UUID(payload["payment_id"]))
        if payment.means is not Means.DEBIT:
            return
        payment = lock_payment(session, payment.id)
        debtor = session.get_one(Debtor, payment.debtor_id)
        if payment.status not in FAILED:
            return
        _mark_left(session, payment)
        code = payment.failure_code
        policy = policy_of(code)
        if policy.stops_everything:
            service.stop_everything(session, debtor, by=BY)
        if policy.ends_mandate:
            _block(session, payment, code or "")
        elif policy.advice is Advice.TWICE:
            _alarm(session, payment)
        else:
            _try_again(session, debtor, payment)


def _mark_left(session: Session, payment: Payment) -> None:
    """What was to be stopped and came back from a bank had left: no longer is it the wish to stop it that is true of it."""
    collection = session.scalar(select(Collection).where(Collection.payment_id == payment.id).with_for_update())
    if collection is None or collection.reason in ("", *tell.LEFT_MARKS) or payment.provider_reference is None:
        return
    collection.reason = frozen.LEFT if collection.reason == frozen.STOPPED else frozen.LEFT_OTHERWISE
    session.flush()


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
    if collection is None or mandate is None or not _is_wanted(session, debtor, collection):
        return
    if not service.is_last(session, collection):
        return
    company = session.get_one(Company, debtor.company_id)
    today = clock.today(company.zone)
    is_before_a_bank = payment.provider_reference is None or payment.failure_code in TECHNICAL
    if is_before_a_bank and _never_presented(session, collection) >= rules.MOST_TRIES_BEFORE_A_BANK:
        collection.reason = tell.GIVEN_UP
        tell.tell_withdrawn(session, [collection])
        return
    if payment.failure_code in TECHNICAL:
        wish = wish_again(collection, collection.amount_minor, collection.charge_on, due_on=None)
        named = session.get_one(Mandate, collection.mandate_id)  # when it has ended, the next look announces it anew
        service.carry_on(
            session, debtor, named, wish, announced_at=collection.announced_at, notice_key=collection.notice_key
        )
        return
    if not may_present_again(payment.failure_code, presented=_presented(session, collection)):
        return
    subject = subject_of(session, debtor, collection)
    verdict = decide(subject.facts, ask_about(session, debtor, collection, Stage.COMING, mandate, today=today))
    if not isinstance(verdict, Never):
        day = rules.retry_day(failed_on=today, today=today, notice_days=company.notice_days)
        try:
            again = wish_again(collection, verdict.minor, day, due_on=subject.due_on)
            service.announce(session, debtor, mandate, [again])
        except LookupError:
            log.warning("nobody can be told of a further debit of %s", payment.reference)


def _is_wanted(session: Session, debtor: Debtor, collection: Collection) -> bool:
    """Whether the debtor still has this collected by itself: autopay for invoices, the plan for its instalments."""
    if collection.instalment_id is None:
        return debtor.autopay
    return plan_runs(session, collection.instalment_id)


def _never_presented(session: Session, collection: Collection) -> int:
    """How many debits of an invoice or instalment came to nothing before a bank was asked, the one in question included.

    All of them, whatever notice they were under, and whatever the provider called it: a further notice mends neither.
    """
    count = (
        select(func.count(Payment.id))
        .join(Collection, Collection.payment_id == Payment.id)
        .where(service.same(collection), Payment.status == PaymentStatus.FAILED)
        .where(or_(Payment.provider_reference.is_(None), Payment.failure_code.in_(TECHNICAL)))
    )
    return session.scalar(count) or 0


def _presented(session: Session, collection: Collection) -> int:
    """How often a bank was really asked for an invoice or instalment by automatic collection."""
    rows = session.scalars(
        select(Payment.id)
        .join(Collection, Collection.payment_id == Payment.id)
        .where(service.same(collection), Payment.provider_reference.is_not(None))
    )
    return len(set(rows))
