"""Taking debits back when their money is frozen: announced ones, written ones, and those the provider still holds.

An announced debit does not take place over anything frozen: contested, promised, or said to be paid. What is written
holds its money, so that only a dispute or a legal hold can freeze it afterwards; what a debtor says to have paid meanwhile is
`reconsider`'s.

Only automatic debits (of collections and plans) are taken back by themselves. One that the debtor asked for is his: he
is offered to stop it. What was written but never sent is not sent, whoever asked for it (`mandates.collect.create`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import frozen
from payments.collections import notices, service
from payments.collections.collect import ask_about, subject_of
from payments.collections.eligible import find_mandate
from payments.collections.models import Collection, CollectionState
from payments.collections.rules import rest_of_announced
from payments.collections.service import Wish
from payments.collections.tell import LEFT_MARKS, TOLD, Stopped, tell_left, tell_stopped, tell_withdrawn
from payments.deciding import Now, Stage, decide
from payments.gateways.choose import takes_debits
from payments.mandates import collect
from payments.models import Mandate, Payment, PaymentTransition
from payments.service import lock_payment
from payments.status import IN_FLIGHT, USABLE_MANDATES, MandateStatus, PaymentStatus
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.kit import audit
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Unavailable
from shared.kit.jobs import duty, job, on

log = logging.getLogger(__name__)

BY = Actor.system("collections")


@on("invoice.frozen")
@job("payments.collections.after_freeze", queue="money")
def after_freeze(payload: dict[str, Any]) -> None:
    """Take back what would debit frozen money of some invoices of a debtor. Safe to run twice: each debit is looked at again.

    Raises Unavailable (and is tried again) while the provider does not answer, or an answer about a debit is awaited.
    """
    debtor_id = uuid.UUID(payload["debtor"])
    told = [uuid.UUID(each) for each in payload.get("invoices") or [payload["invoice"]]]
    retrying(lambda: _withdraw_announced(debtor_id))
    if not takes_debits():
        return
    with reading() as session:
        debited = frozen.with_debits(session, told)
    silent: Unavailable | None = None
    for invoice_id in debited:
        try:
            _take_back_of(debtor_id, invoice_id)
        except (
            Unavailable
        ) as error:  # its other debits wait, else more than too much were taken back; other invoices do not
            silent = error
    with transaction() as session:  # what a plan asks for is less, too, when what it is for is frozen
        affairs.owes_otherwise(session, debtor_id)
    if silent is not None:
        raise silent


def _take_back_of(debtor_id: uuid.UUID, invoice_id: uuid.UUID) -> None:
    seen: set[uuid.UUID] = set()
    while (payment_id := retrying(lambda: _next(debtor_id, invoice_id, seen))) is not None:
        seen.add(payment_id)
        if not _take_back(payment_id, debtor_id):
            raise Unavailable("payment.unknown", "a debit over contested money waits for an answer of the provider")


@duty(every=timedelta(minutes=10))
@job("payments.collections.watch_frozen", exclusive=True, timeout_s=900)
def watch_frozen(_payload: dict[str, Any]) -> None:
    """Look again at debits over contested money, whatever became of the message that told of it.

    Safe to run twice: each is decided under its debtor's lock.
    """
    with reading() as session:
        found = frozen.too_much(session)
    for invoice_id, debtor_id in found:
        try:
            after_freeze({"invoices": [str(invoice_id)], "debtor": str(debtor_id)})
        except Unavailable as error:
            log.warning("a debit over contested money could not be taken back yet: %s", error.code)
        except Exception:
            log.exception("the debits over invoice %s could not be looked at: the others go on", invoice_id)


def _withdraw_announced(debtor_id: uuid.UUID) -> None:
    with transaction() as session:
        withdraw_announced(session, lock_debtor(session, debtor_id))


def withdraw_announced(session: Session, debtor: Debtor) -> None:
    """Announced debits over frozen money do not take place; what is free of each does, on the day announced.

    All of the debtor's at once, so that he is told in one message of what he promised or declared in one act. In the
    caller's session, under the debtor's lock.
    """
    stopped: list[Stopped] = []
    rests: dict[uuid.UUID, int] = {}
    taken_back: list[Collection] = []
    for collection in _announced_over_frozen(session, debtor.id):
        invoice = session.get_one(Invoice, collection.invoice_id, populate_existing=True)
        covered = invoice.frozen_minor + invoice.paused_minor
        left = rest_of_announced(collection.amount_minor, open_minor=invoice.open_minor, frozen_minor=covered)
        if left == collection.amount_minor:
            continue
        rest = _undisturbed(session, debtor, collection)
        kinds = frozen.kinds(session, invoice.id)
        is_contested = not kinds.isdisjoint(frozen.CONTESTED)
        reason = frozen.STOPPED if is_contested else frozen.PAUSED
        service.skip(session, collection, reason=reason, rest_minor=rest)
        was_told = notices.may_be_read(session, collection)
        if rest:
            carry_on_rest(session, debtor, collection, rest)
        if was_told and not kinds.isdisjoint(TOLD):
            stopped.append(Stopped(collection, invoice, rest, is_declared=FreezeKind.DECLARATION in kinds))
        elif FreezeKind.CHARGEBACK in kinds:
            collection.reason, rests[collection.id] = "contested_by_bank", rest
            taken_back.append(collection)
        elif frozen.is_told_by_nobody(kinds):
            rests[collection.id] = rest
            taken_back.append(collection)
    tell_stopped(session, debtor, stopped)
    tell_withdrawn(session, taken_back, rests=rests)


def _undisturbed(session: Session, debtor: Debtor, collection: Collection) -> int:
    """What of an announced debit still takes place on its day, in minor units: decided before it is said.

    Else the rest that one message promises to debit is taken back by the next: too small, or under a mandate that has ended.
    """
    mandate = find_mandate(session, debtor.id, collection.mandate_id)
    today = today_of(session, debtor.company_id)
    facts = replace(subject_of(session, debtor, collection).facts, held_minor=0)  # a page may be left again
    verdict = decide(facts, ask_about(session, debtor, collection, Stage.COMING, mandate, today=today))
    return verdict.minor if isinstance(verdict, Now) else 0


def _announced_over_frozen(session: Session, debtor_id: uuid.UUID) -> Sequence[Collection]:
    return session.scalars(
        select(Collection)
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .where(Collection.debtor_id == debtor_id, Collection.state == CollectionState.ANNOUNCED)
        .where(Invoice.frozen_minor + Invoice.paused_minor > 0)
        .order_by(Collection.id)
        .with_for_update(of=Collection)
    ).all()


def carry_on_rest(session: Session, debtor: Debtor, collection: Collection, minor: int) -> None:
    """The rest of an invoice under the notice that was given: less than announced, on the day announced, under its mandate."""
    mandate = session.get_one(Mandate, collection.mandate_id)
    wish = Wish(collection.invoice_id, minor, collection.charge_on)
    service.carry_on(
        session, debtor, mandate, wish, announced_at=collection.announced_at, notice_key=collection.notice_key
    )


def _next(debtor_id: uuid.UUID, invoice_id: uuid.UUID, seen: set[uuid.UUID]) -> uuid.UUID | None:
    """The latest automatic debit to take back, marked so; None when there is nothing too much (any more)."""
    with transaction() as session:
        lock_debtor(session, debtor_id)
        if not frozen.is_too_much(session, invoice_id):
            return None
        for payment in frozen.debits_in_flight(session, invoice_id):
            collection = session.scalar(select(Collection).where(Collection.payment_id == payment.id).with_for_update())
            is_left = collection is not None and collection.reason in LEFT_MARKS
            if payment.contact_id is not None or payment.id in seen or is_left:
                continue
            if collection is not None:
                collection.reason = frozen.STOPPED
            return payment.id
        return None


def _take_back(payment_id: uuid.UUID, debtor_id: uuid.UUID) -> bool:
    """Stop one debit; False while its creation was asked for and never answered (the janitor finds out)."""
    status = retrying(lambda: collect.drop_unsent(payment_id, by=BY))
    if status is PaymentStatus.CREATED:
        return False
    if status not in IN_FLIGHT:
        return True
    try:
        collect.cancel(payment_id, debtor_id, BY)
    except collect.Left:
        retrying(lambda: _left(payment_id))
    return True


def _left(payment_id: uuid.UUID) -> None:
    """It had left for the bank: say so truthfully, to staff and to the debtor."""
    with transaction() as session:
        payment = lock_payment(session, payment_id)
        collection = session.scalar(select(Collection).where(Collection.payment_id == payment_id).with_for_update())
        if collection is None:
            log.warning("%s had left for the bank before its money was contested", payment.reference)
        else:
            collection.reason = frozen.LEFT
            charge_on = payment.charge_on or collection.charge_on
            tell_left(session, collection, charge_on=charge_on, reason=frozen.STOPPED)
        audit.record(
            session,
            BY,
            "payment.left_before_freeze",
            subject_type="payment",
            subject_id=payment.id,
            company_id=payment.company_id,
            debtor_id=payment.debtor_id,
            after={"minor": payment.amount_minor},
        )


@on("payment.cancelled")
@job("payments.collections.after_withdrawal")
def after_withdrawal(payload: dict[str, Any]) -> None:
    """Collect the undisputed rest of a debit that was taken back, on its day.

    Safe to run twice: once there is a later collection of the invoice, nothing is added.
    """
    with transaction() as session:
        payment = lock_payment(session, uuid.UUID(payload["payment_id"]))
        debtor = session.get_one(Debtor, payment.debtor_id)
        collection = session.scalar(select(Collection).where(Collection.payment_id == payment.id))
        if (
            collection is None
            or (not collection.reason and not _mark_foreign(session, collection, payment))
            or collection.reason in LEFT_MARKS
            or payment.status is not PaymentStatus.CANCELLED
            or not service.is_last(session, collection)
        ):
            return
        rest = _rest(session, debtor, collection, payment)
        if rest > 0:
            carry_on_rest(session, debtor, collection, rest)
        if collection.reason != frozen.STOPPED or frozen.is_told_by_nobody(frozen.kinds_over(session, payment.id)):
            tell_withdrawn(session, [collection], rests={collection.id: rest})


def _mark_foreign(session: Session, collection: Collection, payment: Payment) -> bool:
    """Note why a debit was cancelled of which nobody said that it is to be stopped.

    Its money was contested in the moment before it was sent, its mandate ended at the bank, or the provider cancelled it.
    One that the debtor, or staff, stopped for another way to pay is theirs, and needs no news: then False.
    """
    steps = select(PaymentTransition).where(PaymentTransition.payment_id == payment.id)
    last = session.scalars(steps.order_by(PaymentTransition.step.desc()).limit(1)).one()
    if last.actor_kind in {"contact", "staff"}:
        return False
    if last.cause == frozen.STOPPED:
        collection.reason = frozen.STOPPED
        return True
    mandate = session.get_one(Mandate, payment.mandate_id, populate_existing=True)
    if mandate.status in USABLE_MANDATES:
        collection.reason = "cancelled"
    elif find_mandate(session, payment.debtor_id) is not None:
        collection.reason = "other_mandate"
    else:
        is_suspended = mandate.status is MandateStatus.SUSPENDED
        collection.reason = "mandate_suspended" if is_suspended else "no_mandate"
    return True


def _rest(session: Session, debtor: Debtor, collection: Collection, payment: Payment) -> int:
    """What of a debit that was taken back may still be debited on its day, under the notice that was given."""
    today = today_of(session, payment.company_id)
    if collection.invoice_id is None or collection.charge_on <= today:
        return 0
    mandate = find_mandate(session, debtor.id, collection.mandate_id)
    facts = subject_of(session, debtor, collection).facts
    verdict = decide(facts, ask_about(session, debtor, collection, Stage.COMING, mandate, today=today))
    return verdict.minor if isinstance(verdict, Now) else 0
