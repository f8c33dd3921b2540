"""Reading money in motion, as frozen values. What a debtor sees is asked for by debtor first (I11)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from payments.collections.models import Collection, CollectionState
from payments.models import (
    Mandate,
    MandateTransition,
    Means,
    Payment,
    PaymentAllocation,
    PaymentTransition,
    Provider,
    Refund,
)
from payments.status import IN_FLIGHT, USABLE_MANDATES, MandateStatus, PaymentStatus, RefundStatus
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import among
from shared.kit.ids import normalise_reference
from shared.kit.money import Money
from shared.ledger.models import Account, Kind, Phase, Transfer

_INSTALMENT = ":instalment:"
"""In the attempt of an instalment's automatic debit (`payments.plans.progress`)."""


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One payment in a list."""

    id: uuid.UUID
    reference: str
    debtor_id: uuid.UUID
    debtor_name: str
    means: Means
    provider: Provider
    status: PaymentStatus
    money: Money
    refunded: Money
    numbers: tuple[str, ...]
    """Of the invoices that it is meant to settle, the oldest due first."""
    charge_on: date | None
    expected_on: date | None
    received_on: date | None
    failure_code: str | None
    is_automatic: bool
    url: str | None
    """The provider's page, while it is open for the payer."""
    created_at: datetime
    confirmed_at: datetime | None

    @property
    def is_in_flight(self) -> bool:
        return self.status in IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Step:
    """One transition."""

    at: datetime
    before: PaymentStatus | None
    after: PaymentStatus
    actor_kind: str
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """A part of an invoice that a payment is meant to settle."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    money: Money


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer of the ledger that belongs to a payment."""

    at: datetime
    value_on: date
    kind: Kind
    phase: Phase
    debit: Account
    debit_number: str
    credit: Account
    credit_number: str
    money: Money
    provider_reference: str | None


@dataclass(frozen=True, slots=True)
class RefundLine:
    """One refund of a payment."""

    id: uuid.UUID
    payment_id: uuid.UUID
    money: Money
    status: RefundStatus
    reason: str
    failure_reason: str
    asked_by: str
    asked_by_id: uuid.UUID | None
    approved_by: str
    provider_reference: str | None
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentStory:
    """One payment whole: steps, what it is meant to settle, what the ledger says, refunds."""

    line: PaymentLine
    attempt: str
    memo: str
    provider_reference: str | None
    checkout_reference: str | None
    failure_reason: str | None
    fee: Money | None
    mandate: MandateLine | None
    asked_at: datetime | None
    steps: tuple[Step, ...]
    allocations: tuple[AllocationLine, ...]
    legs: tuple[Leg, ...]
    refunds: tuple[RefundLine, ...]
    refundable: Money


@dataclass(frozen=True, slots=True)
class MandateLine:
    """One mandate. `rum` is what banks and the debtor's statement call it."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    rum: str
    status: MandateStatus
    holder_name: str
    bank_name: str
    iban_ending: str
    iban_country: str
    next_charge_on: date | None
    url: str | None
    """The provider's page, while the mandate waits to be signed."""
    created_at: datetime
    given_at: datetime | None
    ended_at: datetime | None
    end_reason: str

    @property
    def is_usable(self) -> bool:
        return self.status in USABLE_MANDATES


@dataclass(frozen=True, slots=True)
class MandateStep:
    """One transition of a mandate."""

    at: datetime
    before: MandateStatus | None
    after: MandateStatus
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class NextDebit:
    """A debit that is announced, or on its way."""

    on: date
    money: Money
    numbers: tuple[str, ...]
    invoice_ids: tuple[uuid.UUID, ...]
    payment_id: uuid.UUID | None
    """None while it is only announced: nothing is held yet."""
    is_automatic: bool
    announced_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentFilters:
    """What a list of payments is narrowed to."""

    text: str = ""
    """Part of a reference, a debtor's name or an invoice number."""
    statuses: frozenset[PaymentStatus] = frozenset()
    means: Means | None = None
    debtor_id: uuid.UUID | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Some payments, the newest first; `next_key` continues after the last one, None at the end."""

    rows: Sequence[PaymentLine]
    next_key: uuid.UUID | None


# Payments ---------------------------------------------------------------------------------------------------------------


def payments_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 200) -> list[PaymentLine]:
    """A debtor's payments, the newest first."""
    query = select(Payment).where(Payment.debtor_id == debtor_id).order_by(Payment.id.desc()).limit(limit)
    return _lines(session, query)


def in_flight(session: Session, debtor_id: uuid.UUID) -> list[PaymentLine]:
    """A debtor's payments that are under way, the newest first."""
    query = select(Payment).where(Payment.debtor_id == debtor_id, Payment.status.in_(IN_FLIGHT))
    return _lines(session, query.order_by(Payment.id.desc()))


def find_payment(session: Session, debtor_id: uuid.UUID, name: str) -> PaymentLine | None:
    """A debtor's payment by its reference, its id or the attempt of the form that began it."""
    mine = select(Payment).where(Payment.debtor_id == debtor_id)
    reference = normalise_reference(name)
    names = [Payment.attempt == name]
    if reference is not None:
        names.append(Payment.reference == reference)
    identity = _uuid(name)
    if identity is not None:
        names.append(Payment.id == identity)
    return next(iter(_lines(session, mine.where(or_(*names)).limit(1))), None)


def payment_story(
    session: Session, payment_id: uuid.UUID, debtor_id: uuid.UUID | None = None, *, company_id: uuid.UUID | None = None
) -> PaymentStory | None:
    """One payment whole; None when there is none, or when it is not that debtor's or that company's."""
    query = select(Payment).where(Payment.id == payment_id)
    if debtor_id is not None:
        query = query.where(Payment.debtor_id == debtor_id)
    if company_id is not None:
        query = query.where(Payment.company_id == company_id)
    payment = session.scalar(query)
    if payment is None:
        return None
    line = _lines(session, query)[0]
    mandate = session.get(Mandate, payment.mandate_id) if payment.mandate_id else None
    refunds = refunds_of(session, [payment.id])
    used = sum(r.money.minor for r in refunds if r.status not in (RefundStatus.FAILED, RefundStatus.DECLINED))
    return PaymentStory(
        line=line,
        attempt=payment.attempt,
        memo=payment.memo,
        provider_reference=payment.provider_reference,
        checkout_reference=payment.checkout_reference,
        failure_reason=payment.failure_reason,
        fee=Money(payment.fee_minor, payment.currency) if payment.fee_minor is not None else None,
        mandate=_mandate_line(mandate) if mandate else None,
        asked_at=payment.asked_at,
        steps=_steps(session, payment.id),
        allocations=_allocations(session, payment),
        legs=legs_of(session, payment.id),
        refunds=tuple(refunds),
        refundable=Money(max(0, payment.amount_minor - used), payment.currency),
    )


def list_payments(
    session: Session,
    company_id: uuid.UUID,
    filters: PaymentFilters | None = None,
    key: uuid.UUID | None = None,
    *,
    limit: int = 50,
) -> PaymentPage:
    """A company's payments, the newest first, after `key`."""
    query = select(Payment).where(Payment.company_id == company_id)
    query = _narrowed(query, filters or PaymentFilters())
    if key is not None:
        query = query.where(Payment.id < key)
    rows = _lines(session, query.order_by(Payment.id.desc()).limit(limit + 1))
    return PaymentPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def count_by_status(session: Session, company_id: uuid.UUID) -> dict[PaymentStatus, tuple[int, int]]:
    """How many payments stand where, and their sum in minor units."""
    rows = session.execute(
        select(Payment.status, func.count(), func.coalesce(func.sum(Payment.amount_minor), 0))
        .where(Payment.company_id == company_id)
        .group_by(Payment.status)
    )
    return {status: (int(count), int(minor)) for status, count, minor in rows}


def refunds_of(session: Session, payment_ids: Iterable[uuid.UUID]) -> list[RefundLine]:
    """The refunds of payments, in the order in which they were asked for."""
    rows = session.scalars(select(Refund).where(among(Refund.payment_id, payment_ids)).order_by(Refund.id))
    return [_refund_line(refund) for refund in rows]


def refunds_waiting(session: Session, company_id: uuid.UUID) -> list[RefundLine]:
    """Refunds that wait for a second person, the oldest first."""
    rows = session.scalars(
        select(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.company_id == company_id, Refund.status == RefundStatus.ASKED)
        .order_by(Refund.id)
    )
    return [_refund_line(refund) for refund in rows]


def legs_of(session: Session, payment_id: uuid.UUID) -> tuple[Leg, ...]:
    """What the ledger says of a payment, in order."""
    rows = session.scalars(
        select(Transfer).where(Transfer.payment_id == payment_id).order_by(Transfer.at, Transfer.id)
    ).all()
    owners = {owner for row in rows for owner in (row.debit_owner, row.credit_owner) if owner}
    found = session.execute(select(Invoice.id, Invoice.number).where(among(Invoice.id, owners)))
    numbers: dict[uuid.UUID | None, str] = {row[0]: row[1] for row in found}
    return tuple(
        Leg(
            at=row.at,
            value_on=row.value_on,
            kind=row.kind,
            phase=row.phase,
            debit=row.debit_account,
            debit_number=numbers.get(row.debit_owner, ""),
            credit=row.credit_account,
            credit_number=numbers.get(row.credit_owner, ""),
            money=Money(row.amount_minor, row.currency),
            provider_reference=row.provider_reference,
        )
        for row in rows
    )


# Mandates and coming debits -----------------------------------------------------------------------------------------------


def mandates_of(session: Session, debtor_id: uuid.UUID) -> list[MandateLine]:
    """A debtor's mandates, the newest first."""
    rows = session.scalars(select(Mandate).where(Mandate.debtor_id == debtor_id).order_by(Mandate.id.desc()))
    return [_mandate_line(mandate) for mandate in rows]


def find_mandate(session: Session, debtor_id: uuid.UUID, name: str) -> MandateLine | None:
    """A debtor's mandate by its reference, its id or the attempt of the form that began it."""
    names = [Mandate.attempt == name, Mandate.reference == (normalise_reference(name) or name)]
    identity = _uuid(name)
    if identity is not None:
        names.append(Mandate.id == identity)
    mandate = session.scalar(select(Mandate).where(Mandate.debtor_id == debtor_id, or_(*names)).limit(1))
    return _mandate_line(mandate) if mandate else None


def usable_mandate(session: Session, debtor_id: uuid.UUID) -> MandateLine | None:
    """The mandate under which a debtor's debits are made: the newest that is pending or active."""
    mandate = session.scalar(
        select(Mandate)
        .where(Mandate.debtor_id == debtor_id, Mandate.status.in_(USABLE_MANDATES))
        .where(Mandate.provider_reference.is_not(None))
        .order_by(Mandate.id.desc())
        .limit(1)
    )
    return _mandate_line(mandate) if mandate else None


def mandate_steps(session: Session, mandate_id: uuid.UUID) -> list[MandateStep]:
    """A mandate's transitions in order."""
    rows = session.scalars(
        select(MandateTransition).where(MandateTransition.mandate_id == mandate_id).order_by(MandateTransition.step)
    )
    return [MandateStep(row.at, row.before, row.after, row.actor_name, row.cause) for row in rows]


def next_debits(session: Session, debtor_id: uuid.UUID) -> list[NextDebit]:
    """The debits that are announced or on their way, the earliest first."""
    announced = session.execute(
        select(Collection, func.coalesce(Invoice.number, Collection.label))
        .outerjoin(Invoice, Invoice.id == Collection.invoice_id)
        .join(Debtor, Debtor.id == Collection.debtor_id)
        .where(Collection.debtor_id == debtor_id, Collection.state == CollectionState.ANNOUNCED)
        .where(or_(Collection.instalment_id.is_not(None), and_(Debtor.autopay, Invoice.open_minor > 0)))
    ).all()
    coming = [
        NextDebit(
            on=collection.charge_on,
            money=Money(collection.amount_minor, collection.currency),
            numbers=(number,),
            invoice_ids=(collection.invoice_id,) if collection.invoice_id else (),
            payment_id=None,
            is_automatic=True,
            announced_at=collection.announced_at,
        )
        for collection, number in announced
    ]
    under_way = select(Payment).where(
        Payment.debtor_id == debtor_id, Payment.means == Means.DEBIT, Payment.status.in_(IN_FLIGHT)
    )
    lines = _lines(session, under_way)
    settles = _invoices_of(session, [line.id for line in lines])
    coming += [
        NextDebit(
            on=line.charge_on,
            money=line.money,
            numbers=line.numbers,
            invoice_ids=settles.get(line.id, ()),
            payment_id=line.id,
            is_automatic=line.is_automatic,
            announced_at=None,
        )
        for line in lines
        if line.charge_on is not None
    ]
    return sorted(coming, key=lambda debit: debit.on)


# Pieces -----------------------------------------------------------------------------------------------------------------


def _lines(session: Session, query: Select[Payment]) -> list[PaymentLine]:
    rows = session.scalars(query).all()
    numbers = _numbers(session, [row.id for row in rows])
    names = {
        row[0]: row[1]
        for row in session.execute(
            select(Debtor.id, Debtor.name).where(among(Debtor.id, {row.debtor_id for row in rows}))
        )
    }
    return [_line(row, names[row.debtor_id], numbers.get(row.id, ())) for row in rows]


def _line(payment: Payment, debtor_name: str, numbers: tuple[str, ...]) -> PaymentLine:
    lives = payment.checkout_expires_at is None or payment.checkout_expires_at > clock.now()
    return PaymentLine(
        id=payment.id,
        reference=payment.reference,
        debtor_id=payment.debtor_id,
        debtor_name=debtor_name,
        means=payment.means,
        provider=payment.provider,
        status=payment.status,
        money=Money(payment.amount_minor, payment.currency),
        refunded=Money(payment.refunded_minor, payment.currency),
        numbers=numbers,
        charge_on=payment.charge_on,
        expected_on=payment.expected_on,
        received_on=payment.received_on,
        failure_code=payment.failure_code,
        is_automatic=payment.attempt.startswith("collection:") or _INSTALMENT in payment.attempt,
        url=payment.checkout_url if payment.status in IN_FLIGHT and lives else None,
        created_at=payment.created_at,
        confirmed_at=payment.confirmed_at,
    )


def _numbers(session: Session, payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, ...]]:
    rows = session.execute(
        select(PaymentAllocation.payment_id, Invoice.number)
        .join(Invoice, Invoice.id == PaymentAllocation.invoice_id)
        .where(among(PaymentAllocation.payment_id, payment_ids))
        .order_by(Invoice.due_on, Invoice.id)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for payment_id, number in rows:
        found.setdefault(payment_id, []).append(number)
    return {payment_id: tuple(numbers) for payment_id, numbers in found.items()}


def _invoices_of(session: Session, payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[uuid.UUID, ...]]:
    rows = session.execute(
        select(PaymentAllocation.payment_id, PaymentAllocation.invoice_id)
        .where(among(PaymentAllocation.payment_id, payment_ids))
        .order_by(PaymentAllocation.id)
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for payment_id, invoice_id in rows:
        found.setdefault(payment_id, []).append(invoice_id)
    return {payment_id: tuple(ids) for payment_id, ids in found.items()}


def _steps(session: Session, payment_id: uuid.UUID) -> tuple[Step, ...]:
    rows = session.scalars(
        select(PaymentTransition).where(PaymentTransition.payment_id == payment_id).order_by(PaymentTransition.step)
    )
    return tuple(Step(row.at, row.before, row.after, row.actor_kind, row.actor_name, row.cause) for row in rows)


def _allocations(session: Session, payment: Payment) -> tuple[AllocationLine, ...]:
    rows = session.execute(
        select(PaymentAllocation, Invoice.number, Invoice.due_on)
        .join(Invoice, Invoice.id == PaymentAllocation.invoice_id)
        .where(PaymentAllocation.payment_id == payment.id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return tuple(
        AllocationLine(row.invoice_id, number, due_on, Money(row.amount_minor, payment.currency))
        for row, number, due_on in rows
    )


def _refund_line(refund: Refund) -> RefundLine:
    return RefundLine(
        id=refund.id,
        payment_id=refund.payment_id,
        money=Money(refund.amount_minor, refund.currency),
        status=refund.status,
        reason=refund.reason,
        failure_reason=refund.failure_reason,
        asked_by=refund.asked_by,
        asked_by_id=refund.asked_by_id,
        approved_by=refund.approved_by,
        provider_reference=refund.provider_reference,
        created_at=refund.created_at,
        done_at=refund.done_at,
    )


def _mandate_line(mandate: Mandate) -> MandateLine:
    lives = mandate.flow_expires_at is not None and mandate.flow_expires_at > clock.now()
    return MandateLine(
        id=mandate.id,
        debtor_id=mandate.debtor_id,
        reference=mandate.reference,
        rum=mandate.scheme_reference or mandate.reference,
        status=mandate.status,
        holder_name=mandate.holder_name,
        bank_name=mandate.bank_name,
        iban_ending=mandate.iban_ending,
        iban_country=mandate.iban_country,
        next_charge_on=mandate.next_charge_on,
        url=mandate.flow_url if mandate.status is MandateStatus.CREATED and lives else None,
        created_at=mandate.created_at,
        given_at=mandate.given_at,
        ended_at=mandate.ended_at,
        end_reason=mandate.end_reason,
    )


def _narrowed(query: Select[Payment], filters: PaymentFilters) -> Select[Payment]:
    if filters.statuses:
        query = query.where(Payment.status.in_(filters.statuses))
    if filters.means is not None:
        query = query.where(Payment.means == filters.means)
    if filters.debtor_id is not None:
        query = query.where(Payment.debtor_id == filters.debtor_id)
    if filters.created_from is not None:
        query = query.where(Payment.created_at >= filters.created_from)
    if filters.created_until is not None:
        query = query.where(Payment.created_at < filters.created_until)
    if filters.text.strip():
        settles = (
            select(PaymentAllocation.payment_id)
            .join(Invoice, Invoice.id == PaymentAllocation.invoice_id)
            .where(Invoice.number.startswith(filters.text, autoescape=True))
        )
        named = select(Debtor.id).where(
            *(Debtor.search_text.contains(word, autoescape=True) for word in searchable(filters.text).split())
        )
        query = query.where(
            or_(
                Payment.reference.contains(filters.text.upper(), autoescape=True),
                Payment.provider_reference == filters.text,
                Payment.id.in_(settles),
                Payment.debtor_id.in_(named),
            )
        )
    return query


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
