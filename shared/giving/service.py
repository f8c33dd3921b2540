"""Verbs on what is given away: weighed and noted in one step, decided, taken back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.giving.models import Gift, GiftPart, GiftState
from shared.giving.rules import WINDOW, Given, needs_second_person
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.ids import new_id

COUNTING = (GiftState.ASKED, GiftState.ALONE, GiftState.DECLINED)


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that a person wants to give away."""

    kind: str
    subject_id: uuid.UUID
    minor: int
    payment_id: uuid.UUID | None = None
    invoices: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """Minor units by invoice, where invoices are concerned."""


def weigh(session: Session, debtor: Debtor, wish: Wish, *, by: Actor) -> bool:
    """Note a wish; True when a second person must agree first. The debtor is locked by the caller.

    Every room that gives money or claims away by hand asks here, and nowhere else: the limit
    (`Company.four_eyes_minor`) holds for all of them together.
    """
    limit = session.get_one(Company, debtor.company_id).four_eyes_minor
    must_wait = needs_second_person(wish.minor, given(session, debtor, wish), limit_minor=limit)
    note(session, debtor, wish, state=GiftState.ASKED if must_wait else GiftState.ALONE, by=by)
    return must_wait


def note(session: Session, debtor: Debtor, wish: Wish, *, state: GiftState, by: Actor) -> None:
    """Note something given without weighing it (what the provider did without us)."""
    gift = Gift(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        kind=wish.kind,
        subject_id=wish.subject_id,
        payment_id=wish.payment_id,
        state=state,
        minor=wish.minor,
        currency=debtor.currency,
        by_id=by.id,
        given_at=clock.now(),
    )
    session.add(gift)
    session.flush()
    session.add_all(
        GiftPart(id=new_id(), gift_id=gift.id, invoice_id=invoice_id, minor=minor)
        for invoice_id, minor in wish.invoices.items()
        if minor > 0
    )
    session.flush()


def asked_at(session: Session, *, kind: str, subject_id: uuid.UUID) -> datetime | None:
    """When something was asked for, for whoever must have been there before; None for one that was never noted."""
    return session.scalar(select(Gift.given_at).where(Gift.kind == kind, Gift.subject_id == subject_id))


def decide(session: Session, *, kind: str, subject_id: uuid.UUID, state: GiftState) -> None:
    """What became of a wish; one that was never noted (older than this book) stays unknown."""
    session.execute(update(Gift).where(Gift.kind == kind, Gift.subject_id == subject_id).values(state=state))


def given(session: Session, debtor: Debtor, wish: Wish) -> Given:
    """What one person alone gave before: of the same payment, of the same invoices, to the same debtor of late."""
    parts = session.execute(
        select(GiftPart.invoice_id, func.sum(GiftPart.minor))
        .join(Gift, Gift.id == GiftPart.gift_id)
        .where(GiftPart.invoice_id.in_(wish.invoices), Gift.state.in_(COUNTING))
        .group_by(GiftPart.invoice_id)
    ).all()
    return Given(
        of_payment=_sum(session, Gift.payment_id == wish.payment_id) if wish.payment_id else 0,
        of_invoices=max((int(total) for _invoice, total in parts), default=0),
        to_debtor=_sum(session, (Gift.debtor_id == debtor.id) & (Gift.given_at > clock.now() - WINDOW)),
    )


def _sum(session: Session, which: ColumnElement[bool]) -> int:
    query = select(func.coalesce(func.sum(Gift.minor), 0)).where(which, Gift.state.in_(COUNTING))
    return int(session.scalar(query) or 0)
