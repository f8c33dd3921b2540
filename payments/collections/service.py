"""The verbs of collections, in the caller's transaction; the debtor is locked by the caller."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments.collections import notices, tell
from payments.collections.models import Collection, CollectionDecision, CollectionState, Outcome
from payments.models import Mandate
from shared.access.models import LinkPurpose
from shared.debtors.models import Debtor
from shared.debtors.service import pause_reminders
from shared.invoices.models import Invoice
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages


class Subject(Protocol):
    """What is collected: an invoice, or an instalment by its label and due day."""

    @property
    def invoice_id(self) -> uuid.UUID | None: ...
    @property
    def instalment_id(self) -> uuid.UUID | None: ...
    @property
    def label(self) -> str: ...
    @property
    def due_on(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be announced for one invoice, or for one instalment of a plan (with its label and due day)."""

    invoice_id: uuid.UUID | None
    minor: int
    charge_on: date
    instalment_id: uuid.UUID | None = None
    label: str = ""
    due_on: date | None = None


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
    due_days = {wish.instalment_id: wish.due_on for wish in wishes if wish.due_on}
    for charge_on, collections in sorted(by_day.items()):
        for collection in collections:
            collection.notice_key = f"collection:{collections[0].id}"
        _notify(session, debtor, mandate, collections, charge_on=charge_on, due_days=due_days)
    return made


def carry_on(
    session: Session, debtor: Debtor, mandate: Mandate, wish: Wish, *, announced_at: datetime, notice_key: str
) -> Collection:
    """A debit under a notice that was given already: `notice_key` is what the keys of its messages begin with.

    A further attempt when the provider could not make it on its day, or one of the days of a plan's schedule, which the
    debtor got whole when he accepted it.
    """
    collection = _add(session, debtor, mandate, wish, announced_at=announced_at)
    collection.notice_key = notice_key
    session.flush()
    return collection


def skip(session: Session, collection: Collection, *, reason: str, rest_minor: int = 0) -> None:
    """An announced collection will not take place; its notice is called back if it has not left.

    `rest_minor`: so much of it is debited on that day all the same, under the same notice, which therefore still leaves.
    """
    if collection.state is CollectionState.ANNOUNCED:
        collection.state, collection.reason, collection.closed_at = CollectionState.SKIPPED, reason, clock.now()
        session.flush()
        if not rest_minor:
            notices.call_back(session, collection)


def same(collection: Collection) -> ColumnElement[bool]:
    """All collections of the same invoice or instalment."""
    if collection.instalment_id is not None:
        return Collection.instalment_id == collection.instalment_id
    return Collection.invoice_id == collection.invoice_id


def is_last(session: Session, collection: Collection) -> bool:
    """Whether no later attempt at the same invoice or instalment was written."""
    later = select(Collection.id).where(same(collection), Collection.attempt_no > collection.attempt_no)
    return session.scalar(later.limit(1)) is None


def withdraw(
    session: Session,
    debtor_id: uuid.UUID,
    *,
    reason: str,
    invoice_ids: Sequence[uuid.UUID] | None = None,
    with_instalments: bool = False,
) -> int:
    """Let announced collections of a debtor's invoices (of some invoices) not take place; gives how many.

    Instalments have an agreement of their own: switching automatic payment off leaves them, the end of the last mandate
    does not (`with_instalments`). Whoever had the notice is told in the same commit, unless another message says it
    (`tell.UNTOLD`).
    """
    query = select(Collection).where(Collection.debtor_id == debtor_id, Collection.state == CollectionState.ANNOUNCED)
    if not with_instalments:
        query = query.where(Collection.invoice_id.is_not(None))
    if invoice_ids is not None:
        query = query.where(among(Collection.invoice_id, invoice_ids))
    return _skip_all(session, query, reason)


def withdraw_instalments(session: Session, instalment_ids: Sequence[uuid.UUID], *, reason: str) -> int:
    """Let announced collections of instalments not take place; gives how many."""
    query = select(Collection).where(
        among(Collection.instalment_id, instalment_ids), Collection.state == CollectionState.ANNOUNCED
    )
    return _skip_all(session, query, reason)


def _skip_all(session: Session, query: Select[Collection], reason: str) -> int:
    found = session.scalars(query.order_by(Collection.id).with_for_update()).all()
    for collection in found:
        skip(session, collection, reason=reason)
    tell.tell_withdrawn(session, found)
    return len(found)


def decide(
    session: Session,
    *,
    run_id: uuid.UUID,
    debtor_id: uuid.UUID,
    subject: Subject,
    outcome: Outcome,
    reason: str,
    minor: int,
    charge_on: date | None = None,
    collection_id: uuid.UUID | None = None,
    remark: str = "",
) -> None:
    """Keep what was decided for one invoice or instalment on a day, and why. A later look on the same day replaces it."""
    identity = {"invoice_id": subject.invoice_id} if subject.invoice_id else {"instalment_id": subject.instalment_id}
    values = {
        "label": subject.label,
        "due_on": subject.due_on,
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
        .values(id=new_id(), run_id=run_id, **identity, **values)
        .on_conflict_do_update(index_elements=["run_id", *identity], set_=values)
    )


def stop_everything(session: Session, debtor: Debtor, *, by: Actor) -> None:
    """The account holder has died (MD07): no automation touches this account until a person decides otherwise."""
    before = {"autopay": debtor.autopay}
    debtor.autopay = False
    withdraw(session, debtor.id, reason="deceased", with_instalments=True)
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
    same = (
        Collection.instalment_id == wish.instalment_id
        if wish.instalment_id
        else Collection.invoice_id == wish.invoice_id
    )
    attempts = session.scalar(select(func.coalesce(func.max(Collection.attempt_no), 0)).where(same))
    collection = Collection(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        invoice_id=wish.invoice_id,
        instalment_id=wish.instalment_id,
        label=wish.label,
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
    session: Session,
    debtor: Debtor,
    mandate: Mandate,
    collections: Sequence[Collection],
    *,
    charge_on: date,
    due_days: dict[uuid.UUID | None, date],
) -> None:
    rows = []
    for collection in collections:
        invoice = session.get(Invoice, collection.invoice_id) if collection.invoice_id else None
        number = invoice.number if invoice else collection.label
        due_on = invoice.due_on if invoice else due_days.get(collection.instalment_id)
        rows.append(tell.Row(number, due_on or charge_on, Money(collection.amount_minor, collection.currency)))
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
        dedupe_key=collections[0].notice_key,
        subject_id=collections[0].id,
    )
