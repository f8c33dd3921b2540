"""Collecting: one announced collection becomes a debit. Ask, short transaction, provider, short transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections import service
from payments.collections.eligible import Candidate, facts_of, find_mandate
from payments.collections.instalments import Instalment, instalments
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
       money and write the debit under the identity (invoice or instalment, attempt number).
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
        subject = subject_of(session, debtor, collection)
        facts = subject.facts
        decision = decide_collection(
            facts,
            announced_minor=collection.amount_minor,
            charge_on=collection.charge_on,
            possible_on=ready.possible_on if ready else collection.charge_on,
            today=today,
            notice_days=company.notice_days,
            has_mandate=mandate is not None,
            wants_autopay=company.collects and (debtor.autopay or collection.instalment_id is not None),
        )
        if collection.instalment_id is not None and not plan_runs(session, collection.instalment_id):
            decision = Skip("plan_not_running")
        if isinstance(decision, Collect) and mandate is not None:
            decision = _hold(session, mandate, collection, decision)
        elif isinstance(decision, Shift) and mandate is not None:
            service.skip(session, collection, reason="shifted")
            wish = wish_again(collection, decision.minor, decision.charge_on, due_on=subject.due_on)
            service.announce(session, debtor, mandate, [wish])
        if isinstance(decision, Skip):
            service.skip(session, collection, reason=decision.reason)
        outcome = {Collect: Outcome.COLLECT, Shift: Outcome.SHIFT, Skip: Outcome.SKIP}[type(decision)]
        service.decide(
            session,
            run_id=run_id,
            debtor_id=debtor.id,
            subject=subject,
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
        parts, attempt = _parts(session, collection, decision.minor)
        payment = debit.write(
            session,
            debtor,
            mandate,
            company,
            parts=parts,
            attempt=attempt,
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


def wish_again(collection: Collection, minor: int, charge_on: date, *, due_on: date | None) -> Wish:
    """The same invoice or instalment once more."""
    return Wish(
        collection.invoice_id,
        minor,
        charge_on,
        instalment_id=collection.instalment_id,
        label=collection.label,
        due_on=due_on,
    )


def subject_of(session: Session, debtor: Debtor, collection: Collection) -> Candidate | Instalment:
    """What a collection collects, read anew under the debtor's lock.

    Raises LookupError for an instalment in a process that knows no plans.
    """
    if collection.invoice_id is not None:
        return Candidate(collection.invoice_id, "", facts_of(session, debtor, collection.invoice_id))
    source = instalments()
    if source is None or collection.instalment_id is None:
        raise LookupError("no plans are loaded")
    return source.look(session, collection.instalment_id, charge_on=collection.charge_on)


def plan_runs(session: Session, instalment_id: uuid.UUID) -> bool:
    """Whether the plan of an instalment runs and is collected by mandate."""
    source = instalments()
    return source is not None and source.runs(session, instalment_id)


def _parts(session: Session, collection: Collection, minor: int) -> tuple[list[Part], str]:
    if collection.invoice_id is not None:
        attempt = f"collection:{collection.invoice_id}:{collection.attempt_no}"
        return [Part(collection.invoice_id, minor)], attempt
    source = instalments()
    if source is None or collection.instalment_id is None:
        raise LookupError("no plans are loaded")
    parts = source.parts(session, collection.instalment_id, minor)
    return parts, source.attempt(session, collection.instalment_id, collection.attempt_no)


def _reason(decision: Collect | Shift | Skip, collection: Collection) -> str:
    if isinstance(decision, Skip):
        return decision.reason
    if isinstance(decision, Shift):
        return "too_late_for_the_day_announced"
    return "on_the_day_announced" if decision.charge_on == collection.charge_on else "first_possible_day"
