"""The janitor: asks about everything that has been without news for too long. It never concludes from a time-out (I5)."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from payments.cards import checkout
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import ChargebackState
from payments.collections.pace import SILENT_IN_A_ROW
from payments.follow import follow
from payments.gateways.base import TryLater, Unknown
from payments.gateways.choose import takes_cards, takes_debits
from payments.mandates import collect, setup
from payments.mandates.follow import follow_mandate
from payments.models import Mandate, Means, Payment, Provider, Refund
from payments.refunds.send import send
from payments.status import MandateStatus, PaymentStatus, RefundStatus
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

UNANSWERED_AFTER = timedelta(minutes=5)
"""Longer than our calls with all their retries take: the first asker is surely gone."""

CARD_EVERY = timedelta(minutes=15)
DEBIT_EVERY = timedelta(hours=12)
CONTESTED_EVERY = timedelta(hours=12)
MANDATE_EVERY = timedelta(hours=6)
REFUND_EVERY = timedelta(hours=12)
MANDATE_PAGE_LIVES = timedelta(days=8)

_PAGE = 200


@dataclass(slots=True)
class Swept:
    """What a pass did."""

    asked: int = 0
    unanswered: int = 0
    contradicted: int = 0


def sweep() -> Swept:
    """One pass over all that is without news, in no order: what is never answered stands before others by chance only.

    One object that is not answered stops none of its neighbours; a provider that does not answer about several, one after
    the other, is left until next time. An answer that contradicts our books is logged and left to a person.
    """
    swept = Swept()
    in_vain: Counter[Provider] = Counter()
    for provider, act in _due(clock.now()):
        if in_vain[provider] >= SILENT_IN_A_ROW:
            continue
        try:
            act()
            swept.asked += 1
        except (TryLater, Unknown) as error:
            log.info("%s does not answer: %s", provider.value, error.code)
            in_vain[provider] += 1
            swept.unanswered += 1
            continue
        except Unavailable:
            swept.unanswered += 1
        except DomainError as error:
            log.warning("the janitor found a contradiction: %s %s", error.code, error.message)
            swept.contradicted += 1
        except Exception:
            log.exception("the janitor stumbled: the others go on")
            swept.contradicted += 1
        in_vain[provider] = 0
    return swept


def _due(now: datetime) -> Iterator[tuple[Provider, Callable[[], object]]]:
    if takes_cards():
        for identity in _payments(_unanswered(Provider.STRIPE, now)):
            yield Provider.STRIPE, lambda i=identity: checkout.settle_unknown(i)  # type: ignore[misc]
        for identity in (*_payments(_open_cards(now)), *_payments(_contested_cards(now))):
            yield Provider.STRIPE, lambda i=identity: follow(i)  # type: ignore[misc]
    if takes_debits():
        for identity in _payments(_unanswered(Provider.GOCARDLESS, now)):
            yield Provider.GOCARDLESS, lambda i=identity: collect.settle_unknown(i)  # type: ignore[misc]
        for identity in _payments(_open_debits(now)):
            yield Provider.GOCARDLESS, lambda i=identity: follow(i)  # type: ignore[misc]
        for identity, is_asked in _mandates(now):
            yield Provider.GOCARDLESS, _about_mandate(identity, is_asked=is_asked)
    for identity, provider, is_sent in _refunds(now):
        if (takes_cards if provider is Provider.STRIPE else takes_debits)():
            yield provider, _about_refund(identity, is_sent=is_sent)


def _payments(which: ColumnElement[bool]) -> list[uuid.UUID]:
    with reading() as session:
        return list(session.scalars(select(Payment.id).where(which).order_by(func.random()).limit(_PAGE)))


def _quiet(since: datetime) -> ColumnElement[bool]:
    return or_(Payment.asked_at.is_(None), Payment.asked_at <= since)


def _unanswered(provider: Provider, now: datetime) -> ColumnElement[bool]:
    long_ago = now - UNANSWERED_AFTER
    return and_(
        Payment.provider == provider,
        Payment.status == PaymentStatus.CREATED,
        Payment.created_at <= long_ago,
        _quiet(long_ago),
    )


def _open_cards(now: datetime) -> ColumnElement[bool]:
    is_over = and_(Payment.checkout_expires_at <= now, _quiet(now - UNANSWERED_AFTER))
    return and_(
        Payment.means == Means.CARD,
        Payment.status.in_((PaymentStatus.SUBMITTED, PaymentStatus.ACTION_NEEDED)),
        or_(is_over, _quiet(now - CARD_EVERY)),
    )


def _contested_cards(now: datetime) -> ColumnElement[bool]:
    """Whose bank has the word: whether it was answered, lost or won may have been said when nobody listened."""
    at_bank = Chargeback.state.in_((ChargebackState.OPEN, ChargebackState.ANSWERED))
    is_at_bank = exists().where(Chargeback.payment_id == Payment.id, at_bank)
    return and_(Payment.means == Means.CARD, is_at_bank, _quiet(now - CONTESTED_EVERY))


def _open_debits(now: datetime) -> ColumnElement[bool]:
    return and_(Payment.means == Means.DEBIT, Payment.status == PaymentStatus.SUBMITTED, _quiet(now - DEBIT_EVERY))


def _mandates(now: datetime) -> list[tuple[uuid.UUID, bool]]:
    quiet = or_(Mandate.asked_at.is_(None), Mandate.asked_at <= now - MANDATE_EVERY)
    waiting = or_(
        Mandate.status == MandateStatus.PENDING,
        and_(Mandate.status == MandateStatus.CREATED, Mandate.created_at > now - MANDATE_PAGE_LIVES),
    )
    with reading() as session:
        rows = session.execute(
            select(Mandate.id, Mandate.billing_request_reference, Mandate.provider_reference)
            .where(waiting, quiet, Mandate.created_at <= now - UNANSWERED_AFTER)
            .order_by(func.random())
            .limit(_PAGE)
        )
        return [(row[0], bool(row[1] or row[2])) for row in rows]


def _about_mandate(identity: uuid.UUID, *, is_asked: bool) -> Callable[[], object]:
    return (lambda: follow_mandate(identity)) if is_asked else (lambda: setup.open_page(identity))


def _refunds(now: datetime) -> list[tuple[uuid.UUID, Provider, bool]]:
    quiet = or_(Refund.asked_at.is_(None), Refund.asked_at <= now - UNANSWERED_AFTER)
    unsent = and_(Refund.status == RefundStatus.APPROVED, Refund.created_at <= now - UNANSWERED_AFTER, quiet)
    under_way = and_(Refund.status == RefundStatus.SUBMITTED, Payment.asked_at <= now - REFUND_EVERY)
    with reading() as session:
        rows = session.execute(
            select(Refund.id, Refund.payment_id, Payment.provider, Refund.status)
            .join(Payment, Payment.id == Refund.payment_id)
            .where(or_(unsent, under_way))
            .order_by(func.random())
            .limit(_PAGE)
        )
        return [
            (row.id, row.provider, False)
            if row.status is RefundStatus.APPROVED
            else (row.payment_id, row.provider, True)
            for row in rows
        ]


def _about_refund(identity: uuid.UUID, *, is_sent: bool) -> Callable[[], object]:
    return (lambda: follow(identity)) if is_sent else (lambda: send(identity))
