"""A payout in the ledger: booked once, given back when the bank refuses it, paid again when the provider tries anew."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from payments.gateways.base import PayoutLine, PayoutSeen
from payments.models import Payment, Payout, Provider
from payments.payouts.rules import Owners, Share, shares, unexplained
from payments.service import CLEARING
from shared.company.models import Company
from shared.company.queries import today_of
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Transfer


def row_of(provider: Provider, reference: str) -> Select[Payout]:
    """The row of a payout by its name at the provider."""
    return select(Payout).where(Payout.provider == provider, Payout.provider_reference == reference)


def book(
    session: Session,
    provider: Provider,
    payout: PayoutSeen,
    lines: Sequence[PayoutLine],
    *,
    by: Actor,
    even_unexplained: bool = False,
) -> bool:
    """Write a payout and its movements, payout and fees for each company; False when it is booked already.

    Raises Conflict when its lines do not make its amount, unless somebody has said that it shall be booked
    nevertheless: the rest then comes from elsewhere. Raises Conflict when there is no company.
    """
    if session.scalar(row_of(provider, payout.reference)) is not None:
        return False
    if unexplained(lines, payout.amount_minor) and not even_unexplained:
        raise Conflict("payout.lines", f"the lines of payout {payout.reference} do not make its amount")
    found = shares(lines, payout.amount_minor, owners_of(session, provider, lines))
    if not found:
        raise Conflict("payout.nobody", "there is no company to which this payout could belong")
    row = Payout(
        id=new_id(),
        company_id=max(found, key=lambda company_id: (abs(found[company_id].gross_minor), company_id)),
        provider=provider,
        provider_reference=payout.reference,
        amount_minor=payout.amount_minor,
        fee_minor=sum(share.fee_minor for share in found.values()),
        currency=payout.currency,
        paid_on=payout.paid_on,
        created_at=clock.now(),
    )
    session.add(row)
    for leg, (company_id, share) in enumerate(sorted(found.items())):
        where = Place(provider, payout, company_id, leg)
        _move_share(session, where, share)
    _record(session, row, "payout.booked", by)
    return True


def _move_share(session: Session, where: Place, share: Share) -> None:
    move(session, where, Kind.FEE, Account.FEES, share.fee_minor)
    move(session, where, Kind.ADJUSTMENT, Account.ELSEWHERE, -share.elsewhere_minor)
    move(session, where, Kind.PAYOUT, Account.BANK, share.net_minor)


def owners_of(session: Session, provider: Provider, lines: Iterable[PayoutLine]) -> Owners:
    """To which companies the lines of a payout belong."""
    lines = list(lines)
    references = {line.payment_reference for line in lines if line.payment_reference}
    rows = session.execute(
        select(Payment.provider_reference, Payment.company_id).where(
            Payment.provider == provider, among(Payment.provider_reference, references)
        )
    )
    payments = {row[0]: row[1] for row in rows if row[0]}
    back = {line.payout_reference for line in lines if line.payout_reference}
    returned = {reference: _received(session, provider, reference) for reference in sorted(back)}
    home = session.scalar(select(Company.id).order_by(Company.id).limit(1))
    return Owners(payments, returned, home)


def _received(session: Session, provider: Provider, reference: str) -> dict[uuid.UUID, int]:
    """What each company had received of a payout before it came back, corrections included."""
    back = {
        row.company_id: -int(row.minor)
        for row in session.execute(_bank_legs(provider, reference).where(Transfer.kind == Kind.PAYOUT_RETURNED))
    }
    return back or at_bank(session, provider, reference)


def at_bank(session: Session, provider: Provider, reference: str) -> dict[uuid.UUID, int]:
    """What of a payout stands at the bank for each company, all rounds and corrections included."""
    return {row.company_id: int(row.minor) for row in session.execute(_bank_legs(provider, reference))}


def _bank_legs(provider: Provider, reference: str) -> Select[uuid.UUID, Any]:
    sign = case((Transfer.debit_account == Account.BANK, 1), else_=-1)
    return (
        select(Transfer.company_id, func.sum(sign * Transfer.amount_minor).label("minor"))
        .where(Transfer.provider == provider.value)
        .where(or_(Transfer.provider_reference == reference, Transfer.provider_reference.startswith(f"{reference}#")))
        .where(or_(Transfer.debit_account == Account.BANK, Transfer.credit_account == Account.BANK))
        .group_by(Transfer.company_id)
    )


def give_back(session: Session, provider: Provider, payout: PayoutSeen, *, by: Actor) -> bool:
    """The company's bank refused a payout: what each company had received is with the provider again."""
    row = session.scalars(row_of(provider, payout.reference).with_for_update()).one()
    if row.returned_at is not None:
        return False
    row.returned_at = clock.now()
    back = {company_id: -minor for company_id, minor in at_bank(session, provider, payout.reference).items()}
    _move_all(session, provider, payout, Kind.PAYOUT_RETURNED, back)
    _record(session, row, "payout.returned", by)
    return True


def pay_again(
    session: Session, provider: Provider, payout: PayoutSeen, lines: Sequence[PayoutLine], *, by: Actor
) -> bool:
    """The provider has sent a payout that came back once more, under the same name.

    Booked is what its lines say, not what was booked the first time: that may have been corrected since.
    """
    row = session.scalars(row_of(provider, payout.reference).with_for_update()).one()
    if row.returned_at is None:
        return False
    row.returned_at = None
    row.paid_on = payout.paid_on
    found = shares(lines, payout.amount_minor, owners_of(session, provider, lines))
    there = at_bank(session, provider, payout.reference)
    due = {
        one: (found[one].net_minor if one in found else 0) - there.get(one, 0) for one in found.keys() | there.keys()
    }
    _move_all(session, provider, payout, Kind.PAYOUT, due)
    _record(session, row, "payout.paid_again", by)
    return True


def _move_all(
    session: Session, provider: Provider, payout: PayoutSeen, kind: Kind, minors: Mapping[uuid.UUID, int]
) -> None:
    name = ledger.next_round(session, provider=provider.value, reference=payout.reference, kind=kind)
    for leg, (company_id, minor) in enumerate(sorted(minors.items())):
        move(session, Place(provider, payout, company_id, leg, name), kind, Account.BANK, minor)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a movement of a payout stands."""

    provider: Provider
    payout: PayoutSeen
    company_id: uuid.UUID
    leg: int
    name: str | None = None
    """The payout's name in the ledger when this is a later round."""


def move(session: Session, place: Place, kind: Kind, account: Account, minor: int) -> None:
    """So much from the provider's clearing account to another one, back when negative; nothing for zero."""
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
            provider_reference=place.name or place.payout.reference,
        ),
        leg=place.leg,
    )


def _record(session: Session, row: Payout, action: str, by: Actor) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="payout",
        subject_id=row.id,
        company_id=row.company_id,
        after={
            "reference": row.provider_reference,
            "minor": row.amount_minor,
            "fee": row.fee_minor,
            "currency": row.currency,
        },
    )
