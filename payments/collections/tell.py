"""Telling both sides that an announced debit does not take place, or could not be stopped any more: each once."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections.models import Collection
from payments.collections.notices import may_be_read
from payments.collections.words import NEXT_FOR_DEBTOR, WHY_FOR_DEBTOR
from payments.frozen import LEFT, LEFT_OTHERWISE
from payments.models import Mandate, Payment
from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.kit import outbox
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages

log = logging.getLogger(__name__)

LEFT_MARKS = (LEFT, LEFT_OTHERWISE)
"""What the collection of a debit says that the bank had when it was to be stopped."""

GIVEN_UP = "never_reached_a_bank"
"""The reason of a debit that came to nothing before a bank was asked, so often that nothing tries it again by itself."""

_PLANS_TELL = ("paused", "in_default", "cancelled", "completed", "rescheduled")
UNTOLD = frozenset({"left_out", "deceased", "shifted", *(f"plan_{how}" for how in _PLANS_TELL)})
"""Reasons of which another message tells, or nobody should be told."""


@dataclass(frozen=True, slots=True)
class Row:
    """An invoice or an instalment in a notice."""

    number: str
    due_on: date
    open: Money


TOLD = frozenset({FreezeKind.PROMISE, FreezeKind.DECLARATION})
"""What this room tells of; disputes and plans tell of their debits themselves."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """An announced debit that does not take place, or only for a rest (minor units)."""

    collection: Collection
    invoice: Invoice
    rest_minor: int
    is_declared: bool
    """The debtor says that he has paid; else he promised to."""


def tell_stopped(session: Session, debtor: Debtor, stopped: Sequence[Stopped]) -> None:
    """Take the notice back: one message for each day of charging and cause, to all who had the notice, in this commit."""
    groups: dict[tuple[date, bool], list[Stopped]] = defaultdict(list)
    for one in stopped:
        groups[one.collection.charge_on, one.is_declared].append(one)
    notice_days = session.get_one(Company, debtor.company_id).notice_days if groups else 0
    for (charge_on, is_declared), each in sorted(groups.items()):
        rows = [_row(one) for one in each]
        messages.write(
            session,
            kind="debit_withdrawn",
            debtor_id=debtor.id,
            facts={
                "total": Money(sum(row.open.minor for row in rows), debtor.currency),
                "rest": Money(sum(one.rest_minor for one in each), debtor.currency),
                "charge_on": charge_on,
                "rows": rows,
                "is_declared": is_declared,
                "notice_days": notice_days,
            },
            link=LinkPurpose.NOTICE,
            reason=lambda: _("You get this because your invoices are paid by direct debit."),
            dedupe_key=f"debit-withdrawn:{each[0].collection.id}",
            subject_id=each[0].collection.id,
        )


def _row(one: Stopped) -> Row:
    withdrawn = min(one.collection.amount_minor, one.invoice.open_minor) - one.rest_minor
    return Row(one.invoice.number, one.invoice.due_on, Money(withdrawn, one.collection.currency))


def tell_withdrawn(
    session: Session, collections: Sequence[Collection], *, rests: Mapping[uuid.UUID, int] | None = None
) -> None:
    """Tell that announced debits do not take place: one message for each debtor, day of charging and reason.

    `rests`: collection → what of it is debited on that day all the same, in minor units.
    Nothing is told of what no notice tells: that was called back. Staff hear of it by the topic `debit.withdrawn`.
    """
    groups: dict[tuple[uuid.UUID, date, str], list[Collection]] = defaultdict(list)
    for one in collections:
        is_instalment = one.instalment_id is not None
        is_told_by_plan = is_instalment and one.reason == "paid"
        is_silent = one.reason in UNTOLD or is_told_by_plan or holder_has_died(session, one.mandate_id)
        if not is_silent and may_be_read(session, one):
            day = date.min if is_instalment else one.charge_on  # a plan's days stand in one message
            groups[one.debtor_id, day, one.reason].append(one)
    for (debtor_id, _day, reason), each in sorted(groups.items()):
        charge_on = min(one.charge_on for one in each)
        _say(
            session,
            "debit_stopped",
            each,
            f"debit-stopped:{each[0].id}",
            charge_on=charge_on,
            reason=reason,
            rests=rests,
        )
        log.info("debtor %s: %d announced debits do not take place (%s)", debtor_id, len(each), reason)


def holder_has_died(session: Session, mandate_id: uuid.UUID) -> bool:
    """Whether a bank said so of a mandate's holder: then nothing is written to his addresses about it, nor about its debits."""
    said = select(Payment.id).where(Payment.mandate_id == mandate_id, Payment.failure_code == "MD07")
    is_ended = session.scalar(select(Mandate.end_reason).where(Mandate.id == mandate_id)) == "MD07"
    return is_ended or session.scalar(said.limit(1)) is not None


def tell_left(session: Session, collection: Collection, *, charge_on: date, reason: str) -> None:
    """Tell that a debit which was to be stopped had left for the bank: it will be debited."""
    key = f"debit-left:{collection.id}"
    _say(session, "debit_left", [collection], key, charge_on=charge_on, reason=reason)


def tell_unannounced(session: Session, collection: Collection) -> None:
    """Tell staff that a debit was not made because its notice did not leave: an address, or the mail server, is for them."""
    _publish(session, "debit.unannounced", collection, f"debit-unannounced:{collection.id}")


def _publish(session: Session, topic: str, collection: Collection, key: str) -> None:
    payload = {"company": str(collection.company_id), "debtor": str(collection.debtor_id), "id": str(collection.id)}
    outbox.publish(session, topic, payload | {"by": "system", "staff": None}, dedupe_key=key)


def _say(
    session: Session,
    kind: str,
    each: Sequence[Collection],
    key: str,
    *,
    charge_on: date,
    reason: str,
    rests: Mapping[uuid.UUID, int] | None = None,
) -> None:
    kept = {one.id: (rests or {}).get(one.id, 0) for one in each}
    rows = [_named(session, one, less=kept[one.id]) for one in each]
    company = session.get_one(Company, each[0].company_id)
    messages.write(
        session,
        kind=kind,
        debtor_id=each[0].debtor_id,
        facts={
            "total": Money(sum(row.open.minor for row in rows), each[0].currency),
            "rest": Money(sum(kept.values()), each[0].currency),
            "charge_on": charge_on,
            "rows": rows,
            "why_stopped": WHY_FOR_DEBTOR.get(reason, ""),
            "what_next": NEXT_FOR_DEBTOR.get(reason, ""),
            "notice_days": company.notice_days,
        },
        link=LinkPurpose.NOTICE,
        reason=lambda: _("You get this because your invoices are paid by direct debit."),
        dedupe_key=key,
        subject_id=each[0].id,
    )
    topic = "debit.given_up" if reason == GIVEN_UP else "debit.withdrawn"
    _publish(session, topic if kind == "debit_stopped" else "debit.left", each[0], key)


def _named(session: Session, one: Collection, *, less: int) -> Row:
    money = Money(one.amount_minor - less, one.currency)
    if one.invoice_id is None:
        return Row(one.label, one.charge_on, money)
    invoice = session.get_one(Invoice, one.invoice_id)
    return Row(invoice.number, invoice.due_on, money)
