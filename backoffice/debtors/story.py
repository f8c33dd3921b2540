"""One debtor's story: invoices, payments, messages, links, notes and acts merged into one line of time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.labels import act, actor, label, subject, word
from backoffice.listing import Query
from payments.declarations import queries as declarations
from payments.models import Means, Payment, PaymentTransition
from payments.plans import queries as plans
from payments.status import PaymentStatus
from shared.access.models import MagicLink
from shared.debtors.models import Contact, DebtorNote
from shared.disputes import queries as disputes
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import templating
from shared.kit.audit import AuditLine
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.messages.models import Message
from shared.promises import queries as promises

STRANDS = ("invoices", "payments", "messages", "said", "links", "notes", "acts")
LENGTH = 40
TOLD_ELSEWHERE = ("payment", "promise", "declaration", "plan", "dispute")
"""Acts whose steps have a strand of their own."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; of one strand."""

    at: datetime
    title: str
    icon: str
    tone: str = "neutral"
    text: str = ""
    href: str = ""
    who: str = ""
    amount: Money | None = None

    def drawn(self, zone: str) -> dict[str, Any]:
        """What the timeline component reads."""
        return {
            "title": self.title,
            "when": templating.moment(self.at, zone),
            "icon": self.icon,
            "tone": self.tone,
            "text": self.text,
            "href": self.href,
            "who": actor(self.who),
            "amount": self.amount,
        }


@dataclass(frozen=True, slots=True)
class Story:
    """The latest events, and the moment from which older ones follow."""

    events: list[Event]
    older_than: datetime | None


def story(session: Session, debtor_id: uuid.UUID, *, strand: str = "", before: datetime | None = None) -> Story:
    """The latest events of all strands, or of one. Each strand is one indexed look."""
    wanted = [strand] if strand in STRANDS else STRANDS
    events: list[Event] = []
    for name in wanted:
        events += _READERS[name](session, debtor_id, before)
    events.sort(key=lambda event: event.at, reverse=True)
    shown = events[:LENGTH]
    return Story(shown, shown[-1].at if len(events) > LENGTH else None)


def _latest(query: Query, at: Any, before: datetime | None) -> Query:
    if before is not None:
        query = query.where(at < before)
    return query.order_by(at.desc()).limit(LENGTH + 1)


def _invoices(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = select(
        Invoice.id, Invoice.number, Invoice.kind, Invoice.total_minor, Invoice.currency, Invoice.created_at
    ).where(Invoice.debtor_id == debtor_id)
    return [
        Event(
            at=row.created_at,
            title=_("Invoice taken in") if row.kind is InvoiceKind.INVOICE else _("Credit note taken in"),
            icon="invoice",
            text=row.number,
            amount=Money(row.total_minor, row.currency),
            href=url_for("backoffice.invoices.show", invoice_id=row.id),
        )
        for row in session.execute(_latest(query, Invoice.created_at, before))
    ]


def _payments(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = (
        select(
            Payment.id,
            Payment.reference,
            Payment.means,
            Payment.amount_minor,
            Payment.currency,
            Payment.failure_reason,
            PaymentTransition.after,
            PaymentTransition.at,
            PaymentTransition.actor_name,
            PaymentTransition.cause,
        )
        .join(PaymentTransition, PaymentTransition.payment_id == Payment.id)
        .where(Payment.debtor_id == debtor_id)
    )
    events = []
    for row in session.execute(_latest(query, PaymentTransition.at, before)):
        failed = row.after in (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)
        events.append(
            Event(
                at=row.at,
                title=_pair(_means(row.means), word(row.after).lower()),
                icon=label(row.after).icon or label(row.means).icon,
                tone=label(row.after).tone,
                text=" · ".join(
                    part for part in (row.reference, (row.failure_reason or row.cause) if failed else "") if part
                ),
                who=row.actor_name,
                amount=Money(row.amount_minor, row.currency),
                href=url_for("backoffice.payments.show", payment_id=row.id),
            )
        )
    return events


def _pair(what: str, state: str) -> str:
    """Two words such as "Transfer: confirmed", with the space that French wants before the colon."""
    return f"{what}{_(':')} {state}"


def _means(means: Means) -> str:
    return word(means)


def _messages(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = select(
        Message.id, Message.subject, Message.to_address, Message.status, Message.reason, Message.created_at
    ).where(Message.debtor_id == debtor_id)
    return [
        Event(
            at=row.created_at,
            title=row.subject,
            icon="mail",
            tone="late" if label(row.status).tone == "late" else "neutral",
            text=_("To %(address)s: %(state)s", address=row.to_address, state=word(row.status).lower()),
            href=url_for("backoffice.messages.show", message_id=row.id),
        )
        for row in session.execute(_latest(query, Message.created_at, before))
    ]


def _said(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    """Each step of promises and declared transfers."""
    events = [
        Event(
            at=each.at,
            title=_pair(subject("promise"), word(each.after).lower()),
            icon="calendar",
            tone=label(each.after).tone,
            text=" · ".join((each.reference, _("by %(day)s", day=templating.day(each.promised_on)))),
            href=url_for("backoffice.promises.show", promise_id=each.promise_id),
            who=each.who,
            amount=each.amount,
        )
        for each in promises.events_of(session, debtor_id, before=before, limit=LENGTH + 1)
    ]
    events += [
        Event(
            at=each.at,
            title=_pair(subject("declaration"), word(each.after).lower()),
            icon="transfer",
            tone=label(each.after).tone,
            text=" · ".join((each.reference, _("of %(day)s", day=templating.day(each.paid_on)))),
            href=url_for("backoffice.declarations.show", declaration_id=each.declaration_id),
            who=each.who,
            amount=each.amount,
        )
        for each in declarations.events_of(session, debtor_id, before=before, limit=LENGTH + 1)
    ]
    return [*events, *_plans(session, debtor_id, before), *_disputes(session, debtor_id, before)]


def _plans(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    """Each step of payment plans."""
    return [
        Event(
            at=each.at,
            title=_pair(subject("plan"), word(each.after).lower()),
            icon="plan",
            tone=label(each.after).tone,
            text=each.reference,
            href=url_for("backoffice.plans.show", plan_id=each.plan_id),
            who=each.actor_name,
            amount=each.money,
        )
        for each in plans.events_of(session, debtor_id)
        if before is None or each.at < before
    ]


def _links(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = (
        select(MagicLink.last_used_at, MagicLink.use_count, Contact.email)
        .join(Contact, Contact.id == MagicLink.contact_id)
        .where(MagicLink.debtor_id == debtor_id, MagicLink.last_used_at.is_not(None))
    )
    return [
        Event(
            at=row.last_used_at,
            title=_("Link used"),
            icon="link",
            text=ngettext(
                "By %(address)s, once", "By %(address)s, %(n)s times in all", row.use_count, address=row.email
            ),
        )
        for row in session.execute(_latest(query, MagicLink.last_used_at, before))
    ]


def _notes(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = select(DebtorNote.text, DebtorNote.author_name, DebtorNote.created_at).where(
        DebtorNote.debtor_id == debtor_id
    )
    return [
        Event(at=row.created_at, title=_("Note"), icon="note", text=row.text, who=row.author_name)
        for row in session.execute(_latest(query, DebtorNote.created_at, before))
    ]


def _acts(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    query = (
        select(AuditLine.at, AuditLine.action, AuditLine.actor_name, AuditLine.after)
        .where(AuditLine.debtor_id == debtor_id)
        .where(*(~AuditLine.action.startswith(f"{told}.", autoescape=True) for told in TOLD_ELSEWHERE))
        .where(AuditLine.action != "invoice.entered")
    )
    return [
        Event(at=row.at, title=act(row.action), icon="pen", who=row.actor_name, text=_told(row.after))
        for row in session.execute(_latest(query, AuditLine.at, before))
    ]


def _told(after: dict[str, Any] | None) -> str:
    words = ((after or {}).get(name) for name in ("reason", "name", "number", "until", "email", "contact"))
    return " · ".join(str(each) for each in words if each)


def _disputes(session: Session, debtor_id: uuid.UUID, before: datetime | None) -> list[Event]:
    """Each step of disputes."""
    return [
        Event(
            at=each.at,
            title=_pair(subject("dispute"), word(each.status).lower()),
            icon=label(each.status).icon or label(each.status).tone,
            tone=label(each.status).tone,
            text=each.reference,
            href=url_for("backoffice.disputes.show", dispute_id=each.dispute_id),
            who=each.actor_name,
            amount=Money(each.minor, each.currency),
        )
        for each in disputes.events_of(session, debtor_id)
        if before is None or each.at < before
    ]


_READERS = {
    "invoices": _invoices,
    "payments": _payments,
    "messages": _messages,
    "said": _said,
    "links": _links,
    "notes": _notes,
    "acts": _acts,
}
