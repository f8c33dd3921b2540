"""The verbs of promises: give, change, cancel, look at the ledger, yield to a declared transfer, set what is allowed.

Lock order: debtor, invoices by id, promise. State changes only through `_advance`, which walks `rules.EDGES`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from shared.company import policy
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.invoices import amounts
from shared.invoices import service as invoices
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit import bulk, clock, ids, steps
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.templating import day
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.ledger.rules import Part, total
from shared.promises import facts, rules, tell
from shared.promises.models import Promise, PromisePart, PromisePolicy, PromiseTransition
from shared.promises.queries import given_by, limits_of
from shared.promises.rules import EDGES, Limits, Objection, PromiseState

SYSTEM = Actor.system("promises")


@dataclass(frozen=True, slots=True)
class PromiseDraft:
    """What somebody promises. `attempt` makes it one: the same attempt finds the first promise."""

    attempt: str
    parts: Sequence[Part]
    promised_on: date
    contact_id: uuid.UUID | None = None
    note: str = ""


def give(session: Session, *, debtor_id: uuid.UUID, draft: PromiseDraft, by: Actor) -> Promise:
    """Take a promise: from this commit on its amounts are neither reminded nor collected until its day and grace.

    Publishes `promise.made`. Raises Invalid for an empty promise, Refused("promise.<objection>") beyond the company's
    limits, Conflict when an invoice is promised already or so much of it is not left.
    """
    debtor = lock_account(session, debtor_id)
    known = session.scalar(select(Promise).where(Promise.attempt == draft.attempt))
    if known is not None:
        if known.debtor_id != debtor_id:
            raise Conflict("promise.attempt_taken", _("This form belongs to another promise."))
        return known
    today = today_of(session, debtor.company_id)
    return _give(session, debtor, draft, counted_from=today, replaces=None, by=by)


def change(session: Session, *, promise_id: uuid.UUID, draft: PromiseDraft, by: Actor) -> Promise:
    """Promise otherwise: the former promise ends, and the new one takes its place in the same commit.

    The limit of days ahead counts from the first promise's day, so that changing never puts off for ever; a change is
    not one promise more. Publishes `promise.changed` alone. Raises like `give`, and Conflict("promise.ended").
    """
    before = lock_promise(session, promise_id)
    known = session.scalar(select(Promise).where(Promise.attempt == draft.attempt))
    if known is not None and known.replaces_id == promise_id:
        return known
    if before.state is not PromiseState.EXPECTED:
        raise Conflict("promise.ended", _("This promise has ended and can no longer be changed."))
    debtor = session.get_one(Debtor, before.debtor_id)
    invoices.lift_all(session, subject_id=before.id, by=by)
    _advance(session, before, PromiseState.CANCELLED, by=by, cause="changed", is_told=False)
    return _give(session, debtor, draft, counted_from=before.counted_from, replaces=before, by=by)


def _give(
    session: Session,
    debtor: Debtor,
    draft: PromiseDraft,
    *,
    counted_from: date,
    replaces: Promise | None,
    by: Actor,
) -> Promise:
    today = today_of(session, debtor.company_id)
    limits = limits_of(session, debtor.company_id)
    parts = [part for part in draft.parts if part.minor > 0]
    if not parts:
        raise Invalid("promise.empty", _("There is nothing to promise."))
    objection = rules.object_to(
        limits,
        given_by(session, debtor.id, today=today),
        promised_on=draft.promised_on,
        counted_from=counted_from,
        today=today,
        is_change=replaces is not None,
        by_staff=by.kind == "staff",
    )
    if objection is not None:
        words = explain(objection, limits, counted_from)
        raise Refused(f"promise.{objection.value}", words)
    _refuse_taken(session, debtor.id, parts)
    promise = _write(session, debtor, draft, parts, limits, counted_from=counted_from, replaces=replaces, by=by)
    topic = "promise.changed" if replaces else "promise.made"
    _publish(session, promise, topic, by, dedupe_key=str(promise.id))
    tell.made(session, promise)
    return promise


def _write(
    session: Session,
    debtor: Debtor,
    draft: PromiseDraft,
    parts: Sequence[Part],
    limits: Limits,
    *,
    counted_from: date,
    replaces: Promise | None,
    by: Actor,
) -> Promise:
    identity = ids.new_id()
    promise = Promise(
        id=identity,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        contact_id=draft.contact_id,
        reference=ids.reference("PRO", identity),
        attempt=draft.attempt,
        state=PromiseState.EXPECTED,
        promised_on=draft.promised_on,
        until_on=rules.until(limits, draft.promised_on),
        counted_from=counted_from,
        amount_minor=total(parts),
        currency=debtor.currency,
        note=draft.note.strip(),
        replaces_id=replaces.id if replaces else None,
        by_kind=by.kind,
        by_name=by.name,
        assigned_to=replaces.assigned_to if replaces else (by.id if by.kind == "staff" else None),
        assigned_name=replaces.assigned_name if replaces else (by.name if by.kind == "staff" else ""),
        created_at=clock.now(),
        looked_on=today_of(session, debtor.company_id),
    )
    session.add(promise)
    session.flush()
    settled = facts.by_invoice(facts.settled(session, debtor.id, [part.invoice_id for part in parts]))
    bulk.insert_rows(
        session,
        PromisePart,
        [
            {
                "invoice_id": part.invoice_id,
                "amount_minor": part.minor,
                "before": facts.before(settled[part.invoice_id]),
            }
            for part in sorted(parts, key=lambda part: part.invoice_id)
        ],
        promise_id=identity,
        kept_minor=0,
    )
    _pause(session, promise, {part.invoice_id: part.minor for part in parts}, by=by)
    _write_step(session, promise, None, by=by, cause="changed" if replaces else "")
    session.flush()
    return promise


def _pause(session: Session, promise: Promise, minors: Mapping[uuid.UUID, int], *, by: Actor) -> None:
    invoices.freeze_all(
        session,
        debtor_id=promise.debtor_id,
        parts=sorted(minors.items()),
        kind=FreezeKind.PROMISE,
        reason=promise.reference,
        subject_id=promise.id,
        by=by,
    )


def _refuse_taken(session: Session, debtor_id: uuid.UUID, parts: Sequence[Part]) -> None:
    """One live promise an invoice; and every invoice the debtor's own."""
    wanted = [part.invoice_id for part in parts]
    if len(set(wanted)) != len(wanted):
        raise Invalid("promise.twice", _("An invoice stands twice in this promise."))
    mine = session.scalar(
        select(func.count()).where(
            among(Invoice.id, wanted), Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE
        )
    )
    if mine != len(wanted):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    taken = session.scalar(
        select(Invoice.number)
        .join(PromisePart, PromisePart.invoice_id == Invoice.id)
        .join(Promise, Promise.id == PromisePart.promise_id)
        .where(among(Invoice.id, wanted), Promise.state == PromiseState.EXPECTED)
        .limit(1)
    )
    if taken is not None:
        raise Conflict("promise.taken", _("Invoice %(number)s is promised already. Change that promise.", number=taken))


def explain(objection: Objection, limits: Limits, counted_from: date) -> str:
    """Why a promise is not taken, in a sentence for whoever gave it."""
    words = {
        Objection.NOT_OFFERED: lambda: _("Dates of payment cannot be announced here. Please write to us."),
        Objection.PAST: lambda: _("This day is past. Choose today or a later day."),
        Objection.TOO_FAR: lambda: _(
            "This day is too far away: the last possible day is %(day)s.",
            day=day(rules.last_day(limits, counted_from)),
        ),
        Objection.TOO_MANY_LIVE: lambda: ngettext(
            "A promise is open already, and more is not possible. Change it, or keep it first.",
            "%(n)s promises are open already, and more is not possible. Change one, or keep one first.",
            limits.live_most,
        ),
        Objection.TOO_MANY_IN_YEAR: lambda: ngettext(
            "At most %(n)s promise in twelve months is possible. Please write to us.",
            "At most %(n)s promises in twelve months are possible. Please write to us.",
            limits.year_most,
        ),
        Objection.TOO_MANY_BROKEN: lambda: _(
            "Earlier promises were not kept, so no more can be taken here. Please write to us."
        ),
    }
    return words[objection]()


def cancel(session: Session, *, promise_id: uuid.UUID, reason: str, by: Actor) -> None:
    """End a promise that is still expected: the amounts are asked for again. Twice is harmless.

    Publishes `promise.cancelled`; the debtor is told when it was not he. Raises Conflict("promise.ended").
    """
    promise = lock_promise(session, promise_id)
    if promise.state is PromiseState.CANCELLED:
        return
    if promise.state is not PromiseState.EXPECTED:
        raise Conflict("promise.ended", _("This promise has ended and can no longer be changed."))
    invoices.lift_all(session, subject_id=promise.id, by=by)
    _advance(session, promise, PromiseState.CANCELLED, by=by, cause=reason.strip())
    if by.kind == "staff":
        tell.cancelled(session, promise, reason.strip())


def look(session: Session, promise_id: uuid.UUID) -> PromiseState:
    """Find from the ledger where a promise stands, and let its pause follow. Gives the state that it has now."""
    promise = lock_promise(session, promise_id)
    if promise.state is PromiseState.CANCELLED:
        return promise.state
    zone = session.get_one(Company, promise.company_id).zone
    today = clock.today(zone)
    parts = facts.parts_of(session, promise.id)
    rows = amounts.lock(session, [part.invoice_id for part in parts])
    known = facts.part_facts(session, promise.debtor_id, parts, until_on=promise.until_on, zone=zone)
    kept = [(part, known[part.invoice_id].kept) for part in parts]
    changed = [{"id": part.id, "kept_minor": minor} for part, minor in kept if minor != part.kept_minor]
    bulk.change_rows(session, PromisePart, changed)
    finding = rules.find(list(known.values()), until_on=promise.until_on, today=today)
    promise.kept_minor = finding.kept
    promise.looked_on = today
    after = rules.step(promise.state, finding, until_on=promise.until_on, today=today)
    if after is not None:
        _advance(session, promise, after, by=SYSTEM, cause=finding.cause)
    if promise.state is PromiseState.EXPECTED:
        _follow(session, promise, rows, {one: rules.pause_wanted(part) for one, part in known.items()})
    else:
        invoices.lift_all(session, subject_id=promise.id, by=SYSTEM)
    if after is PromiseState.BROKEN:
        tell.broken(session, promise)
    session.flush()
    return promise.state


def _follow(
    session: Session, promise: Promise, rows: Mapping[uuid.UUID, Row[Any]], wanted: Mapping[uuid.UUID, int]
) -> None:
    """Let the pause of each invoice cover what is still to come, as far as nothing else covers it."""
    live = select(Freeze.invoice_id, Freeze.amount_minor).where(
        Freeze.subject_id == promise.id, Freeze.lifted_at.is_(None)
    )
    own: dict[uuid.UUID, int] = {row.invoice_id: row.amount_minor for row in session.execute(live)}
    minors = {}
    for one, minor in wanted.items():
        others = rows[one].paused_minor - own.get(one, 0)
        free = rows[one].open_minor - rows[one].held_minor - rows[one].frozen_minor - others
        minors[one] = max(0, min(minor, free))
    invoices.cover(
        session,
        debtor_id=promise.debtor_id,
        kind=FreezeKind.PROMISE,
        subject_id=promise.id,
        minors=minors,
        reason=promise.reference,
        by=SYSTEM,
    )


def give_way(session: Session, *, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID], by: Actor) -> None:
    """Let go of invoices that the debtor now says to have paid: the declaration pauses them instead.

    The promises stay; should nothing be found, the next look pauses again what time is left for.
    """
    of_promises = and_(Freeze.kind == FreezeKind.PROMISE, among(Freeze.invoice_id, invoice_ids))
    invoices.lift_these(session, debtor_id=debtor_id, which=of_promises, by=by)


def assign(session: Session, *, promise_id: uuid.UUID, staff_id: uuid.UUID | None, name: str, by: Actor) -> None:
    """Say which member of staff follows a promise; None is nobody."""
    promise = lock_promise(session, promise_id)
    if promise.assigned_to == staff_id:
        return
    before = {"assigned": promise.assigned_name}
    promise.assigned_to, promise.assigned_name = staff_id, name if staff_id else ""
    after = {"assigned": promise.assigned_name}
    affairs.record(session, promise, action="promise.assigned", by=by, before=before, after=after)


def set_limits(session: Session, *, company_id: uuid.UUID, limits: Limits, by: Actor) -> bool:
    """What a company allows from now on; promises that were given keep their days. True when something changed."""
    return policy.write(session, PromisePolicy, company_id, limits, action="promise.limits_changed", by=by)


def lock_promise(session: Session, promise_id: uuid.UUID) -> Promise:
    """The promise, locked and read anew, after its debtor. Raises NotFound."""
    return affairs.lock(session, Promise, promise_id, NotFound("promise.missing", _("There is no such promise.")))


def _advance(
    session: Session, promise: Promise, to: PromiseState, *, by: Actor, cause: str = "", is_told: bool = True
) -> None:
    before = promise.state
    topic = EDGES.get((before, to))
    if topic is None:
        raise Conflict("promise.no_such_step", f"promise {promise.reference}: {before.value} to {to.value}")
    promise.state = to
    promise.ended_at = None if to is PromiseState.EXPECTED else clock.now()
    step = _write_step(session, promise, before, by=by, cause=cause)
    if is_told:
        _publish(session, promise, topic, by, dedupe_key=f"{promise.id}:{step}")
    session.flush()


def _write_step(session: Session, promise: Promise, before: PromiseState | None, *, by: Actor, cause: str) -> int:
    row = PromiseTransition(promise_id=promise.id, before=before, after=promise.state, kept_minor=promise.kept_minor)
    step = steps.take(session, row, PromiseTransition.promise_id == promise.id, by=by, cause=cause)
    affairs.record(
        session,
        promise,
        action="promise.given" if before is None else f"promise.{promise.state.value}",
        by=by,
        before={"state": before.value} if before else None,
        after={
            "reference": promise.reference,
            "minor": promise.amount_minor,
            "kept_minor": promise.kept_minor,
            "promised_on": promise.promised_on.isoformat(),
            "reason": cause if by.kind != "system" else "",
        },
    )
    return step


def _publish(session: Session, promise: Promise, topic: str, by: Actor, *, dedupe_key: str) -> None:
    affairs.publish(session, promise, topic, by=by, staff=promise.assigned_to, dedupe_key=dedupe_key)
