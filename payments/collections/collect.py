"""Collecting: one announced collection becomes a debit. Ask, short transaction, provider, short transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections import service
from payments.collections.eligible import facts_of, find_mandate
from payments.collections.models import Collection, CollectionState, Outcome
from payments.collections.rules import Collect, Shift, Skip, decide_collection
from payments.collections.service import Wish
from payments.gateways.base import Declined
from payments.gateways.choose import debits
from payments.mandates import collect as debit
from payments.mandates.follow import follow_mandate
from payments.models import Mandate
from payments.status import USABLE_MANDATES
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.kit.actors import Actor
from shared.kit.calendars import add_target_days
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict
from shared.ledger.rules import Part

BY = Actor.system("collections")


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the provider said of the mandate a moment ago."""

    mandate_id: uuid.UUID
    possible_on: date


def collect_one(run_id: uuid.UUID, collection_id: uuid.UUID, *, today: date) -> Outcome | None:
    """Make the debit of one announced collection, or leave it and say why. None when another has dealt with it.

    1. Outside: ask the provider on which day the mandate can be charged at the earliest (it changes with time).
    2. Transaction: lock the debtor, look at everything again (paid? frozen? autopay still on? mandate alive?), hold the
       money and write the debit under the identity (invoice, attempt number).
    3. Outside, and again a transaction: create the debit under its own key (`payments.mandates.collect.create`).

    Raises Unavailable when the provider does not answer the first question; one that does not answer the third leaves
    the debit CREATED for the janitor.
    """
    ready = _ask(collection_id, today)
    payment_id, outcome = retrying(lambda: _write(run_id, collection_id, ready, today))
    if payment_id is not None:
        debit.create(payment_id, by=BY)
    return outcome


def due_collections(session: Session, company_id: uuid.UUID, *, until: date) -> list[uuid.UUID]:
    """Announced collections whose day is not later than `until`, the earliest first."""
    return list(
        session.scalars(
            select(Collection.id)
            .where(Collection.company_id == company_id, Collection.state == CollectionState.ANNOUNCED)
            .where(Collection.charge_on <= until)
            .order_by(Collection.charge_on, Collection.id)
        )
    )


def _ask(collection_id: uuid.UUID, today: date) -> _Ready | None:
    with reading() as session:
        collection = session.get_one(Collection, collection_id)
        mandate = find_mandate(session, collection.debtor_id, collection.mandate_id)
        if mandate is None or mandate.provider_reference is None:
            return None
        identity, reference = mandate.id, mandate.provider_reference
    try:
        seen = debits().look_mandate(reference)
    except Declined:
        return None
    if seen.status not in USABLE_MANDATES:
        follow_mandate(identity)
        return None
    return _Ready(identity, seen.next_charge_on or add_target_days(today, 3))


def _write(
    run_id: uuid.UUID, collection_id: uuid.UUID, ready: _Ready | None, today: date
) -> tuple[uuid.UUID | None, Outcome | None]:
    with transaction() as session:
        debtor_id = session.get_one(Collection, collection_id).debtor_id
        debtor = lock_debtor(session, debtor_id)
        collection = session.get_one(Collection, collection_id, with_for_update=True, populate_existing=True)
        if collection.state is not CollectionState.ANNOUNCED:
            return None, None
        company = session.get_one(Company, debtor.company_id)
        mandate = find_mandate(session, debtor.id, ready.mandate_id) if ready else None
        facts = facts_of(session, debtor, collection.invoice_id)
        decision = decide_collection(
            facts,
            announced_minor=collection.amount_minor,
            charge_on=collection.charge_on,
            possible_on=ready.possible_on if ready else collection.charge_on,
            today=today,
            notice_days=company.notice_days,
            has_mandate=mandate is not None,
            wants_autopay=debtor.autopay and company.collects,
        )
        if isinstance(decision, Collect) and mandate is not None:
            decision = _hold(session, mandate, collection, decision)
        elif isinstance(decision, Shift) and mandate is not None:
            service.skip(session, collection, reason="shifted")
            wish = Wish(collection.invoice_id, decision.minor, decision.charge_on)
            service.announce(session, debtor, mandate, [wish])
        if isinstance(decision, Skip):
            service.skip(session, collection, reason=decision.reason)
        outcome = {Collect: Outcome.COLLECT, Shift: Outcome.SHIFT, Skip: Outcome.SKIP}[type(decision)]
        service.decide(
            session,
            run_id=run_id,
            debtor_id=debtor.id,
            invoice_id=collection.invoice_id,
            outcome=outcome,
            reason=_reason(decision, collection),
            minor=facts.available_minor if isinstance(decision, Skip) else decision.minor,
            charge_on=None if isinstance(decision, Skip) else decision.charge_on,
            collection_id=collection.id,
        )
        return (collection.payment_id if outcome is Outcome.COLLECT else None), outcome


def _hold(session: Session, mandate: Mandate, collection: Collection, decision: Collect) -> Collect | Skip:
    debtor = session.get_one(Debtor, collection.debtor_id)
    company = session.get_one(Company, collection.company_id)
    try:
        payment = debit.write(
            session,
            debtor,
            mandate,
            company,
            parts=[Part(collection.invoice_id, decision.minor)],
            attempt=f"collection:{collection.invoice_id}:{collection.attempt_no}",
            contact_id=None,
            charge_on=decision.charge_on,
            by=BY,
        )
    except Conflict:
        return Skip("payment_under_way")
    collection.state = CollectionState.CREATED
    collection.payment_id = payment.id
    session.flush()
    return decision


def _reason(decision: Collect | Shift | Skip, collection: Collection) -> str:
    if isinstance(decision, Skip):
        return decision.reason
    if isinstance(decision, Shift):
        return "too_late_for_the_day_announced"
    return "on_the_day_announced" if decision.charge_on == collection.charge_on else "first_possible_day"
