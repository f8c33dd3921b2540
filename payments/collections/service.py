"""The verbs of collections, in the caller's transaction; the debtor is locked by the caller."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments.collections.models import Collection, CollectionDecision, CollectionState, Outcome
from payments.models import Mandate
from shared.access.models import LinkPurpose
from shared.debtors.models import Debtor
from shared.debtors.service import pause_reminders
from shared.invoices.models import Invoice
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages


@dataclass(frozen=True, slots=True)
class Row:
    """An invoice in a notice."""

    number: str
    due_on: date
    open: Money


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be announced for one invoice."""

    invoice_id: uuid.UUID
    minor: int
    charge_on: date


def announce(session: Session, debtor: Debtor, mandate: Mandate, wishes: Sequence[Wish]) -> list[Collection]:
    """Write collections and the notice that the debtor gets before them: one message for each day of charging.

    Notice and collection are one commit: there is none without the other. Raises LookupError when nobody can be told.
    """
    if not messages.recipients(session, debtor.id, None):
        raise LookupError("nobody to tell")
    made = [_add(session, debtor, mandate, wish, announced_at=clock.now()) for wish in wishes]
    session.flush()
    by_day: dict[date, list[Collection]] = defaultdict(list)
    for collection in made:
        by_day[collection.charge_on].append(collection)
    for charge_on, collections in sorted(by_day.items()):
        _notify(session, debtor, mandate, charge_on, collections)
    return made


def carry_on(session: Session, debtor: Debtor, mandate: Mandate, wish: Wish, *, announced_at: datetime) -> Collection:
    """A further attempt under the notice that was given: for a debit that the provider could not make on its day."""
    collection = _add(session, debtor, mandate, wish, announced_at=announced_at)
    session.flush()
    return collection


def skip(session: Session, collection: Collection, *, reason: str) -> None:
    """An announced collection will not take place."""
    if collection.state is CollectionState.ANNOUNCED:
        collection.state, collection.reason, collection.closed_at = CollectionState.SKIPPED, reason, clock.now()
        session.flush()


def withdraw(
    session: Session, debtor_id: uuid.UUID, *, reason: str, invoice_ids: Sequence[uuid.UUID] | None = None
) -> int:
    """Let announced collections of a debtor (of some invoices) not take place; gives how many."""
    query = select(Collection).where(Collection.debtor_id == debtor_id, Collection.state == CollectionState.ANNOUNCED)
    if invoice_ids is not None:
        query = query.where(Collection.invoice_id.in_(invoice_ids))
    found = session.scalars(query.with_for_update()).all()
    for collection in found:
        skip(session, collection, reason=reason)
    return len(found)


def decide(
    session: Session,
    *,
    run_id: uuid.UUID,
    debtor_id: uuid.UUID,
    invoice_id: uuid.UUID,
    outcome: Outcome,
    reason: str,
    minor: int,
    charge_on: date | None = None,
    collection_id: uuid.UUID | None = None,
    remark: str = "",
) -> None:
    """Keep what was decided for one invoice on a day, and why. A later look on the same day replaces it."""
    values = {
        "debtor_id": debtor_id,
        "outcome": outcome,
        "reason": reason,
        "remark": remark,
        "amount_minor": minor,
        "charge_on": charge_on,
        "collection_id": collection_id,
        "at": clock.now(),
    }
    session.execute(
        insert(CollectionDecision)
        .values(id=new_id(), run_id=run_id, invoice_id=invoice_id, **values)
        .on_conflict_do_update(index_elements=["run_id", "invoice_id"], set_=values)
    )


def stop_everything(session: Session, debtor: Debtor, *, by: Actor) -> None:
    """The account holder has died (MD07): no automation touches this account until a person decides otherwise."""
    before = {"autopay": debtor.autopay}
    debtor.autopay = False
    withdraw(session, debtor.id, reason="deceased")
    reason = _("The bank says that the account holder has died (MD07).")
    pause_reminders(session, debtor=debtor, until=date.max, reason=reason, by=by)
    audit.record(
        session,
        by,
        "debtor.automation_stopped",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        before=before,
        after={"autopay": False, "reason": "MD07"},
    )


def _add(session: Session, debtor: Debtor, mandate: Mandate, wish: Wish, *, announced_at: datetime) -> Collection:
    attempts = session.scalar(
        select(func.coalesce(func.max(Collection.attempt_no), 0)).where(Collection.invoice_id == wish.invoice_id)
    )
    collection = Collection(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        invoice_id=wish.invoice_id,
        attempt_no=int(attempts or 0) + 1,
        mandate_id=mandate.id,
        amount_minor=wish.minor,
        currency=debtor.currency,
        announced_at=announced_at,
        charge_on=wish.charge_on,
        state=CollectionState.ANNOUNCED,
    )
    session.add(collection)
    return collection


def _notify(
    session: Session, debtor: Debtor, mandate: Mandate, charge_on: date, collections: Sequence[Collection]
) -> None:
    rows = []
    for collection in collections:
        invoice = session.get_one(Invoice, collection.invoice_id)
        rows.append(Row(invoice.number, invoice.due_on, Money(collection.amount_minor, collection.currency)))
    facts = {
        "total": Money(sum(collection.amount_minor for collection in collections), debtor.currency),
        "charge_on": charge_on,
        "rows": rows,
        "mandate_reference": mandate.scheme_reference or mandate.reference,
        "iban_ending": mandate.iban_ending,
    }
    messages.write(
        session,
        kind="prenotification",
        debtor_id=debtor.id,
        facts=facts,
        link=LinkPurpose.NOTICE,
        reason=lambda: _("You get this because your invoices are paid by direct debit."),
        dedupe_key=f"collection:{collections[0].id}",
        subject_id=collections[0].id,
    )
