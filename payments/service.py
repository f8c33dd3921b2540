"""The only writers of a payment's status.

`start` writes the intent and holds the money; `advance` takes one named step: it checks the table, writes the
transition, moves the ledger and publishes the message, all in the caller's transaction. Lock order: debtor, invoices
by id, payment.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import waiting
from payments.models import Means, Payment, PaymentAllocation, PaymentTransition, Provider
from payments.status import COLLECTED, GIVEN_UP, IN_FLIGHT, PaymentStatus, payment_topic
from shared.company.models import Company
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices import amounts
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import bulk, clock, ids, outbox, steps
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind
from shared.ledger.rules import Part, total

CLEARING = {
    Provider.STRIPE: Account.STRIPE,
    Provider.GOCARDLESS: Account.GOCARDLESS,
    Provider.HAND: Account.BANK,
}


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """What a new payment should be. `attempt` makes it one: the same attempt finds the first payment."""

    attempt: str
    means: Means
    provider: Provider
    parts: Sequence[Part]
    contact_id: uuid.UUID | None = None
    mandate_id: uuid.UUID | None = None
    charge_on: date | None = None
    memo: str = ""
    received_on: date | None = None
    surplus_minor: int = 0
    """Received beyond the parts (by hand): becomes unapplied credit."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a step learnt from the provider; None leaves the payment's word as it is."""

    provider_reference: str | None = None
    checkout_reference: str | None = None
    checkout_url: str | None = None
    checkout_expires_at: datetime | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    charge_on: date | None = None
    expected_on: date | None = None
    fee_minor: int | None = None
    amount_minor: int | None = None
    """What the provider really took (or took back), when it differs."""
    object_reference: str | None = None
    """The money object behind this step when it is not the payment itself: a chargeback with a name of its own."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of a payment, shown to the rooms above in the commit that takes it."""

    payment: Payment
    before: PaymentStatus
    step: int
    freed: Sequence[Part]
    """What nothing holds or settles any more because of it."""
    facts: Facts
    by: Actor


Follower = Callable[[Session, Payment], None]
Opener = Callable[[Session, Payment, int], None]
Watcher = Callable[[Session, Taken], None]

_followers: list[Follower] = []
_watchers: list[Watcher] = []
_openers: list[Opener] = []
_COUNTED = COLLECTED | {PaymentStatus.CHARGED_BACK}
_KEEPS_ITS_REASON = frozenset({PaymentStatus.CANCELLED, PaymentStatus.EXPIRED})
"""Of a page that was left after a refusal, the refusal is what people want to know. Any other step has a reason of its own, or
none: what a bank said of an earlier try is not why this one went back, nor of what has come in."""


def in_the_same_commit(follower: Follower) -> None:
    """Let a room above follow every movement of a payment's money in the commit that moves it.

    For what may not wait for a message: what a plan freezes must be frozen again when its money goes back (I10).
    """
    if follower not in _followers:
        _followers.append(follower)


def with_each_step(watcher: Watcher) -> None:
    """Let a room above see every step of a payment in the commit that takes it, before those who follow its money."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def before_money_counts(opener: Opener) -> None:
    """Let a room above open again what it had given up of a payment, before its money (minor units) comes after all and settles."""
    if opener not in _openers:
        _openers.append(opener)


def moved(session: Session, payment: Payment) -> None:
    """The ledger has moved for a payment: those who follow in the same commit do so now."""
    session.flush()
    for follower in _followers:
        follower(session, payment)


LEARNT = (
    "provider_reference",
    "checkout_reference",
    "checkout_url",
    "checkout_expires_at",
    "failure_code",
    "failure_reason",
    "charge_on",
    "expected_on",
    "fee_minor",
)


def start(session: Session, debtor: Debtor, draft: PaymentDraft, *, by: Actor) -> Payment:
    """Write the intent of a payment and hold its parts; the debtor must be locked by the caller.

    The same attempt gives the payment that is already there. Raises Conflict("ledger.not_available") when a part is
    no longer available, or frozen meanwhile (I10), Invalid for an empty payment.
    """
    known = session.scalar(select(Payment).where(Payment.attempt == draft.attempt))
    if known is not None:
        if known.debtor_id != debtor.id:
            raise Conflict("payment.attempt_taken", _("This attempt belongs to another payment."))
        return known
    minor = total(draft.parts) + draft.surplus_minor
    if minor <= 0:
        raise Invalid("payment.empty", _("There is nothing to pay."))
    identity = ids.new_id()
    payment = Payment(
        id=identity,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        contact_id=draft.contact_id,
        reference=ids.reference("PAY", identity),
        attempt=draft.attempt,
        means=draft.means,
        provider=draft.provider,
        status=PaymentStatus.CREATED,
        amount_minor=minor,
        currency=debtor.currency,
        idempotency_key=f"payment-{identity}",
        mandate_id=draft.mandate_id,
        charge_on=draft.charge_on,
        memo=draft.memo,
        received_on=draft.received_on,
        created_at=clock.now(),
    )
    session.add(payment)
    session.flush()
    if draft.parts:
        occasion = _occasion(session, payment)
        account, own = CLEARING[draft.provider], _frozen_for(session, draft)
        ledger.hold(session, debtor, draft.parts, account=account, occasion=occasion, of_frozen=own)
        bulk.insert_rows(
            session,
            PaymentAllocation,
            [{"invoice_id": part.invoice_id, "amount_minor": part.minor} for part in draft.parts],
            payment_id=payment.id,
        )
    _write_step(session, payment, None, by=by, cause="")
    session.flush()
    return payment


def advance(
    session: Session,
    payment_id: uuid.UUID,
    to: PaymentStatus,
    *,
    by: Actor,
    facts: Facts | None = None,
    cause: str = "",
) -> bool:
    """Take one step; True when it was taken, False when the payment already stands there or beyond.

    1. Lock the debtor, then the payment, and look again.
    2. Check the table of edges; raises Conflict("payment.no_such_step") for a step that it does not have.
    3. Move the ledger: post, void, or take back.
    4. Write status, transition and audit line, and publish the edge's topic.
    """
    facts = facts or Facts()
    payment = lock_payment(session, payment_id)
    before = payment.status
    learn(payment, facts)
    if before is to or (to in IN_FLIGHT and before in COLLECTED | {PaymentStatus.CHARGED_BACK}):
        return False
    topic = payment_topic(before, to)
    if topic is None:
        if before is PaymentStatus.SETTLED and to is PaymentStatus.CONFIRMED:
            return False
        raise Conflict(
            "payment.no_such_step",
            f"payment {payment.reference} cannot go from {before.value} to {to.value}",
            before=before.value,
            after=to.value,
        )
    if to not in _KEEPS_ITS_REASON:
        payment.failure_code, payment.failure_reason = facts.failure_code, facts.failure_reason
    freed = _move_ledger(session, payment, before, to, facts)
    payment.status = to
    if to is PaymentStatus.CONFIRMED and payment.confirmed_at is None:
        payment.confirmed_at = clock.now()
    step = _write_step(session, payment, before, by=by, cause=cause or facts.failure_code or "")
    waiting.use(session, payment.debtor_id, freed)
    for watcher in _watchers:
        watcher(session, Taken(payment, before, step, freed, facts, by))
    if to is not PaymentStatus.SETTLED and (to in _COUNTED or before in _COUNTED):
        moved(session, payment)
    outbox.publish(
        session,
        topic,
        {
            "payment_id": str(payment.id),
            "debtor_id": str(payment.debtor_id),
            "before": before.value,
            "after": to.value,
            "step": step,
        },
        dedupe_key=f"{payment.id}:{step}",
    )
    session.flush()
    return True


def steps_of(session: Session, payment_id: uuid.UUID) -> int:
    """How many steps a payment has taken: its version."""
    return steps.last(session, PaymentTransition, PaymentTransition.payment_id == payment_id)


def lock_payment(session: Session, payment_id: uuid.UUID) -> Payment:
    """The payment, locked and read anew, after its debtor (the lock order of the house). Raises NotFound."""
    return affairs.lock(session, Payment, payment_id)


def learn(payment: Payment, facts: Facts) -> None:
    """Keep what a provider told, without a step."""
    for name in LEARNT:
        value = getattr(facts, name)
        if value is not None:
            setattr(payment, name, value)


def _move_ledger(
    session: Session, payment: Payment, before: PaymentStatus, to: PaymentStatus, facts: Facts
) -> list[Part]:
    """Move the ledger with a step; gives what nothing holds or settles any more."""
    debtor = session.get_one(Debtor, payment.debtor_id)
    account = CLEARING[payment.provider]
    if to is PaymentStatus.CONFIRMED and before is PaymentStatus.CHARGED_BACK:
        occasion = _occasion(session, payment, kind=Kind.CHARGEBACK_WON, of=facts.object_reference)
        minor = ledger.net_of(session, payment.id, plus=Kind.CHARGEBACK, minus=Kind.CHARGEBACK_WON)
        _open_for(session, payment, minor)
        ledger.settle_directly(
            session,
            debtor,
            account=account,
            minor=minor,
            parts=allocations(session, payment.id),
            occasion=occasion,
            kind=Kind.CHARGEBACK_WON,
        )
    elif to is PaymentStatus.CONFIRMED:
        if facts.amount_minor is not None:
            payment.amount_minor = facts.amount_minor
        _open_for(session, payment, payment.amount_minor)
        return ledger.post(
            session,
            debtor,
            account=account,
            minor=payment.amount_minor,
            parts=allocations(session, payment.id),
            occasion=_occasion(session, payment, kind=Kind.PAYMENT),
        )
    elif to in GIVEN_UP and before in IN_FLIGHT:
        return ledger.void(session, debtor, _occasion(session, payment))
    elif to is PaymentStatus.SUBMITTED and before is PaymentStatus.FAILED:
        available = _still_available(session, payment)
        if available:
            # The provider asks the bank once more, whatever was frozen meanwhile: what is so is written (I1).
            own, occasion = _frozen_of(session, available), _occasion(session, payment)
            ledger.hold(session, debtor, available, account=account, occasion=occasion, of_frozen=own)
    elif before in COLLECTED and to in GIVEN_UP | {PaymentStatus.CHARGED_BACK}:
        kind = {PaymentStatus.CHARGED_BACK: Kind.CHARGEBACK, PaymentStatus.CANCELLED: Kind.RECEIPT_UNDONE}.get(
            to, Kind.LATE_FAILURE
        )
        by_hand = payment.provider is Provider.HAND
        return ledger.take_back(
            session,
            debtor,
            kind=kind,
            account=account,
            minor=facts.amount_minor or payment.amount_minor - (payment.refunded_minor if by_hand else 0),
            occasion=_occasion(session, payment, kind=kind, of=facts.object_reference),
            may_lose=not by_hand,
        )
    return []


def _open_for(session: Session, payment: Payment, minor: int) -> None:
    for opener in _openers:
        opener(session, payment, minor)


def allocations(session: Session, payment_id: uuid.UUID) -> list[Part]:
    """What a payment was meant to settle."""
    rows = session.execute(
        select(PaymentAllocation.invoice_id, PaymentAllocation.amount_minor)
        .where(PaymentAllocation.payment_id == payment_id)
        .order_by(PaymentAllocation.id)
    )
    return [Part(row.invoice_id, row.amount_minor) for row in rows]


def _frozen_for(session: Session, draft: PaymentDraft) -> dict[uuid.UUID, int]:
    """Invoice → how much of its frozen money a payment may take: its plan's (attempt "plan:<id>:…"), else nothing.

    A receipt by hand takes all of it: that money has come already.
    """
    if draft.provider is Provider.HAND:
        return _frozen_of(session, draft.parts)
    return frozen_by_its_plan(session, draft.attempt)


def frozen_by_its_plan(session: Session, attempt: str) -> dict[uuid.UUID, int]:
    """Invoice → what the plan that an attempt belongs to ("plan:<id>:…") freezes of it; empty for any other attempt."""
    head, _colon, rest = attempt.partition(":")
    try:
        subject = uuid.UUID(rest.partition(":")[0]) if head == "plan" else None
    except ValueError:
        subject = None
    if subject is None:
        return {}
    rows = select(Freeze.invoice_id, Freeze.amount_minor).where(
        Freeze.subject_id == subject, Freeze.kind == FreezeKind.PLAN, Freeze.lifted_at.is_(None)
    )
    return {row.invoice_id: row.amount_minor for row in session.execute(rows)}


def _frozen_of(session: Session, parts: Sequence[Part]) -> dict[uuid.UUID, int]:
    """Invoice → all that is frozen of it."""
    wanted = [part.invoice_id for part in parts]
    rows = session.execute(select(Invoice.id, Invoice.frozen_minor).where(among(Invoice.id, wanted)))
    return {row.id: row.frozen_minor for row in rows}


def _still_available(session: Session, payment: Payment) -> list[Part]:
    wanted = allocations(session, payment.id)
    invoices = amounts.lock(session, (part.invoice_id for part in wanted))
    parts = []
    for part in wanted:
        invoice = invoices[part.invoice_id]
        minor = min(part.minor, invoice.open_minor - invoice.held_minor)
        if minor > 0:
            parts.append(Part(part.invoice_id, minor))
    return parts


def _occasion(
    session: Session, payment: Payment, *, kind: Kind | None = None, of: str | None = None
) -> ledger.Occasion:
    """When and for what; `of` names the provider's object when it is not the payment itself."""
    zone = session.get_one(Company, payment.company_id).zone
    reference = of or payment.provider_reference
    has_key = reference is not None and kind is not None and payment.provider is not Provider.HAND
    if has_key:
        assert reference is not None and kind is not None  # noqa: S101, PT018 - for the type checker
        reference = ledger.next_round(session, provider=payment.provider.value, reference=reference, kind=kind)
    return ledger.Occasion(
        at=clock.now(),
        value_on=payment.received_on or clock.today(zone),
        payment_id=payment.id,
        provider=payment.provider.value if has_key else None,
        provider_reference=reference if has_key else None,
    )


def _write_step(session: Session, payment: Payment, before: PaymentStatus | None, *, by: Actor, cause: str) -> int:
    row = PaymentTransition(payment_id=payment.id, before=before, after=payment.status)
    step = steps.take(session, row, PaymentTransition.payment_id == payment.id, by=by, cause=cause)
    affairs.record(
        session,
        payment,
        action=f"payment.{payment.status.value}",
        by=by,
        before={"status": before.value} if before else None,
        after={"status": payment.status.value, "minor": payment.amount_minor, "currency": payment.currency},
    )
    return step
