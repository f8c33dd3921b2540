"""The queue of promises, and expected cash."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.listing import Ask, Orders, Query, one_page, ordered
from backoffice.matching import added_up, equal, found_by, of_person
from backoffice.replies import queries as replies
from backoffice.replies.queries import Reader
from payments.collections.models import Collection, CollectionState
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from payments.models import Payment
from payments.status import IN_FLIGHT
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.invoices.queries import numbered
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.promises import queries as promises
from shared.promises.models import Promise, PromisePart
from shared.promises.queries import PromiseLine
from shared.promises.rules import YEAR, PromiseState
from shared.web.paging import Page

FILTERS = ("state", "who", "debtor", "on")
ORDERS = Orders(
    {"due": Promise.promised_on, "given": Promise.created_at, "amount": Promise.amount_minor},
    identity=Promise.id,
    default="due",
)
LONGEST = 92
"""Days of the expected-cash view."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a selection, if it is small enough to be added up at once."""

    count: int
    amount: Money
    kept: Money


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date) -> Page[PromiseLine]:
    """One page of promises, the next day first."""
    found = one_page(session, _rows(company_id, ask, me, today), ORDERS, ask)
    rows = [promises.line(row.Promise, row.name) for row in found.rows]
    return Page(rows, found.next_key, found.previous_key)


def everything(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date
) -> Iterator[PromiseLine]:
    """The whole selection, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, me, today), ORDERS, ask.sort).execution_options(yield_per=2000)
    for row in session.execute(query):
        yield promises.line(row.Promise, row.name)


def totals(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, currency: str
) -> Totals | None:
    """Count and sums of the whole selection; None for a large one, unless they are asked for."""
    found = added_up(
        session, ask, _rows(company_id, ask, me, today), Promise.id, Promise.amount_minor, Promise.kept_minor
    )
    return Totals(found[0], Money(found[1], currency), Money(found[2], currency)) if found else None


def _rows(company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    query = (
        select(Promise, Debtor.name)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .where(Promise.company_id == company_id)
    )
    query = query.where(*_states(ask.get("state"), today))
    query = of_person(query, ask.get("who"), Promise.assigned_to, me)
    query = equal(query, ask, "debtor", Promise.debtor_id)
    query = equal(query, ask, "on", Promise.promised_on)
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _states(state: str, today: date) -> list[ColumnElement[bool]]:
    """Without a filter: what is expected; a promise that was changed is told by its successor."""
    if state == "all":
        return []
    if state in ("kept", "broken", "cancelled"):
        wanted = [Promise.state == PromiseState(state)]
        if state == "cancelled":
            changed = select(Promise.replaces_id).where(Promise.replaces_id.is_not(None))
            wanted.append(Promise.id.not_in(changed))
        return wanted
    expected = [Promise.state == PromiseState.EXPECTED]
    return [*expected, Promise.promised_on < today] if state == "late" else expected


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    by_invoice = (
        select(PromisePart.promise_id)
        .join(Invoice, Invoice.id == PromisePart.invoice_id)
        .where(Invoice.company_id == company_id, numbered(text))
    )
    named = Promise.id.in_(by_invoice)
    return found_by(text, company_id, reference=Promise.reference, debtor_id=Promise.debtor_id, also=(named,))


def get_promise(session: Session, company_id: uuid.UUID, promise_id: uuid.UUID) -> PromiseLine:
    """A promise of this company; raises NotFound for anybody else's."""
    row = session.execute(
        select(Promise, Debtor.name)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .where(Promise.id == promise_id, Promise.company_id == company_id)
    ).one_or_none()
    if row is None:
        raise NotFound("promise.missing", _("There is no such promise."))
    return promises.line(row[0], row[1])


def reader(session: Session, member: Member, line: PromiseLine) -> Reader:
    """Who reads what is written about a promise, and what a saved reply may speak of."""
    return replies.reader(
        session,
        member,
        line.debtor_id,
        session.scalar(select(Promise.contact_id).where(Promise.id == line.id)),
        reference=line.reference,
        invoices=[part.number for part in promises.parts_of(session, line.id)],
        amount=line.amount,
        day=line.promised_on,
    )


@dataclass(frozen=True, slots=True)
class Record:
    """How promises of a company were kept in the last twelve months."""

    kept: int
    broken: int

    @property
    def share(self) -> float | None:
        ended = self.kept + self.broken
        return self.kept / ended if ended else None


def record(session: Session, company_id: uuid.UUID, *, today: date) -> Record:
    """Kept and broken, by day of the promise."""
    row = session.execute(
        select(
            func.count().filter(Promise.state == PromiseState.KEPT),
            func.count().filter(Promise.state == PromiseState.BROKEN),
        ).where(Promise.company_id == company_id, Promise.promised_on > today - YEAR)
    ).one()
    return Record(row[0], row[1])


@dataclass(frozen=True, slots=True)
class CashDay:
    """What is expected on a day, by why."""

    on: date
    promised: Money
    announced: Money
    """Debits announced, not made yet, as far as nothing freezes or pauses their invoices by now."""
    under_way: Money
    """Payments on their way that should be ours on that day."""

    @property
    def total(self) -> Money:
        return self.promised + self.announced + self.under_way


@dataclass(frozen=True, slots=True)
class Cash:
    """What may be expected to come, by day; what is said to be paid already has no day."""

    days: list[CashDay]
    overdue: Money
    """Promised for a day that is past, in grace."""
    declared: Money

    def sum_of(self, name: str, currency: str) -> Money:
        return sum((getattr(day, name) for day in self.days), Money.zero(currency))


def expected_cash(session: Session, company_id: uuid.UUID, *, today: date, days: int, currency: str) -> Cash:
    """By day from today on; each source is one indexed look."""
    last = today + timedelta(days=days)
    by_day: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
    for day in promises.expected(session, company_id, today, last):
        by_day[day.on][0] += day.minor
    owed = Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor - Invoice.paused_minor
    due = func.least(Collection.amount_minor, func.greatest(0, func.coalesce(owed, Collection.amount_minor)))
    announced = session.execute(
        select(Collection.charge_on, func.sum(due))
        .outerjoin(Invoice, Invoice.id == Collection.invoice_id)
        .where(Collection.company_id == company_id, Collection.state == CollectionState.ANNOUNCED)
        .where(Collection.charge_on.between(today, last))
        .group_by(Collection.charge_on)
    )
    for on, minor in announced:
        by_day[on][1] += int(minor)
    arrives = func.coalesce(Payment.expected_on, Payment.charge_on, today)
    coming = (
        select(func.greatest(arrives, today).label("arrives_on"), Payment.amount_minor)
        .where(Payment.company_id == company_id, Payment.status.in_(IN_FLIGHT), arrives <= last)
        .subquery()
    )
    under_way = session.execute(
        select(coming.c.arrives_on, func.sum(coming.c.amount_minor)).group_by(coming.c.arrives_on)
    )
    for on, minor in under_way:
        by_day[on][2] += int(minor)
    late = promises.expected(session, company_id, today - YEAR, today - timedelta(days=1))
    declared = session.scalar(
        select(func.coalesce(func.sum(Declaration.amount_minor), 0)).where(
            Declaration.company_id == company_id, Declaration.state == DeclarationState.DECLARED
        )
    )
    return Cash(
        days=[CashDay(on, *(Money(minor, currency) for minor in by_day[on])) for on in sorted(by_day)],
        overdue=Money(sum(day.minor for day in late), currency),
        declared=Money(int(declared or 0), currency),
    )
