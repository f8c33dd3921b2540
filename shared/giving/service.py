"""The verbs of giving away: weighed and noted in one step, agreed to by a second person, declined, taken back.

Every room that gives money or claims away by hand asks here, and nowhere else: the limit (`Company.four_eyes_minor`) and
who may be the second person are the same for all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.giving.models import Gift, GiftKind, GiftPart, GiftState
from shared.giving.rules import WINDOW, Given, needs_second_person
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Refused
from shared.kit.ids import new_id
from shared.kit.second_person import Witness, must_be_independent
from shared.kit.words import gettext as _

COUNTING = (GiftState.ASKED, GiftState.ALONE, GiftState.DECLINED)


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that a person wants to give away."""

    kind: GiftKind
    subject_id: uuid.UUID
    minor: int
    payment_id: uuid.UUID | None = None
    invoices: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """Minor units by invoice, where invoices are concerned."""
    reason: str = ""


def weigh(session: Session, debtor: Debtor, wish: Wish, *, by: Actor) -> bool:
    """Note a wish; True when a second person must agree first (`agree`). The debtor is locked by the caller.

    Raises Refused when a second person must agree and nobody in particular asks: then nobody could be somebody else.
    """
    must_wait = bool(above_limit(session, debtor.company_id, {debtor.id: wish}))
    if must_wait and by.id is None:
        raise Refused("giving.nobody", _("This needs a second person: a member of staff must ask for it."))
    note(session, debtor, wish, state=GiftState.ASKED if must_wait else GiftState.ALONE, by=by)
    return must_wait


def note(session: Session, debtor: Debtor, wish: Wish, *, state: GiftState, by: Actor) -> None:
    """Note something given without weighing it (what the provider did without us)."""
    gift = Gift(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        kind=wish.kind.value,
        subject_id=wish.subject_id,
        payment_id=wish.payment_id,
        state=state,
        minor=wish.minor,
        currency=debtor.currency,
        by_id=by.id,
        by_name=by.name,
        reason=wish.reason.strip(),
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


def agree(session: Session, *, kind: GiftKind, subject_id: uuid.UUID, by: Witness) -> Gift:
    """A second person agrees; the caller does what was asked for in the same transaction.

    Raises Refused for a role that does not lead, for whoever asked, and for whoever was added or raised by who asked or
    afterwards; Conflict when nothing waits (what was asked before this book was kept is asked for anew).
    """
    gift = _find(session, kind, subject_id)
    if gift is None or gift.state is not GiftState.ASKED:
        raise Conflict(
            "giving.not_waiting", _("This does not wait for a second person. Look again, or ask for it anew.")
        )
    if not by.leads:
        raise Refused("giving.leads", _("Only a manager or an administrator may agree to this."))
    must_be_independent(by, asked_by_id=gift.by_id, asked_at=gift.given_at)
    _set(gift, GiftState.SEEN, by.actor)
    session.flush()
    return gift


def decide(session: Session, *, kind: GiftKind, subject_id: uuid.UUID, state: GiftState, by: Actor) -> None:
    """What became of a wish to which nobody agreed; one that was never noted (older than this book) stays unknown."""
    if state not in (GiftState.DECLINED, GiftState.UNDONE):
        raise ValueError(state)
    gift = _find(session, kind, subject_id)
    if gift is not None:
        _set(gift, state, by)
        session.flush()


def above_limit(session: Session, company_id: uuid.UUID, wishes: Mapping[uuid.UUID, Wish]) -> frozenset[uuid.UUID]:
    """Of these wishes, by their debtors, those that one person may not give alone. As many statements whatever their number.

    The one rule of every room, and of files that cancel invoices.
    """
    limit = session.get_one(Company, company_id).four_eyes_minor
    before = _given(session, wishes)
    return frozenset(
        debtor_id
        for debtor_id, wish in wishes.items()
        if needs_second_person(wish.minor, before[debtor_id], limit_minor=limit)
    )


def _given(session: Session, wishes: Mapping[uuid.UUID, Wish]) -> dict[uuid.UUID, Given]:
    """What one person alone gave before: of the same payment, of the same invoices, to the same debtor of late."""
    invoices = {invoice_id for wish in wishes.values() for invoice_id in wish.invoices}
    parts = session.execute(
        select(GiftPart.invoice_id, func.sum(GiftPart.minor))
        .join(Gift, Gift.id == GiftPart.gift_id)
        .where(among(GiftPart.invoice_id, invoices), Gift.state.in_(COUNTING))
        .group_by(GiftPart.invoice_id)
    ).all()
    of_invoice = {invoice_id: int(total) for invoice_id, total in parts}
    payments = {wish.payment_id for wish in wishes.values() if wish.payment_id}
    of_payment = _sums(session, Gift.payment_id, payments)
    to_debtor = _sums(session, Gift.debtor_id, set(wishes), Gift.given_at > clock.now() - WINDOW)
    return {
        debtor_id: Given(
            of_payment=of_payment.get(wish.payment_id, 0) if wish.payment_id else 0,
            of_invoices=max((of_invoice.get(each, 0) for each in wish.invoices), default=0),
            to_debtor=to_debtor.get(debtor_id, 0),
        )
        for debtor_id, wish in wishes.items()
    }


def _find(session: Session, kind: GiftKind, subject_id: uuid.UUID) -> Gift | None:
    query = select(Gift).where(Gift.kind == kind.value, Gift.subject_id == subject_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _set(gift: Gift, state: GiftState, by: Actor) -> None:
    gift.state, gift.decided_at = state, clock.now()
    gift.decided_by_id, gift.decided_by_name = by.id, by.name


def _sums(
    session: Session, of: InstrumentedAttribute[Any], identities: Collection[uuid.UUID], *which: ColumnElement[bool]
) -> dict[uuid.UUID, int]:
    query = select(of, func.sum(Gift.minor)).where(among(of, identities), Gift.state.in_(COUNTING), *which).group_by(of)
    return {identity: int(minor) for identity, minor in session.execute(query)}
