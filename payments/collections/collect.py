"""Collecting: one announced collection becomes a debit. Ask, short transaction, provider, short transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.collections import notices, service, tell
from payments.collections.eligible import Candidate, facts_of, find_mandate, find_mandates, under
from payments.collections.instalments import Instalment, instalments
from payments.collections.models import Collection, CollectionDecision, CollectionState, Outcome
from payments.collections.service import Wish
from payments.collections.words import REASONS
from payments.deciding import Ask, Later, Never, Now, Stage, Verdict, decide
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

SET_ASIDE = ("provider_silent", "provider_odd")
"""Reasons of what could not be looked at and stays announced."""

UNANNOUNCED = frozenset({"notice_not_sent", "notice_lost"})
"""Reasons of which staff hear: the notice did not leave."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the provider said of the mandate a moment ago."""

    mandate_id: uuid.UUID
    possible_on: date


def collect_one(run_id: uuid.UUID, collection_id: uuid.UUID, *, today: date) -> Outcome | None:
    """Make the debit of one announced collection, or leave it and say why. None when another has dealt with it.

    1. Outside: ask the provider on which day the mandate can be charged at the earliest (it changes with time).
    2. Transaction: lock the debtor, ask `payments.deciding.decide` once more, hold the money and write the debit under the
       identity (invoice or instalment, attempt number).
    3. Outside, and again a transaction: create the debit under its own key (`payments.mandates.collect.create`).

    Raises Unavailable when the provider does not answer the first question; one that does not answer the third leaves
    the debit CREATED for the janitor.
    """
    ready = _ask(collection_id, today)
    payment_id, outcome = retrying(lambda: _write(run_id, collection_id, ready, today))
    if payment_id is not None:
        debit.create(payment_id, by=BY)
    return outcome


def set_aside(run_id: uuid.UUID, collection_id: uuid.UUID, *, reason: str) -> None:
    """Keep why an announced debit could not be looked at; it stays announced, and the next run asks again."""

    def act() -> None:
        with transaction() as session:
            debtor = lock_debtor(session, session.get_one(Collection, collection_id).debtor_id)
            collection = session.get_one(Collection, collection_id, populate_existing=True)
            if collection.state is not CollectionState.ANNOUNCED:
                return
            service.decide(
                session,
                run_id=run_id,
                debtor_id=debtor.id,
                subject=wish_again(
                    collection, collection.amount_minor, collection.charge_on, due_on=collection.charge_on
                ),
                outcome=Outcome.SKIP,
                reason=reason,
                minor=collection.amount_minor,
                collection_id=collection.id,
            )

    retrying(act)


def due_collections(session: Session, company_id: uuid.UUID, *, until: date) -> list[uuid.UUID]:
    """Announced collections whose day is not later than `until`, the earliest first; what was set aside comes last.

    Else a few that the provider never answers about would be the first of every run, which rests after them.
    """
    aside = select(func.max(CollectionDecision.at)).where(
        CollectionDecision.collection_id == Collection.id, CollectionDecision.reason.in_(SET_ASIDE)
    )
    return list(
        session.scalars(
            select(Collection.id)
            .where(Collection.company_id == company_id, Collection.state == CollectionState.ANNOUNCED)
            .where(Collection.charge_on <= until)
            .order_by(aside.scalar_subquery().nulls_first(), Collection.charge_on, Collection.id)
        )
    )


def _ask(collection_id: uuid.UUID, today: date) -> _Ready | None:
    """The first mandate of the debtor's that the provider takes, the one of the notice before any other; None for none."""
    with reading() as session:
        collection = session.get_one(Collection, collection_id)
        found = find_mandates(session, collection.debtor_id, collection.mandate_id)
        known = [(each.id, each.provider_reference) for each in found if each.provider_reference is not None]
    for identity, reference in known:
        try:
            seen = debits().look_mandate(reference)
        except Declined:
            continue
        if seen.status in USABLE_MANDATES:
            return _Ready(identity, seen.next_charge_on or add_target_days(today, 3))
        follow_mandate(identity)
    return None


def _write(
    run_id: uuid.UUID, collection_id: uuid.UUID, ready: _Ready | None, today: date
) -> tuple[uuid.UUID | None, Outcome | None]:
    with transaction() as session:
        debtor_id = session.get_one(Collection, collection_id).debtor_id
        debtor = lock_debtor(session, debtor_id)
        collection = session.get_one(Collection, collection_id, with_for_update=True, populate_existing=True)
        if collection.state is not CollectionState.ANNOUNCED:
            return None, None
        mandate = find_mandate(session, debtor.id, ready.mandate_id) if ready else None
        subject = subject_of(session, debtor, collection)
        possible_on = ready.possible_on if ready else None
        ask = ask_about(session, debtor, collection, Stage.MAKE, mandate, today=today, possible_on=possible_on)
        verdict = decide(subject.facts, ask)
        if isinstance(verdict, Now):
            verdict = _hold(session, mandate, collection, verdict)
        elif isinstance(verdict, Later):
            verdict = _announce_anew(session, debtor, mandate, collection, verdict, due_on=subject.due_on)
        if isinstance(verdict, Never):
            service.skip(session, collection, reason=verdict.reason)
            tell.tell_withdrawn(session, [collection])
        if verdict.reason in UNANNOUNCED:
            tell.tell_unannounced(session, collection)
        outcome = {Now: Outcome.COLLECT, Later: Outcome.SHIFT, Never: Outcome.SKIP}[type(verdict)]
        service.decide(
            session,
            run_id=run_id,
            debtor_id=debtor.id,
            subject=subject,
            outcome=outcome,
            reason=verdict.reason,
            minor=subject.facts.available_minor if isinstance(verdict, Never) else verdict.minor,
            charge_on=None if isinstance(verdict, Never) else verdict.charge_on,
            collection_id=collection.id,
        )
        return (collection.payment_id if outcome is Outcome.COLLECT else None), outcome


def ask_about(
    session: Session,
    debtor: Debtor,
    collection: Collection,
    stage: Stage,
    mandate: Mandate | None,
    *,
    today: date,
    possible_on: date | None = None,
) -> Ask:
    """The question about an announced debit at a stage after its notice; the debtor is locked by the caller."""
    company = session.get_one(Company, debtor.company_id)
    is_invoice = collection.instalment_id is None
    wants = debtor.autopay if is_invoice else plan_runs(session, collection.instalment_id)
    return Ask(
        stage,
        today,
        company.notice_days,
        under=under(session, debtor.id, mandate, collection.mandate_id),
        wants=company.debits_by_itself and wants,
        unwanted=_unwanted(company, is_invoice=is_invoice),
        announced_minor=collection.amount_minor,
        charge_on=collection.charge_on,
        possible_on=possible_on,
        told=notices.told(session, collection) if stage is Stage.MAKE else None,
    )


def _unwanted(company: Company, *, is_invoice: bool) -> str:
    if not company.debits_by_itself:
        return "company_stopped"
    return "autopay_off" if is_invoice else "plan_not_running"


def _hold(session: Session, mandate: Mandate | None, collection: Collection, verdict: Now) -> Now | Never:
    if mandate is None:
        return Never("no_mandate")
    debtor = session.get_one(Debtor, collection.debtor_id)
    company = session.get_one(Company, collection.company_id)
    try:
        parts, attempt = _parts(session, collection, verdict.minor)
        with session.begin_nested():  # what is refused leaves no intent behind, which the janitor would send
            payment = debit.write(
                session,
                debtor,
                mandate,
                company,
                parts=parts,
                attempt=attempt,
                contact_id=None,
                charge_on=verdict.charge_on,
                allowed=[verdict],
                by=BY,
            )
    except Conflict as conflict:
        reason = conflict.facts.get("reason")
        if reason not in REASONS:
            raise
        return Never(str(reason))
    collection.state = CollectionState.CREATED
    collection.payment_id = payment.id
    session.flush()
    return verdict


def _announce_anew(
    session: Session,
    debtor: Debtor,
    mandate: Mandate | None,
    collection: Collection,
    verdict: Later,
    *,
    due_on: date | None,
) -> Verdict:
    """Another day, and a notice of its own; a person who cannot be told is not debited."""
    service.skip(session, collection, reason=verdict.reason)
    if mandate is None or verdict.charge_on is None:
        return Never("no_mandate")
    wish = wish_again(collection, verdict.minor, verdict.charge_on, due_on=due_on)
    try:
        service.announce(session, debtor, mandate, [wish])
    except LookupError:
        return Never("nobody_to_tell")
    return verdict


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


def subject_of(
    session: Session, debtor: Debtor, collection: Collection, *, own: uuid.UUID | None = None
) -> Candidate | Instalment:
    """What a collection collects, read anew under the debtor's lock; `own` is its debit when that is written.

    Raises LookupError for an instalment in a process that knows no plans.
    """
    if collection.invoice_id is not None:
        facts = facts_of(session, debtor, collection.invoice_id, own=own)
        return Candidate(collection.invoice_id, "", facts)
    source = instalments()
    if source is None or collection.instalment_id is None:
        raise LookupError("no plans are loaded")
    return source.look(session, collection.instalment_id, charge_on=collection.charge_on, own=own)


def plan_runs(session: Session, instalment_id: uuid.UUID | None) -> bool:
    """Whether the plan of an instalment runs and is collected by mandate."""
    source = instalments()
    return source is not None and instalment_id is not None and source.runs(session, instalment_id)


def _parts(session: Session, collection: Collection, minor: int) -> tuple[list[Part], str]:
    if collection.invoice_id is not None:
        attempt = f"collection:{collection.invoice_id}:{collection.attempt_no}"
        return [Part(collection.invoice_id, minor)], attempt
    source = instalments()
    if source is None or collection.instalment_id is None:
        raise LookupError("no plans are loaded")
    parts = source.parts(session, collection.instalment_id, minor)
    return parts, source.attempt(session, collection.instalment_id, collection.attempt_no)
