"""Asking again whether a debit still holds, at every event between its notice and the moment at which the bank has it.

What no longer holds is withdrawn while it is only announced, and cancelled at the provider while that is possible; both
sides are told, once. Only what the provider refuses to cancel has left.

Money frozen by disputes and holds is `withdraw.py`'s: there the debtor's own debits, too, are looked at.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session, aliased

from payments import frozen
from payments.collections import service, tell
from payments.collections.collect import ask_about, subject_of
from payments.collections.eligible import find_mandate
from payments.collections.instalments import instalments
from payments.collections.models import Collection, CollectionState
from payments.collections.withdraw import carry_on_rest, withdraw_announced
from payments.deciding import Later, Never, Stage, decide
from payments.frozen import LEFT_OTHERWISE
from payments.gateways.choose import takes_debits
from payments.mandates import collect
from payments.models import Mandate, Means, Payment, PaymentAllocation, Refund
from payments.service import lock_payment
from payments.status import IN_FLIGHT, USABLE_MANDATES, PaymentStatus, RefundStatus
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit import audit, outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Unavailable
from shared.kit.jobs import duty, job, on

log = logging.getLogger(__name__)

BY = Actor.system("collections")
JOB = "payments.collections.reconsider"
PAGE = 500
"""So many debtors are read at a time; all pages are looked at."""

LESS = "less"
"""The reason of a debit of more than is owed now: what is owed of it is debited instead."""

_GOES_BACK = (RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.DONE)


@frozen.who_stops
def no_longer_holds(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether an automatic debit no longer holds: decided anew in the very moment in which it would be sent.

    Whoever sends it (the run, or the janitor hours later) asks this under the debtor's lock, and not whether somebody has
    asked before. The reason is kept with the debit, so that both sides are told of it.
    """
    row = session.execute(
        select(Collection, Payment)
        .join(Payment, Payment.id == Collection.payment_id)
        .where(Payment.id == payment_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return False
    if not row.Collection.reason:
        debtor = session.get_one(Debtor, row.Payment.debtor_id)
        row.Collection.reason = _why_stop(
            session, debtor, row.Collection, row.Payment, today_of(session, debtor.company_id)
        )
        session.flush()
    return bool(row.Collection.reason) and row.Collection.reason not in tell.LEFT_MARKS


def reconsider(session: Session, debtor_ids: Iterable[uuid.UUID]) -> None:
    """Have the debits of these debtors looked at again after this commit: for whoever changes what they owe, or wish."""
    payloads = {f"{identity}:{uuid.uuid4()}": {"debtor": str(identity)} for identity in sorted(set(debtor_ids))}
    outbox.enqueue_all(session, JOB, payloads)


@job("payments.collections.after_payment")
def after_payment(payload: dict[str, Any]) -> None:
    """What an older version asked for after a payment. Safe to run twice: each debit is decided anew under the lock."""
    reconsider_now(uuid.UUID(payload["debtor_id"]))


@on("debtor.owes_otherwise")
@on("invoice.lowered")
@on("invoice.due_moved")
@on("payment.confirmed")
@on("payment.undone")
@on("payment.failed_late")
@on("payment.charged_back")
@on("payment.chargeback_won")
@on("refund.approved")
@on("refund.submitted")
@on("refund.done")
@on("mandate.ended")
@on("mandate.active")
@job(JOB, queue="now")
def after_event(payload: dict[str, Any]) -> None:
    """Look again at a debtor's debits. Safe to run twice: each is decided anew under the lock.

    Raises Unavailable (and is tried again) while the provider does not answer about a debit that is to be stopped.
    """
    reconsider_now(uuid.UUID(payload.get("debtor") or payload["debtor_id"]))


@duty(every=timedelta(minutes=10))
@job("payments.collections.reconsider_all", exclusive=True, timeout_s=900)
def reconsider_all(_payload: dict[str, Any]) -> None:
    """Look at every debit that may no longer hold, whoever changed what about it, and whatever became of the news.

    Safe to run twice: each is decided under its debtor's lock.
    """
    after: uuid.UUID | None = None
    while True:
        with reading() as session:
            page = suspects(session, after=after, limit=PAGE)
        for debtor_id in page:
            try:
                reconsider_now(debtor_id)
            except Unavailable as error:
                log.warning("a debit of debtor %s could not be stopped yet: %s", debtor_id, error.code)
            except Exception:
                log.exception("the debits of debtor %s could not be looked at: the others go on", debtor_id)
        if len(page) < PAGE:
            return
        after = page[-1]


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of a debtor's debits that no longer held: how many will not take place, and which had left."""

    count: int
    left: tuple[tuple[str, date | None], ...]
    """The payments that the bank has already: reference and day."""


def reconsider_now(debtor_id: uuid.UUID) -> Stopped:
    """Decide anew about every debit of a debtor that is announced, or written and not refused to be cancelled.

    1. Transaction: announced ones that no longer hold are withdrawn, and told of; written ones are marked with the reason.
    2. Outside, one by one: those are dropped while unsent, else cancelled at the provider.
    3. Transaction: one that the provider refuses to cancel has left, which both sides are told.

    Raises Unavailable when the provider does not answer; the marks stay, and the next look goes on.
    """
    count, marked = retrying(lambda: _decide(debtor_id))
    left = []
    silent: Unavailable | None = None
    for payment_id in marked if takes_debits() else ():
        try:
            gone = _stop(payment_id, debtor_id)
        except Unavailable as error:
            silent = error
            continue
        if gone is None:
            count += 1
        else:
            left.append(gone)
    if silent is not None:
        raise silent
    return Stopped(count, tuple(left))


def withdraw_now(session: Session, debtor: Debtor) -> int:
    """In the caller's commit, under the debtor's lock: withdraw announced debits that no longer hold; gives how many."""
    today = today_of(session, debtor.company_id)
    withdraw_announced(session, debtor)
    gone: list[Collection] = []
    rests: dict[uuid.UUID, int] = {}
    for collection in _announced(session, debtor.id):
        mandate = find_mandate(session, debtor.id, collection.mandate_id)
        facts = replace(subject_of(session, debtor, collection).facts, held_minor=0)  # a page may be left again
        verdict = decide(facts, ask_about(session, debtor, collection, Stage.COMING, mandate, today=today))
        if isinstance(verdict, Never | Later):
            service.skip(session, collection, reason=verdict.reason)
        elif verdict.minor < collection.amount_minor and collection.invoice_id is not None:
            service.skip(session, collection, reason=LESS, rest_minor=verdict.minor)
            rests[collection.id] = verdict.minor
            carry_on_rest(session, debtor, collection, verdict.minor)
        else:
            continue
        gone.append(collection)
    tell.tell_withdrawn(session, gone, rests=rests)
    return len(gone)


def _decide(debtor_id: uuid.UUID) -> tuple[int, list[uuid.UUID]]:
    with transaction() as session:
        debtor = lock_debtor(session, debtor_id)
        count = withdraw_now(session, debtor)
        today = today_of(session, debtor.company_id)
        marked = []
        for collection, payment in _written(session, debtor_id):
            if not collection.reason:
                collection.reason = _why_stop(session, debtor, collection, payment, today)
            if collection.reason:
                marked.append(payment.id)
        return count, marked


def _why_stop(session: Session, debtor: Debtor, collection: Collection, payment: Payment, today: date) -> str:
    """Why a written debit no longer holds; empty while it does. The mandate it was written under must be the one used."""
    mandate = find_mandate(session, debtor.id, payment.mandate_id)
    facts = subject_of(session, debtor, collection, own=payment.id).facts
    verdict = decide(facts, ask_about(session, debtor, collection, Stage.WRITTEN, mandate, today=today))
    if isinstance(verdict, Never) and verdict.reason == "frozen":
        return "" if frozen.takes_frozen(session, payment.id) else frozen.DECLARED
    if isinstance(verdict, Never):
        return verdict.reason
    if isinstance(verdict, Later):
        return verdict.reason
    return LESS if verdict.minor < payment.amount_minor else ""


def _stop(payment_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[str, date | None] | None:
    """Stop one debit; None when it will not take place, else what of it had left for the bank."""
    status = retrying(lambda: collect.drop_marked(payment_id, by=BY))
    if status is PaymentStatus.CREATED:
        raise Unavailable("payment.unknown", "a debit that no longer holds waits for an answer of the provider")
    if status not in IN_FLIGHT:
        return None
    try:
        collect.cancel(payment_id, debtor_id, BY)
    except collect.Left:
        return retrying(lambda: _left(payment_id))
    return None


def _left(payment_id: uuid.UUID) -> tuple[str, date | None] | None:
    """It had left for the bank: say so truthfully, to staff and to the debtor."""
    with transaction() as session:
        payment = lock_payment(session, payment_id)
        if payment.status not in IN_FLIGHT:
            return None
        collection = session.scalars(
            select(Collection).where(Collection.payment_id == payment_id).with_for_update()
        ).one()
        reason, collection.reason = collection.reason, LEFT_OTHERWISE
        charge_on = payment.charge_on or collection.charge_on
        tell.tell_left(session, collection, charge_on=charge_on, reason=reason)
        audit.record(
            session,
            BY,
            "payment.left_before_stop",
            subject_type="payment",
            subject_id=payment.id,
            company_id=payment.company_id,
            debtor_id=payment.debtor_id,
            after={"minor": payment.amount_minor, "reason": reason},
        )
        # What stood because this one was to be stopped may not stand beside it.
        reconsider(session, [payment.debtor_id])
        return payment.reference, charge_on


def _announced(session: Session, debtor_id: uuid.UUID) -> Sequence[Collection]:
    return session.scalars(
        select(Collection)
        .where(Collection.debtor_id == debtor_id, Collection.state == CollectionState.ANNOUNCED)
        .order_by(Collection.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _written(session: Session, debtor_id: uuid.UUID) -> Sequence[tuple[Collection, Payment]]:
    """Automatic debits in flight that are not known to have left; the latest first: what is owed first is paid first."""
    rows = session.execute(
        select(Collection, Payment)
        .join(Payment, Payment.id == Collection.payment_id)
        .where(Collection.debtor_id == debtor_id, Payment.status.in_(IN_FLIGHT))
        .where(Collection.reason.not_in(tell.LEFT_MARKS))
        .order_by(Payment.id.desc())
        .execution_options(populate_existing=True)
    )
    return [(row.Collection, row.Payment) for row in rows]


def suspects(session: Session, *, after: uuid.UUID | None = None, limit: int) -> list[uuid.UUID]:
    """Debtors with a debit that may no longer hold, by id, after one: what is decided about each is decided under the lock."""
    live = or_(
        Collection.state == CollectionState.ANNOUNCED,
        and_(Payment.status.in_(IN_FLIGHT), Collection.reason.not_in(tell.LEFT_MARKS)),
    )
    query = (
        select(Collection.debtor_id)
        .join(Debtor, Debtor.id == Collection.debtor_id)
        .join(Company, Company.id == Collection.company_id)
        .join(Mandate, Mandate.id == Collection.mandate_id)
        .outerjoin(Payment, Payment.id == Collection.payment_id)
        .outerjoin(Invoice, Invoice.id == Collection.invoice_id)
        .where(live, or_(Collection.reason != "", _may_not_hold()))
        .distinct()
        .order_by(Collection.debtor_id)
        .limit(limit)
    )
    return list(session.scalars(query if after is None else query.where(Collection.debtor_id > after)))


def _may_not_hold() -> ColumnElement[bool]:
    note, contested = aliased(Invoice), aliased(Invoice)
    charged, back = aliased(Payment), aliased(PaymentAllocation)
    taken_back = (
        exists()
        .where(back.invoice_id == Invoice.id, charged.id == back.payment_id)
        .where(charged.means == Means.CARD, charged.status == PaymentStatus.CHARGED_BACK)
    )
    refunded = exists().where(
        PaymentAllocation.invoice_id == Invoice.id,
        Refund.payment_id == PaymentAllocation.payment_id,
        Refund.status.in_(_GOES_BACK),
        Refund.asked_again_at.is_(None),
    )
    credit_note = exists().where(note.debtor_id == Debtor.id, note.kind == InvoiceKind.CREDIT_NOTE, note.open_minor > 0)
    of_invoice = or_(
        ~Debtor.autopay,
        Invoice.open_minor - Invoice.elsewhere_minor < Collection.amount_minor,
        Invoice.autopay_excluded_at.is_not(None),
        Invoice.cancelled_on.is_not(None),
        Invoice.due_on > Collection.charge_on,
        Invoice.frozen_minor + Invoice.paused_minor > 0,
        frozen.is_claimed(),
        Debtor.autopay_maximum_minor < Collection.amount_minor,
        taken_back,
        refunded,
    )
    lately, theirs = aliased(Refund), aliased(Payment)
    refunded_since = exists().where(
        theirs.debtor_id == Debtor.id,
        lately.payment_id == theirs.id,
        lately.status.in_(_GOES_BACK),
        lately.created_at >= Collection.announced_at,
    )
    by_bank = exists().where(
        Freeze.invoice_id == contested.id,
        contested.debtor_id == Debtor.id,
        Freeze.kind == FreezeKind.CHARGEBACK,
        Freeze.lifted_at.is_(None),
    )
    by_books = exists().where(contested.debtor_id == Debtor.id, contested.elsewhere_minor > 0)
    source = instalments()
    less_left = source.may_not_hold() if source is not None else false()
    return or_(
        ~Company.collects,
        ~Company.takes_debits,
        Mandate.status.not_in(USABLE_MANDATES),
        Debtor.credit_minor > 0,
        credit_note,
        and_(Collection.invoice_id.is_not(None), of_invoice),
        and_(Collection.instalment_id.is_not(None), or_(refunded_since, by_bank, by_books, less_left)),
    )
