"""What the debtor is told by mail, in the same commit as the change, with a link that leads back to the dispute."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose
from shared.company.queries import today_of
from shared.debtors.models import Contact
from shared.disputes.models import Dispute, DisputeEntry, DisputePart, DisputeReason, DisputeTransition
from shared.disputes.rules import Status
from shared.invoices.models import Invoice
from shared.kit import steps
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.rules import is_too_much
from shared.messages import service as messages


def received(session: Session, dispute: Dispute, *, is_again: bool = False) -> None:
    """It is here, what is frozen for it, and by when he has an answer. Also when staff opened it for him."""
    facts = {
        "is_again": is_again,
        "opened_by_staff": not is_again and dispute.opened_by_kind != "contact",
        "due_on": dispute.due_on,
        "is_under_way": _is_under_way(session, dispute.id),
    }
    _write(session, dispute, "dispute_received", facts, key=f"received:{_steps(session, dispute)}")


def _is_under_way(session: Session, dispute_id: uuid.UUID) -> bool:
    """Whether a payment of what is contested is on its way: it may be made all the same."""
    session.flush()
    rows = session.execute(
        select(Invoice.open_minor, Invoice.held_minor, Invoice.frozen_minor)
        .join(DisputePart, DisputePart.invoice_id == Invoice.id)
        .where(DisputePart.dispute_id == dispute_id)
    )
    return any(
        is_too_much(open_minor=row.open_minor, held_minor=row.held_minor, contested_minor=row.frozen_minor)
        for row in rows
    )


def answered(session: Session, dispute: Dispute, entry: DisputeEntry, *, is_question: bool) -> None:
    """Staff wrote; their words stand in the mail."""
    facts = {"said_lines": entry.text.split("\n"), "by": entry.author_name, "is_question": is_question}
    _write(session, dispute, "dispute_answer", facts, key=f"answer:{entry.id}")


def decided(session: Session, dispute: Dispute) -> None:
    """Accepted or rejected, why, and what is owed from when on."""
    credited = Money(dispute.credited_minor, dispute.currency)
    rest = Money(dispute.claimed_minor - dispute.credited_minor, dispute.currency)
    today = today_of(session, dispute.company_id)
    facts = {
        "is_accepted": dispute.status is Status.ACCEPTED,
        "credited": None if credited.is_zero else credited,
        "rest": None if rest.is_zero else rest,
        "owed_again_on": dispute.owed_again_on,
        "is_paused": dispute.owed_again_on is not None and dispute.owed_again_on > today,
        "grounds": dispute.resolution.split("\n") if dispute.resolution else [],
    }
    _write(session, dispute, "dispute_decided", facts, key=f"decided:{_steps(session, dispute)}")


def closed(session: Session, dispute: Dispute) -> None:
    """Withdrawn or settled: nothing is asked of him."""
    facts = {"is_withdrawn": dispute.status is Status.WITHDRAWN}
    _write(session, dispute, "dispute_closed", facts, key=f"closed:{_steps(session, dispute)}", is_news=True)


def _write(
    session: Session, dispute: Dispute, kind: str, facts: dict[str, Any], *, key: str, is_news: bool = False
) -> None:
    reason = session.get_one(DisputeReason, dispute.reason_id)
    messages.write(
        session,
        kind=kind,
        debtor_id=dispute.debtor_id,
        also=dispute.contact_id,
        reason=_why(kind),
        dedupe_key=f"dispute:{dispute.id}:{key}",
        facts={
            "reference": dispute.reference,
            "dispute_path": f"/disputes/{dispute.id}",
            "numbers": _numbers(session, dispute.id),
            "claimed": Money(dispute.claimed_minor, dispute.currency),
            "said_by": _said_by(session, dispute),
            "labels": {"fr": reason.label_fr, "en": reason.label_en},
            **facts,
        },
        link=LinkPurpose.NOTICE,
        subject_id=dispute.id,
        is_news=is_news,
    )


def _why(kind: str) -> Callable[[], str]:
    if kind == "dispute_received":
        return lambda: _("You receive this message because an invoice on your account is contested.")
    if kind == "dispute_answer":
        return lambda: _("You receive this message because somebody answered in your dispute.")
    return lambda: _("You receive this message because your dispute has come to an end.")


def _said_by(session: Session, dispute: Dispute) -> str:
    """Who contests, for the others who act for the account; nobody when staff heard it from no one of them."""
    contact = session.get(Contact, dispute.contact_id) if dispute.contact_id is not None else None
    return (contact.name or contact.email) if contact is not None else ""


def _numbers(session: Session, dispute_id: uuid.UUID) -> list[str]:
    rows = session.execute(
        select(Invoice.number, Invoice.due_on)
        .join(DisputePart, DisputePart.invoice_id == Invoice.id)
        .where(DisputePart.dispute_id == dispute_id)
        .distinct()
        .order_by(Invoice.due_on, Invoice.number)
    )
    return [row.number for row in rows]


def _steps(session: Session, dispute: Dispute) -> int:
    return steps.last(session, DisputeTransition, DisputeTransition.dispute_id == dispute.id)
