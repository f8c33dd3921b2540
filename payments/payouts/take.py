"""Payouts: what a provider paid to the company's bank account, its fees, and the payments it was made of."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments import service
from payments.follow import follow
from payments.gateways.base import PayoutLine, PayoutSeen
from payments.gateways.choose import gateway_of
from payments.models import Payment, Payout, Provider
from payments.service import CLEARING
from payments.status import IN_FLIGHT, PaymentStatus
from shared.company.models import Company
from shared.company.queries import today_of
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=14)
"""How far back payouts are looked for at every pass; one that was booked is not read again."""


def take_payouts(provider: Provider, *, look_back: timedelta = LOOK_BACK) -> int:
    """Book the payouts that are not booked yet, and what came back of booked ones; gives how many.

    1. Outside: list payouts, and the lines of new ones.
    2. Each payment in it: followed if it is behind, then SETTLED, each in its own transaction.
    3. One transaction: the payout row and its ledger movements, payout and fees for each company. Last, so that a pass
       that was cut off is done again from the beginning of that payout.
    """
    gateway = gateway_of(provider)
    booked = 0
    for payout in list(gateway.payouts_since(clock.now() - look_back)):
        known = _known(provider, payout.reference)
        if known is None and not payout.is_returned:
            lines = gateway.payout_lines(payout.reference)
            _settle(provider, lines)
            booked += retrying(lambda p=payout, found=lines: _book(provider, p, found))  # type: ignore[misc]
        elif known is not None and payout.is_returned and not known.is_returned:
            booked += retrying(lambda p=payout: _give_back(provider, p))  # type: ignore[misc]
    return booked


@dataclass(frozen=True, slots=True)
class _Known:
    is_returned: bool


def _known(provider: Provider, reference: str) -> _Known | None:
    with reading() as session:
        row = session.scalar(_row(provider, reference))
        return _Known(row.returned_at is not None) if row else None


def _row(provider: Provider, reference: str) -> Select[Payout]:
    return select(Payout).where(Payout.provider == provider, Payout.provider_reference == reference)


def _settle(provider: Provider, lines: Iterable[PayoutLine]) -> None:
    paid = {line.payment_reference for line in lines if line.kind == "payment" and line.payment_reference}
    fees: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.payment_reference and line.kind in ("payment", "fee"):
            fees[line.payment_reference] += line.fee_minor
    for reference in sorted(paid):
        with reading() as session:
            query = select(Payment.id, Payment.status).where(
                Payment.provider == provider, Payment.provider_reference == reference
            )
            found = session.execute(query).one_or_none()
        if found is None:
            continue
        if found.status in IN_FLIGHT:
            follow(found.id)
        retrying(lambda i=found.id, f=fees[reference]: _settle_one(provider, i, f))  # type: ignore[misc]


def _settle_one(provider: Provider, payment_id: uuid.UUID, fee_minor: int) -> None:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        payment.fee_minor = fee_minor
        if payment.status is PaymentStatus.CONFIRMED:
            service.advance(session, payment_id, PaymentStatus.SETTLED, by=Actor.provider(provider.value))


def _book(provider: Provider, payout: PayoutSeen, lines: Sequence[PayoutLine]) -> int:
    with transaction() as session:
        if session.scalar(_row(provider, payout.reference)) is not None:
            return 0
        shares = _shares(session, provider, lines)
        if not shares:
            raise Conflict("payout.nobody", "there is no company to which this payout could belong")
        net = sum(gross - fee for gross, fee in shares.values())
        if net != payout.amount_minor:
            log.error("payout %s is %s, its lines make %s", payout.reference, payout.amount_minor, net)
        session.add(
            Payout(
                id=new_id(),
                company_id=max(shares, key=lambda company_id: abs(shares[company_id][0])),
                provider=provider,
                provider_reference=payout.reference,
                amount_minor=payout.amount_minor,
                fee_minor=sum(fee for _gross, fee in shares.values()),
                currency=payout.currency,
                paid_on=payout.paid_on,
                created_at=clock.now(),
            )
        )
        for leg, (company_id, (gross, fee)) in enumerate(sorted(shares.items())):
            where = _Place(provider, payout, company_id, leg)
            _move(session, where, Kind.FEE, Account.FEES, fee)
            _move(session, where, Kind.PAYOUT, Account.BANK, gross - fee)
        return 1


def _shares(session: Session, provider: Provider, lines: Iterable[PayoutLine]) -> dict[uuid.UUID, tuple[int, int]]:
    """(gross, fee) for each company; what belongs to none of our payments goes to the one with the most."""
    references = {line.payment_reference for line in lines if line.payment_reference}
    rows = session.execute(
        select(Payment.provider_reference, Payment.company_id).where(
            Payment.provider == provider, Payment.provider_reference.in_(references)
        )
    )
    owners = {row[0]: row[1] for row in rows}
    sums: dict[uuid.UUID | None, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        pair = sums[owners.get(line.payment_reference)]
        if line.kind == "other":
            pair[1] += line.fee_minor - line.gross_minor
        else:
            pair[0] += line.gross_minor
            pair[1] += line.fee_minor
    rest = sums.pop(None, [0, 0])
    shares = {company_id: (pair[0], pair[1]) for company_id, pair in sums.items() if company_id is not None}
    if any(rest) or not shares:
        home = max(shares, key=lambda one: abs(shares[one][0])) if shares else _first_company(session)
        if home is not None:
            gross, fee = shares.get(home, (0, 0))
            shares[home] = (gross + rest[0], fee + rest[1])
    return shares


def _first_company(session: Session) -> uuid.UUID | None:
    return session.scalar(select(Company.id).order_by(Company.id).limit(1))


def _give_back(provider: Provider, payout: PayoutSeen) -> int:
    with transaction() as session:
        row = session.scalars(_row(provider, payout.reference).with_for_update()).one()
        if row.returned_at is not None:
            return 0
        row.returned_at = clock.now()
        where = _Place(provider, payout, row.company_id, 0)
        _move(session, where, Kind.PAYOUT_RETURNED, Account.BANK, -row.amount_minor)
        return 1


@dataclass(frozen=True, slots=True)
class _Place:
    provider: Provider
    payout: PayoutSeen
    company_id: uuid.UUID
    leg: int


def _move(session: Session, place: _Place, kind: Kind, account: Account, minor: int) -> None:
    if minor == 0:
        return
    clearing = CLEARING[place.provider]
    debit, credit = (account, clearing) if minor > 0 else (clearing, account)
    today = today_of(session, place.company_id)
    ledger.provider_movement(
        session,
        company_id=place.company_id,
        kind=kind,
        debit=debit,
        credit=credit,
        minor=abs(minor),
        currency=place.payout.currency,
        occasion=ledger.Occasion(
            at=clock.now(),
            value_on=place.payout.paid_on or today,
            provider=place.provider.value,
            provider_reference=place.payout.reference,
        ),
        leg=place.leg,
    )
