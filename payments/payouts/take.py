"""Payouts: what a provider paid to the company's bank account, its fees, and the payments it was made of."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import service
from payments.collections.pace import SILENT_IN_A_ROW
from payments.follow import follow
from payments.gateways.base import PayoutLine, PayoutSeen
from payments.gateways.choose import gateway_of
from payments.models import Payment, Provider
from payments.payouts import book as books
from payments.payouts.models import PayoutWatermark
from payments.payouts.rules import rounded
from payments.status import IN_FLIGHT, PaymentStatus
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.each import act_on_each
from shared.kit.errors import Unavailable

log = logging.getLogger(__name__)

OVERLAP = timedelta(days=60)
"""How long before the watermark payouts are looked at again: so late may a bank send one back."""


def take_payouts(provider: Provider, *, however_old: bool = False) -> int:
    """Book the payouts that are not booked yet and what became of booked ones, since the watermark; gives how many.

    A payout that cannot be booked, or is not answered, stops none of its neighbours, and the watermark stays where it is until
    it can. Raises Unavailable when the provider does not answer about one of them.
    """
    began_at = clock.now()
    found = list(gateway_of(provider).payouts_since(_since(provider, began_at, however_old=however_old)))
    done = failed = 0

    def book(payout: PayoutSeen) -> None:
        nonlocal done, failed
        try:
            done += take(provider, payout)
        except Unavailable:
            raise
        except Exception:
            log.exception("payout %s of %s is not booked", payout.reference, provider.value)
            failed += 1

    act_on_each(reversed(found), book, patience=SILENT_IN_A_ROW)
    if not failed:
        retrying(lambda: _move_mark(provider, began_at))
    return done


def take(provider: Provider, payout: PayoutSeen, *, by: Actor | None = None, even_unexplained: bool = False) -> bool:
    """Bring one payout where the provider has it; True when something was booked.

    1. Outside: the lines of a new one.
    2. Each payment in it: followed if it is behind, then SETTLED, each in its own transaction.
    3. One transaction: the payout row and its ledger movements. Last, so that a pass that was cut off is done again
       from the beginning of that payout. One that had come back before we saw it is booked and given back.
    """
    actor = by or Actor.provider(provider.value)
    known = _known(provider, payout.reference)
    is_booked = False
    if known is None:
        lines = gateway_of(provider).payout_lines(payout.reference)
        _settle(provider, lines)

        def write(session: Session) -> bool:
            return books.book(session, provider, payout, lines, by=actor, even_unexplained=even_unexplained)

        is_booked = _in_transaction(write)
        known = _Known(is_returned=False)
    if payout.is_returned and not known.is_returned:
        return _in_transaction(lambda session: books.give_back(session, provider, payout, by=actor))
    if known.is_returned and not payout.is_returned:
        lines = gateway_of(provider).payout_lines(payout.reference)
        return _in_transaction(lambda session: books.pay_again(session, provider, payout, lines, by=actor))
    return is_booked


def _in_transaction(write: Callable[[Session], bool]) -> bool:
    def once() -> bool:
        with transaction() as session:
            return write(session)

    return retrying(once)


def first_payment_at(session: Session, provider: Provider) -> datetime | None:
    """When the first payment through a provider was begun: no payout of ours is older."""
    return session.scalar(select(func.min(Payment.created_at)).where(Payment.provider == provider))


def _since(provider: Provider, now: datetime, *, however_old: bool) -> datetime:
    with reading() as session:
        mark = session.get(PayoutWatermark, provider)
        if mark is not None and not however_old:
            return mark.read_until - OVERLAP
        return (first_payment_at(session, provider) or now) - timedelta(days=1)


def _move_mark(provider: Provider, moment: datetime) -> None:
    with transaction() as session:
        session.execute(
            insert(PayoutWatermark)
            .values(provider=provider, read_until=moment)
            .on_conflict_do_update(index_elements=["provider"], set_={"read_until": moment})
        )


@dataclass(frozen=True, slots=True)
class _Known:
    is_returned: bool


def _known(provider: Provider, reference: str) -> _Known | None:
    with reading() as session:
        row = session.scalar(books.row_of(provider, reference))
        return _Known(row.returned_at is not None) if row else None


def fees_of(lines: Iterable[PayoutLine]) -> dict[str, int]:
    """The fee of each payment that a payout settles, in minor units: exact in sum, rounded for each to be shown."""
    fees: dict[str, Decimal] = defaultdict(Decimal)
    paid = set()
    for line in lines:
        if line.payment_reference and line.kind in ("payment", "fee"):
            fees[line.payment_reference] += line.fee_minor
            if line.kind == "payment":
                paid.add(line.payment_reference)
    return {reference: rounded(fees[reference]) for reference in sorted(paid)}


def _settle(provider: Provider, lines: Iterable[PayoutLine]) -> None:
    for reference, fee_minor in fees_of(lines).items():
        with reading() as session:
            query = select(Payment.id, Payment.status).where(
                Payment.provider == provider, Payment.provider_reference == reference
            )
            found = session.execute(query).one_or_none()
        if found is None:
            continue
        if found.status in IN_FLIGHT:
            follow(found.id)
        retrying(lambda i=found.id, f=fee_minor: _settle_one(provider, i, f))  # type: ignore[misc]


def _settle_one(provider: Provider, payment_id: uuid.UUID, fee_minor: int) -> None:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        payment.fee_minor = fee_minor
        if payment.status is PaymentStatus.CONFIRMED:
            service.advance(session, payment_id, PaymentStatus.SETTLED, by=Actor.provider(provider.value))
