"""The queue of disputes, who may work on one, and what waits for a second person."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from backoffice.access.permissions import may
from backoffice.access.queries import staff
from backoffice.disputes.models import CreditProposal, ProposalState
from backoffice.disputes.rules import DEFAULT_REPLIES, fill
from backoffice.listing import Ask, Line, Orders, Query, is_small, like, one_page, ordered
from backoffice.replies.models import Room, SavedReply
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import searchable
from shared.disputes.models import Dispute, DisputePart, DisputeReason
from shared.disputes.queries import is_live
from shared.disputes.rules import ENDED, Status, is_overdue
from shared.disputes.sheets import StaffSheet
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import templating
from shared.kit.errors import NotFound
from shared.kit.ids import normalise_reference
from shared.kit.money import Money, format_money
from shared.kit.words import current_language, speaking
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


@dataclass(frozen=True, slots=True)
class Reply:
    """A saved reply; `id` is None while the company has not changed the defaults."""

    id: uuid.UUID | None
    code: str
    title: str
    text_fr: str
    text_en: str
    asks: bool
    is_active: bool

    def text(self, language: str) -> str:
        return self.text_fr if language == "fr" else self.text_en


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may work on disputes."""

    id: uuid.UUID
    name: str


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
    """Count and sum of the whole selection; None for a large one, unless they are asked for."""
    if not ask.wants_totals and not is_small(session, _filtered(select(Dispute.id), company_id, ask, me, today)):
        return None
    query = select(func.count(), func.coalesce(func.sum(Dispute.claimed_minor), 0))
    count, claimed = session.execute(_filtered(query, company_id, ask, me, today)).one()
    return Totals(count, Money(int(claimed), currency))


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
    for name, column in (("assignee", Dispute.assignee_id), ("debtor", Dispute.debtor_id)):
        if ask.get(name):
            with suppress(ValueError):
                query = query.where(column == uuid.UUID(ask.get(name)))
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
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    invoices = (
        select(DisputePart.dispute_id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(Invoice.company_id == company_id, Invoice.number == text)
    )
    return or_(
        Dispute.reference.in_([text, normalise_reference(text) or text]),
        Dispute.id.in_(invoices),
        Dispute.debtor_id.in_(debtors),
    )


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


def get_debtor(session: Session, company_id: uuid.UUID, debtor_id: uuid.UUID) -> Debtor:
    """A debtor of this company; raises NotFound for anybody else's."""
    found = session.scalar(select(Debtor).where(Debtor.id == debtor_id, Debtor.company_id == company_id))
    if found is None:
        raise NotFound("debtor.missing", _("There is no such debtor."))
    return found


def people(session: Session, debtor_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Who acts for a debtor, to choose from."""
    rows = session.execute(
        select(Contact.id, Contact.name, Contact.email)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .order_by(Contact.name, Contact.email)
    )
    return [(row.id, f"{row.name} <{row.email}>" if row.name and row.name != row.email else row.email) for row in rows]


def frozen_now(session: Session, dispute_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """What a dispute freezes of each invoice at this moment, in minor units."""
    rows = session.execute(
        select(Freeze.invoice_id, func.sum(Freeze.amount_minor))
        .where(Freeze.subject_id == dispute_id, Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        .group_by(Freeze.invoice_id)
    )
    return {invoice_id: int(minor) for invoice_id, minor in rows}


def colleagues(session: Session) -> list[Colleague]:
    """Staff who may work on disputes."""
    return [
        Colleague(each.id, each.name)
        for each in staff(session)
        if each.disabled_at is None and may(each.role, "disputes.write")
    ]


def find_colleague(session: Session, staff_id: str) -> Colleague | None:
    """The colleague of that id; None for "" (nobody); raises NotFound for anybody else."""
    if not staff_id:
        return None
    for each in colleagues(session):
        if str(each.id) == staff_id:
            return each
    raise NotFound("staff.missing", _("There is no such colleague."))


def replies(session: Session, company_id: uuid.UUID, *, with_inactive: bool = False) -> list[Reply]:
    """The company's saved replies by position; the defaults while it has not changed any."""
    rows = session.scalars(
        select(SavedReply)
        .where(SavedReply.company_id == company_id, SavedReply.room == Room.DISPUTE)
        .order_by(SavedReply.position, SavedReply.code)
    ).all()
    if not rows:
        return [
            Reply(None, each.code, each.title(current_language()), each.text_fr, each.text_en, each.asks, True)
            for each in DEFAULT_REPLIES
        ]
    return [
        Reply(row.id, row.code, row.title, row.text_fr, row.text_en, row.asks, row.is_active)
        for row in rows
        if row.is_active or with_inactive
    ]


def get_reply(session: Session, company_id: uuid.UUID, code: str, *, with_inactive: bool = False) -> Reply:
    """A saved reply of this company; raises NotFound."""
    for each in replies(session, company_id, with_inactive=with_inactive):
        if each.code == code:
            return each
    raise NotFound("reply.missing", _("There is no such reply."))


def filled(session: Session, reply: Reply, shown: StaffSheet, *, company: str, me: str) -> str:
    """A saved reply in the debtor's language with everything filled in: what staff may still change before it leaves."""
    sheet = shown.sheet
    language = session.scalar(select(Contact.language).where(Contact.id == shown.contact_id)) or session.scalar(
        select(Debtor.language).where(Debtor.id == sheet.debtor_id)
    )
    language = language or "fr"
    with speaking(language):
        values = {
            "debtor": shown.debtor_name,
            "reference": sheet.reference,
            "invoices": ", ".join(dict.fromkeys(part.number for part in sheet.parts)),
            "amount": format_money(sheet.money(sheet.claimed_minor), language),
            "deadline": templating.day(sheet.due_on),
            "company": company,
            "me": me,
        }
    return fill(reply.text(language), values)


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
