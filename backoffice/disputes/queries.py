"""The queue of disputes, who may work on one, and what waits for a second person."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.disputes.models import CreditProposal, ProposalState
from backoffice.listing import Ask, Line, Orders, Query, one_page, ordered
from backoffice.matching import added_up, equal, found_by
from backoffice.replies import queries as replies
from backoffice.replies.queries import Reader
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import by_name
from shared.disputes.models import Dispute, DisputePart, DisputeReason
from shared.disputes.queries import is_live
from shared.disputes.rules import ENDED, Status, is_overdue
from shared.disputes.sheets import StaffSheet
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.invoices.queries import numbered
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.paging import Page

FILTERS = ("state", "reason", "assignee", "debtor")
STATES = ("mine", "late", "unassigned", "unanswered", "waiting", "credit", "ended", "all")
"""Of `state`; "" are those that are not decided."""
ORDERS = Orders(
    {"due": Dispute.due_on, "opened": Dispute.opened_at, "amount": Dispute.claimed_minor},
    identity=Dispute.id,
    default="due",
)


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """One dispute in the queue."""

    id: uuid.UUID
    reference: str
    debtor_id: uuid.UUID
    debtor_name: str
    account_code: str
    status: Status
    reason_fr: str
    reason_en: str
    claimed: Money
    credited: Money
    numbers: Sequence[str]
    """The first invoices."""
    opened_at: datetime
    opened_on: date
    due_on: date
    ended_at: datetime | None
    ended_on: date | None
    """The legal days of the company."""
    assignee_name: str
    is_unanswered: bool
    is_late: bool

    @property
    def reason(self) -> str:
        return self.reason_fr if current_language() == "fr" else self.reason_en


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole selection."""

    count: int
    claimed: Money


def browse(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, zone: str
) -> Page[DisputeLine]:
    """One page of the queue, what is due first at the top."""
    found = one_page(session, _rows(company_id, ask, me, today), ORDERS, ask)
    return Page([_line(row, today, zone) for row in found.rows], found.next_key, found.previous_key)


def everything(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, zone: str
) -> Iterator[DisputeLine]:
    """The whole selection in its order, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, me, today), ORDERS, ask.sort).execution_options(yield_per=1000)
    for row in session.execute(query):
        yield _line(row, today, zone)


def totals(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, currency: str
) -> Totals | None:
    """Count and sums of the whole selection; None for a large one, unless they are asked for."""
    found = added_up(
        session, ask, _filtered(select(Dispute.id), company_id, ask, me, today), Dispute.id, Dispute.claimed_minor
    )
    return Totals(found[0], Money(found[1], currency)) if found else None


def _rows(company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    numbers = (
        select(func.array_agg(aggregate_order_by(Invoice.number.distinct(), Invoice.number)))
        .join(DisputePart, DisputePart.invoice_id == Invoice.id)
        .where(DisputePart.dispute_id == Dispute.id)
        .correlate(Dispute)
        .scalar_subquery()
    )
    query = (
        select(
            Dispute,
            Debtor.name,
            Debtor.account_code,
            DisputeReason.label_fr,
            DisputeReason.label_en,
            numbers.label("numbers"),
        )
        .join(Debtor, Debtor.id == Dispute.debtor_id)
        .join(DisputeReason, DisputeReason.id == Dispute.reason_id)
    )
    return _filtered(query, company_id, ask, me, today)


def _filtered(query: Query, company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    query = query.where(Dispute.company_id == company_id, _state(ask.get("state"), me, today))
    if ask.get("reason"):
        chosen = select(DisputeReason.id).where(
            DisputeReason.company_id == company_id, DisputeReason.code == ask.get("reason")
        )
        query = query.where(Dispute.reason_id.in_(chosen))
    query = equal(query, ask, "assignee", Dispute.assignee_id)
    query = equal(query, ask, "debtor", Dispute.debtor_id)
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _state(state: str, me: uuid.UUID, today: date) -> ColumnElement[bool]:
    """The condition of a state of the queue; an unknown one is that of the live ones."""
    if state == "all":
        return Dispute.id.is_not(None)
    if state == "ended":
        return Dispute.status.in_(ENDED)
    more = {
        "mine": Dispute.assignee_id == me,
        "late": and_(Dispute.due_on < today, Dispute.status != Status.WAITING),
        "unassigned": Dispute.assignee_id.is_(None),
        "unanswered": Dispute.spoken_at.is_not(None),
        "waiting": Dispute.status == Status.WAITING,
        "credit": Dispute.id.in_(select(CreditProposal.dispute_id).where(CreditProposal.state == ProposalState.ASKED)),
    }.get(state)
    return is_live() if more is None else and_(is_live(), more)


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    invoices = (
        select(DisputePart.dispute_id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(Invoice.company_id == company_id, numbered(text))
    )
    named = Dispute.id.in_(invoices)
    return found_by(text, company_id, reference=Dispute.reference, debtor_id=Dispute.debtor_id, also=(named,))


def _line(row: Line, today: date, zone: str) -> DisputeLine:
    dispute, here = row.Dispute, ZoneInfo(zone)
    return DisputeLine(
        id=dispute.id,
        reference=dispute.reference,
        debtor_id=dispute.debtor_id,
        debtor_name=row.name,
        account_code=row.account_code,
        status=dispute.status,
        reason_fr=row.label_fr,
        reason_en=row.label_en,
        claimed=Money(dispute.claimed_minor, dispute.currency),
        credited=Money(dispute.credited_minor, dispute.currency),
        numbers=tuple(row.numbers or ()),
        opened_at=dispute.opened_at,
        opened_on=dispute.opened_at.astimezone(here).date(),
        due_on=dispute.due_on,
        ended_at=dispute.ended_at,
        ended_on=dispute.ended_at.astimezone(here).date() if dispute.ended_at else None,
        assignee_name=dispute.assignee_name,
        is_unanswered=dispute.spoken_at is not None,
        is_late=is_overdue(dispute.status, due_on=dispute.due_on, today=today),
    )


def get_dispute(session: Session, company_id: uuid.UUID, dispute_id: uuid.UUID) -> Dispute:
    """A dispute of this company; raises NotFound for anybody else's."""
    found = session.scalar(select(Dispute).where(Dispute.id == dispute_id, Dispute.company_id == company_id))
    if found is None:
        raise NotFound("dispute.missing", _("There is no such dispute."))
    return found


def people(session: Session, debtor_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Who acts for a debtor, to choose from."""
    found = session.execute(
        select(Contact.id, Contact.name, Contact.email)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .order_by(Contact.id)
    )
    rows = sorted(found, key=lambda row: by_name(row.name, row.email))
    return [(row.id, f"{row.name} <{row.email}>" if row.name and row.name != row.email else row.email) for row in rows]


def frozen_now(session: Session, dispute_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """What a dispute freezes of each invoice at this moment, in minor units."""
    rows = session.execute(
        select(Freeze.invoice_id, func.sum(Freeze.amount_minor))
        .where(Freeze.subject_id == dispute_id, Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        .group_by(Freeze.invoice_id)
    )
    return {invoice_id: int(minor) for invoice_id, minor in rows}


def reader(session: Session, member: Member, shown: StaffSheet) -> Reader:
    """Who reads what is written on a dispute, and what a saved reply may speak of."""
    sheet = shown.sheet
    return replies.reader(
        session,
        member,
        sheet.debtor_id,
        shown.contact_id,
        reference=sheet.reference,
        invoices=list(dict.fromkeys(part.number for part in sheet.parts)),
        amount=sheet.money(sheet.claimed_minor),
        deadline=sheet.due_on,
    )


def proposals(session: Session, dispute_id: uuid.UUID) -> list[CreditProposal]:
    """Credits that were asked for, the latest first."""
    return list(
        session.scalars(
            select(CreditProposal).where(CreditProposal.dispute_id == dispute_id).order_by(CreditProposal.id.desc())
        )
    )


def count_asked(session: Session, company_id: uuid.UUID) -> tuple[int, int]:
    """How many credits wait for a second person, and their sum in minor units."""
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(CreditProposal.total_minor), 0)).where(
            CreditProposal.company_id == company_id, CreditProposal.state == ProposalState.ASKED
        )
    ).one()
    return int(row[0]), int(row[1])
