"""Reading promises, as frozen values. What a debtor sees starts from the debtor (I11)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import Session

from shared.company import policy
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.promises.models import Promise, PromisePart, PromisePolicy, PromiseTransition
from shared.promises.rules import YEAR, Given, Limits, PromiseState


@dataclass(frozen=True, slots=True)
class PartLine:
    """One invoice of a promise."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    amount: Money
    kept: Money


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """One promise."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    debtor_name: str
    reference: str
    state: PromiseState
    promised_on: date
    until_on: date
    counted_from: date
    amount: Money
    kept: Money
    note: str
    by_kind: str
    by_name: str
    assigned_to: uuid.UUID | None
    assigned_name: str
    replaces_id: uuid.UUID | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def missing(self) -> Money:
        return self.amount - self.kept

    @property
    def is_live(self) -> bool:
        return self.state is PromiseState.EXPECTED

    def is_late(self, today: date) -> bool:
        """Expected, and its day is past: the grace runs, or the money is on its way."""
        return self.is_live and self.promised_on < today


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a promise."""

    step: int
    before: PromiseState | None
    after: PromiseState
    at: datetime
    actor_kind: str
    actor_name: str
    cause: str
    kept: Money


@dataclass(frozen=True, slots=True)
class Record:
    """How a payer keeps promises: the last twelve months."""

    kept: int = 0
    broken: int = 0
    live: int = 0

    @property
    def share_kept(self) -> float | None:
        """Of those that ended; None when none did."""
        ended = self.kept + self.broken
        return self.kept / ended if ended else None


@dataclass(frozen=True, slots=True)
class ExpectedDay:
    """What is promised for a day and has not come."""

    on: date
    minor: int
    count: int


def limits_of(session: Session, company_id: uuid.UUID) -> Limits:
    """What a company allows."""
    return policy.read(session, PromisePolicy, company_id, Limits)


def given_by(session: Session, debtor_id: uuid.UUID, *, today: date, but: uuid.UUID | None = None) -> Given:
    """The promises that count against the limits. One that was changed counts by its successor alone."""
    changed = select(Promise.replaces_id).where(Promise.debtor_id == debtor_id, Promise.replaces_id.is_not(None))
    is_live = Promise.state == PromiseState.EXPECTED
    in_year = Promise.counted_from > today - YEAR
    query = select(
        func.count().filter(is_live),
        func.count().filter(in_year, Promise.id.not_in(changed)),
        func.count().filter(in_year, Promise.state == PromiseState.BROKEN),
    ).where(Promise.debtor_id == debtor_id)
    row = session.execute(query if but is None else query.where(Promise.id != but)).one()
    return Given(live=row[0], in_year=row[1], broken_in_year=row[2])


def record_of(session: Session, debtor_id: uuid.UUID, *, today: date) -> Record:
    """Kept and broken by day of the promise, in the last twelve months; and how many are open."""
    row = session.execute(
        select(
            func.count().filter(Promise.state == PromiseState.KEPT, Promise.promised_on > today - YEAR),
            func.count().filter(Promise.state == PromiseState.BROKEN, Promise.promised_on > today - YEAR),
            func.count().filter(Promise.state == PromiseState.EXPECTED),
        ).where(Promise.debtor_id == debtor_id)
    ).one()
    return Record(kept=row[0], broken=row[1], live=row[2])


def expected(session: Session, company_id: uuid.UUID, since: date, until: date) -> list[ExpectedDay]:
    """What is still to come of live promises, by promised day, from `since` to `until` (both included).

    It is what the promises pause: neither what has come, nor what a payment in flight or a declared transfer covers.
    """
    rows = session.execute(
        select(Promise.promised_on, func.sum(Freeze.amount_minor), func.count(Promise.id.distinct()))
        .join(Freeze, Freeze.subject_id == Promise.id)
        .where(Promise.company_id == company_id, Promise.state == PromiseState.EXPECTED)
        .where(Promise.promised_on.between(since, until), Freeze.lifted_at.is_(None))
        .group_by(Promise.promised_on)
        .order_by(Promise.promised_on)
    )
    return [ExpectedDay(row[0], int(row[1]), row[2]) for row in rows]


def promises_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 100) -> list[PromiseLine]:
    """A debtor's promises, the latest first. One that was changed is told by its successor."""
    changed = select(Promise.replaces_id).where(Promise.debtor_id == debtor_id, Promise.replaces_id.is_not(None))
    rows = session.execute(
        select(Promise, Debtor.name)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .where(Promise.debtor_id == debtor_id, Promise.id.not_in(changed))
        .order_by(Promise.id.desc())
        .limit(limit)
    )
    return [line(row[0], row[1]) for row in rows]


def live_of(session: Session, debtor_id: uuid.UUID) -> list[PromiseLine]:
    """What a debtor has promised and not paid yet, by day."""
    rows = session.execute(
        select(Promise, Debtor.name)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .where(Promise.debtor_id == debtor_id, Promise.state == PromiseState.EXPECTED)
        .order_by(Promise.promised_on, Promise.id)
    )
    return [line(row[0], row[1]) for row in rows]


def get_promise(session: Session, debtor_id: uuid.UUID, promise_id: uuid.UUID) -> PromiseLine:
    """A debtor's promise; raises NotFound, also for another's."""
    row = session.execute(
        select(Promise, Debtor.name)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .where(Promise.id == promise_id, Promise.debtor_id == debtor_id)
    ).one_or_none()
    if row is None:
        raise NotFound("promise.missing", _("There is no such promise."))
    return line(row[0], row[1])


def find_attempt(session: Session, debtor_id: uuid.UUID, attempt: str) -> uuid.UUID | None:
    """The promise that a form made already, or None."""
    return session.scalar(select(Promise.id).where(Promise.attempt == attempt, Promise.debtor_id == debtor_id))


def line(promise: Promise, debtor_name: str) -> PromiseLine:
    """A row as a frozen value."""
    return PromiseLine(
        id=promise.id,
        debtor_id=promise.debtor_id,
        debtor_name=debtor_name,
        reference=promise.reference,
        state=promise.state,
        promised_on=promise.promised_on,
        until_on=promise.until_on,
        counted_from=promise.counted_from,
        amount=Money(promise.amount_minor, promise.currency),
        kept=Money(promise.kept_minor, promise.currency),
        note=promise.note,
        by_kind=promise.by_kind,
        by_name=promise.by_name,
        assigned_to=promise.assigned_to,
        assigned_name=promise.assigned_name,
        replaces_id=promise.replaces_id,
        created_at=promise.created_at,
        ended_at=promise.ended_at,
    )


def parts_of(session: Session, promise_id: uuid.UUID) -> list[PartLine]:
    """The invoices of a promise, the oldest due first."""
    rows = session.execute(
        select(PromisePart, Invoice.number, Invoice.due_on, Invoice.currency)
        .join(Invoice, Invoice.id == PromisePart.invoice_id)
        .where(PromisePart.promise_id == promise_id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        PartLine(part.invoice_id, number, due_on, Money(part.amount_minor, currency), Money(part.kept_minor, currency))
        for part, number, due_on, currency in rows
    ]


def steps_of(session: Session, promise_id: uuid.UUID) -> list[StepLine]:
    """Every step it took."""
    rows = session.execute(
        select(PromiseTransition, Promise.currency)
        .join(Promise, Promise.id == PromiseTransition.promise_id)
        .where(PromiseTransition.promise_id == promise_id)
        .order_by(PromiseTransition.step)
    )
    return [
        StepLine(
            row.step,
            row.before,
            row.after,
            row.at,
            row.actor_kind,
            row.actor_name,
            row.cause,
            Money(row.kept_minor, currency),
        )
        for row, currency in rows
    ]


@dataclass(frozen=True, slots=True)
class PromiseEvent:
    """One step of one of a debtor's promises, for a timeline."""

    promise_id: uuid.UUID
    reference: str
    at: datetime
    before: PromiseState | None
    after: PromiseState
    promised_on: date
    amount: Money
    kept: Money
    who: str
    cause: str


def events_of(
    session: Session,
    debtor_id: uuid.UUID,
    *,
    before: datetime | None = None,
    invoice_id: uuid.UUID | None = None,
    limit: int = 41,
) -> list[PromiseEvent]:
    """The latest steps of a debtor's promises, or of those that name one invoice."""
    naming = select(PromisePart.promise_id).where(PromisePart.invoice_id == invoice_id)
    rows = affairs.latest_steps(
        session,
        PromiseTransition,
        Promise,
        Promise.id == PromiseTransition.promise_id,
        debtor_id,
        Promise.id.in_(naming) if invoice_id else true(),
        before=before,
        limit=limit,
    )
    return [
        PromiseEvent(
            promise_id=promise.id,
            reference=promise.reference,
            at=step.at,
            before=step.before,
            after=step.after,
            promised_on=promise.promised_on,
            amount=Money(promise.amount_minor, promise.currency),
            kept=Money(step.kept_minor, promise.currency),
            who=step.actor_name,
            cause=step.cause,
        )
        for step, promise in rows
    ]


@dataclass(frozen=True, slots=True)
class Promisable:
    """An invoice of which something may be promised."""

    id: uuid.UUID
    number: str
    title: str
    due_on: date
    amount: Money


def promisable(session: Session, debtor_id: uuid.UUID, *, but: uuid.UUID | None = None) -> list[Promisable]:
    """A debtor's invoices of which something may be promised, the oldest due first; what one promise holds counts as free."""
    taken = (
        select(PromisePart.invoice_id)
        .join(Promise, Promise.id == PromisePart.promise_id)
        .where(Promise.debtor_id == debtor_id, Promise.state == PromiseState.EXPECTED)
    )
    own = taken.where(Promise.id == but) if but else None
    others = taken.where(Promise.id != but) if but else taken
    free = Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor
    wanted = Invoice.paused_minor < free if own is None else or_(Invoice.paused_minor < free, Invoice.id.in_(own))
    rows = session.execute(
        select(Invoice)
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .where(free > 0, wanted, Invoice.id.not_in(others))
        .order_by(Invoice.due_on, Invoice.id)
    )
    held = _paused_by(session, but) if but else {}
    return [
        Promisable(row.id, row.number, row.title, row.due_on, Money(minor, row.currency))
        for row in rows.scalars()
        if (minor := row.open_minor - row.held_minor - row.frozen_minor - row.paused_minor + held.get(row.id, 0)) > 0
    ]


def _paused_by(session: Session, promise_id: uuid.UUID) -> dict[uuid.UUID, int]:
    rows = session.execute(
        select(Freeze.invoice_id, Freeze.amount_minor).where(
            Freeze.subject_id == promise_id, Freeze.lifted_at.is_(None)
        )
    )
    return {row.invoice_id: row.amount_minor for row in rows}


@dataclass(frozen=True, slots=True)
class Pause:
    """What the debtor, or his bank, said of an invoice, so that nobody asks for it meanwhile."""

    kind: FreezeKind
    """PROMISE, DECLARATION or CHARGEBACK."""
    minor: int
    promised_on: date | None
    """Of a promise: its day."""


def pauses_of(session: Session, invoice_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Pause]:
    """Of these invoices those that are promised, said to be paid, or contested by a bank; one query for a page of a list."""
    if not invoice_ids:
        return {}
    rows = session.execute(
        select(Freeze.invoice_id, Freeze.kind, Freeze.amount_minor, Promise.promised_on)
        .outerjoin(Promise, Promise.id == Freeze.subject_id)
        .where(among(Freeze.invoice_id, invoice_ids), Freeze.lifted_at.is_(None))
        .where(Freeze.kind.in_((FreezeKind.PROMISE, FreezeKind.DECLARATION, FreezeKind.CHARGEBACK)))
        .order_by(Freeze.amount_minor)
    )
    return {row.invoice_id: Pause(row.kind, row.amount_minor, row.promised_on) for row in rows}


def to_look_at(session: Session, debtor_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """A debtor's promises whose story is not over."""
    return session.scalars(
        select(Promise.id)
        .where(Promise.debtor_id == debtor_id, Promise.state != PromiseState.CANCELLED)
        .order_by(Promise.id)
    ).all()
