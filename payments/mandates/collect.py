"""A SEPA debit under a mandate: written down, created at the provider, cancelled while that is possible."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import service
from payments.deciding import SMALLEST_MINOR, Ask, Never, Now, Stage, decide
from payments.deciding import Facts as DueFacts
from payments.follow import apply, follow
from payments.frozen import is_stopped, takes_frozen
from payments.gateways.base import CANNOT_BE_CANCELLED, DebitWish, Declined, PaymentSeen, TryLater, Unknown
from payments.gateways.choose import debits
from payments.models import Mandate, Means, Payment, Provider
from payments.service import Facts, PaymentDraft
from payments.status import IN_FLIGHT, USABLE_MANDATES, MandateStatus, PaymentStatus
from payments.under_way import refuse_other, refuse_second, rivals
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.kit import calendars, clock, outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.refusals import not_available, not_payable
from shared.ledger.rules import Part, total
from shared.ledger.service import lock_invoices

KEY_LIVES = timedelta(hours=20)
"""So long we rely on an idempotency key; GoCardless publishes no figure. Later the debit is looked for instead."""

CREATE_JOB = "payments.mandates.create_debit"
"""Asks about a debit that the debtor waits for, when the provider did not answer in time."""

S = PaymentStatus
log = logging.getLogger(__name__)


class Left(Conflict):
    """The provider says that a debit can no longer be cancelled: the bank has it. Nothing else says so."""


def pay_now(
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID | None,
    mandate_id: uuid.UUID,
    parts: Sequence[Part],
    attempt: str,
    by: Actor,
) -> Payment:
    """Debit these parts of invoices as soon as possible, because the debtor asks for it.

    No notice is due then: he sees the amount and the day. Gives the payment as it stands after the provider was asked.
    Raises Conflict("payment.under_way") or Conflict("ledger.not_available") when the money is held or has changed,
    Invalid("debits.too_small"), NotFound for another's mandate, Conflict("mandate.not_usable") for one that has ended. A provider that does not
    answer leaves the payment CREATED; a job asks again.
    """
    debits()
    wanted = [part for part in parts if part.minor]
    if 0 < total(wanted) < SMALLEST_MINOR:
        least = format_money(Money(SMALLEST_MINOR, "EUR"), current_language())
        raise Invalid("debits.too_small", _("The smallest direct debit is %(amount)s.", amount=least))

    def start() -> uuid.UUID:
        with transaction() as session:
            debtor = lock_account(session, debtor_id)
            mandate = usable(session, debtor, mandate_id)
            company = session.get_one(Company, debtor.company_id)
            if not company.takes_debits:
                raise Refused("debits.off", _("Direct debit is not offered here."))
            known = session.scalar(select(Payment).where(Payment.attempt == attempt))
            if known is not None and known.debtor_id == debtor_id:
                refuse_other(known, Means.DEBIT)
                return known.id
            found = rivals(session, debtor_id=debtor_id, parts=wanted)
            refuse_second(session, found=found, parts=wanted)
            payment = write(
                session,
                debtor,
                mandate,
                company,
                parts=wanted,
                attempt=attempt,
                contact_id=contact_id,
                charge_on=None,
                allowed=_ask(session, company, wanted, attempt),
                by=by,
            )
            return payment.id

    payment_id = retrying(start)
    if create(payment_id, by=by) is S.CREATED:
        retrying(lambda: _leave_to_job(payment_id))
    with reading() as session:
        payment = session.get_one(Payment, payment_id)
        session.expunge(payment)
        return payment


def _leave_to_job(payment_id: uuid.UUID) -> None:
    with transaction() as session:
        outbox.enqueue(session, CREATE_JOB, {"payment_id": str(payment_id)}, dedupe_key=str(payment_id))


def _ask(
    session: Session, company: Company, parts: Sequence[Part], attempt: str, *, holds_them: bool = False
) -> list[Now]:
    """What a debtor asks for goes the way of all debits; raises Conflict("ledger.not_available").

    `holds_them`: the debit in question is written and holds its parts already.
    """
    allowed = []
    invoices = lock_invoices(session, [part.invoice_id for part in parts])
    own = service.frozen_by_its_plan(session, attempt)
    for part in parts:
        invoice = invoices.get(part.invoice_id)
        if invoice is None:
            raise not_payable()
        facts = DueFacts(
            due_on=invoice.due_on,
            open_minor=invoice.open_minor,
            held_minor=invoice.held_minor - (part.minor if holds_them else 0),
            frozen_minor=max(0, invoice.frozen_minor - own.get(invoice.id, 0)),
            maximum_minor=None,
        )
        today = clock.today(company.zone)
        verdict = decide(facts, Ask(Stage.AT_WISH, today, company.notice_days, announced_minor=part.minor))
        if isinstance(verdict, Never):
            raise not_available(invoice.number, verdict.reason)
        if isinstance(verdict, Now):
            allowed.append(verdict)
    return allowed


def write(
    session: Session,
    debtor: Debtor,
    mandate: Mandate,
    company: Company,
    *,
    parts: Sequence[Part],
    attempt: str,
    contact_id: uuid.UUID | None,
    charge_on: date | None,
    allowed: Sequence[Now],
    by: Actor,
) -> Payment:
    """Write a debit with its frozen request and hold its parts; the debtor is locked by the caller.

    `allowed`: what `payments.deciding.decide` answered under that lock; nobody else can say it. Raises ValueError for
    parts of more than that.
    """
    if total(parts) > sum(yes.minor for yes in allowed):
        raise ValueError(f"a debit of {total(parts)} of {debtor.account_code} was not decided")
    draft = PaymentDraft(
        attempt=attempt,
        means=Means.DEBIT,
        provider=Provider.GOCARDLESS,
        parts=parts,
        contact_id=contact_id,
        mandate_id=mandate.id,
        charge_on=charge_on,
    )
    payment = service.start(session, debtor, draft, by=by)
    if not payment.request:
        wish = DebitWish(
            payment_id=payment.id,
            mandate_reference=mandate.provider_reference or "",
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            charge_on=charge_on,
            description=f"{company.trade_name} {payment.reference}",
        )
        payment.request = debits().freeze_debit(wish)
    return payment


def usable(session: Session, debtor: Debtor, mandate_id: uuid.UUID) -> Mandate:
    """The debtor's own mandate under which a debit may be created."""
    mandate = session.get(Mandate, mandate_id, with_for_update=True)
    if mandate is None or mandate.debtor_id != debtor.id:
        raise NotFound("mandate.missing", _("There is no such mandate."))
    if mandate.status is MandateStatus.SUSPENDED:
        raise Conflict(
            "mandate.not_usable", _("This mandate is suspended at your bank: nothing is debited under it for now.")
        )
    if mandate.status not in USABLE_MANDATES or mandate.provider_reference is None:
        raise Conflict("mandate.not_usable", _("This mandate can no longer be used."))
    return mandate


def create(payment_id: uuid.UUID, *, by: Actor) -> PaymentStatus:
    """Create a debit that is written down. Safe at any time, any number of times: its request and key are frozen.

    The last look before it leaves is under the debtor's lock: over money that was contested meanwhile nothing is sent
    (I10), nor is what was to be stopped. A provider that does not answer leaves it CREATED.
    """
    status, request, key = retrying(lambda: _last_look(payment_id, by))
    if request is None:
        return status
    try:
        seen = debits().create_debit(request, key=key)
    except Declined as refusal:
        return retrying(lambda no=refusal: _refused(payment_id, no, by))  # type: ignore[misc]
    except (TryLater, Unknown) as error:
        return retrying(lambda e=error: _unanswered(payment_id, e.message))  # type: ignore[misc]
    return retrying(lambda: _created(payment_id, seen, by))


def _last_look(payment_id: uuid.UUID, by: Actor) -> tuple[PaymentStatus, dict[str, Any] | None, str]:
    """What is to be sent, and that it is sent from now on; no request when nothing is."""
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is not S.CREATED:
            return payment.status, None, ""
        if cause := _why_not(session, payment_id):
            _drop(session, payment, by, cause=cause)
            return payment.status, None, ""
        payment.asked_at = clock.now()
        return payment.status, payment.request, payment.idempotency_key


def drop_unsent(payment_id: uuid.UUID, *, by: Actor) -> PaymentStatus:
    """Give up a debit over contested money that was never sent; gives the status then.

    One whose creation was asked for stays CREATED: only the provider's answer resolves it (I5).
    """
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED and takes_frozen(session, payment_id):
            _drop(session, payment, by)
        return payment.status


def drop_marked(payment_id: uuid.UUID, *, by: Actor) -> PaymentStatus:
    """Give up a debit that no longer holds and was never sent; gives the status then. What was asked for stays (I5)."""
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            _drop(session, payment, by, cause="withdrawn")
        return payment.status


def _drop(session: Session, payment: Payment, by: Actor, *, cause: str = "frozen") -> None:
    if payment.asked_at is None:
        service.advance(session, payment.id, S.CANCELLED, by=by, cause=cause)


def cancel(payment_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor) -> PaymentStatus:
    """Stop a debit that has not left for the bank, so that the debtor may pay otherwise; then its money is free.

    Raises Left (a Conflict, "payment.left") when the provider says that it has left, NotFound for another's payment,
    Unavailable when the provider does not answer, or answers what says nothing of that: then nothing is freed, and whoever
    asks again finds out.
    """
    with reading() as session:
        payment = session.get(Payment, payment_id)
        if payment is None or payment.debtor_id != debtor_id or payment.means is not Means.DEBIT:
            raise NotFound("payment.missing", _("There is no such payment."))
        status, reference = payment.status, payment.provider_reference
    if status not in IN_FLIGHT:
        return status
    if reference is None:
        raise Unknown("payment.unknown", _("We are waiting for an answer of the payment service."))
    try:
        debits().cancel_debit(reference)
    except Declined as refusal:
        status = _followed(payment_id, None)
        if status not in IN_FLIGHT:
            return status
        if refusal.code == CANNOT_BE_CANCELLED:
            raise Left("payment.left", _("This debit has left for the bank.")) from refusal
        log.error("the provider does not cancel a debit, for another reason than its day: %s", refusal.code)  # noqa: TRY400
        raise Unknown("payment.unknown", _("We are waiting for an answer of the payment service.")) from refusal
    status = _followed(payment_id, by)
    if status in IN_FLIGHT:  # it took the wish, and shows an older state: the next look sees what became of it
        raise Unknown("payment.unknown", _("We are waiting for an answer of the payment service."))
    return status


def _followed(payment_id: uuid.UUID, by: Actor | None) -> PaymentStatus:
    """What the provider shows; what cannot follow from what we know is no answer to whether it was cancelled."""
    try:
        return follow(payment_id, by=by)
    except Conflict as odd:
        log.exception("what the provider shows of a debit that is to be stopped cannot be")
        raise Unknown("payment.unknown", _("We are waiting for an answer of the payment service.")) from odd


def settle_unknown(payment_id: uuid.UUID) -> PaymentStatus:
    """The janitor's question about a debit whose creation was never answered.

    1. Look for it among the debits of its mandate: what is found is followed.
    2. Not found, and its money was contested meanwhile, or it was to be stopped: it never was, and is not sent.
    3. Not found, and its key still lives: the same request under the same key.
    4. Not found, and too old for its key: it never was; a new attempt is a new debit.
    """
    by = Actor.system("janitor")
    with reading() as session:
        payment = session.get_one(Payment, payment_id)
        if payment.status is not S.CREATED:
            return payment.status
        created_at = payment.created_at
        mandate = payment.request["links"]["mandate"]
    margin = timedelta(minutes=5)
    found = debits().find_debit(payment_id, mandate_reference=mandate, created_from=created_at - margin)
    if found is not None:
        return follow(payment_id, by=by, provider_reference=found)
    if (status := retrying(lambda: _give_up_stopped(payment_id, by))) is not S.CREATED:
        return status
    if clock.now() < created_at + KEY_LIVES:
        return create(payment_id, by=by)
    never = Declined("never_created", "the provider has no such debit")
    return retrying(lambda: _refused(payment_id, never, by))


def _give_up_stopped(payment_id: uuid.UUID, by: Actor) -> PaymentStatus:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED and (cause := _why_not(session, payment_id)):
            service.advance(session, payment_id, S.CANCELLED, by=by, cause=cause)
        return payment.status


def _why_not(session: Session, payment_id: uuid.UUID) -> str:
    """Why a debit that is written down must not be sent (any more); empty when it may. The debtor is locked."""
    if takes_frozen(session, payment_id):
        return "frozen"
    return "withdrawn" if is_stopped(session, payment_id) or _is_asked_in_vain(session, payment_id) else ""


def _is_asked_in_vain(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether a debit that the debtor asked for himself could not be asked for any more as things stand.

    Between the wish and the moment in which it is sent lie minutes or hours when the provider was silent: the mandate may
    have ended, the company may take no debits any more, and the invoice may be settled otherwise. The room of automatic
    debits answers for its own (`payments.frozen.who_stops`).
    """
    payment = session.get_one(Payment, payment_id)
    if payment.contact_id is None:
        return False
    company = session.get_one(Company, payment.company_id)
    mandate = session.get_one(Mandate, payment.mandate_id, populate_existing=True)
    if not company.takes_debits or mandate.status not in USABLE_MANDATES:
        return True
    parts = service.allocations(session, payment_id)
    try:
        _ask(session, company, parts, payment.attempt, holds_them=True)
    except Conflict:
        return True
    return False


def _created(payment_id: uuid.UUID, seen: PaymentSeen, by: Actor) -> PaymentStatus:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            apply(session, payment, seen, by=by)
            if payment.charge_on is not None:
                payment.expected_on = calendars.add_target_days(payment.charge_on, 1)
        return payment.status


def _refused(payment_id: uuid.UUID, refusal: Declined, by: Actor) -> PaymentStatus:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            facts = Facts(failure_code=refusal.code[:64], failure_reason=refusal.message)
            service.advance(session, payment_id, S.FAILED, by=by, facts=facts)
        return payment.status


def _unanswered(payment_id: uuid.UUID, remark: str) -> PaymentStatus:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        payment.asked_at = clock.now()
        payment.failure_reason = remark if payment.status is S.CREATED else payment.failure_reason
        return payment.status
