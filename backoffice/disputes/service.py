"""Verbs of the desk: saved replies, and credits above the company's limit, which a second person approves."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.disputes.models import CreditProposal, ProposalState
from shared.debtors.models import Debtor
from shared.disputes import service as disputes
from shared.disputes.models import Dispute
from shared.disputes.service import CreditWish
from shared.disputes.steps import lock_dispute, parts_of
from shared.giving import service as giving
from shared.giving.models import GiftKind, GiftState
from shared.giving.service import Wish
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.second_person import Witness
from shared.kit.words import gettext as _


def accept(
    session: Session,
    *,
    dispute_id: uuid.UUID,
    credit: CreditWish,
    text: str,
    by: Actor,
    owed_again_on: date | None = None,
) -> CreditProposal | None:
    """Accept a dispute: at once up to the company's limit; above it the credit is only asked for (and returned).

    What one person alone gave of these invoices, or to this debtor of late, counts with it (`shared.giving`).
    Raises what `shared.disputes.service.accept` raises, and Conflict when a credit is asked for already.
    """
    dispute = lock_dispute(session, dispute_id)
    _none_asked(session, dispute_id)
    total = sum(credit.minors.values())
    identity = new_id()
    if total == 0 or not _must_wait(session, dispute, credit, identity, by=by):
        disputes.accept(session, dispute_id=dispute_id, credit=credit, text=text, by=by, owed_again_on=owed_again_on)
        return None
    _rehearse(session, dispute_id=dispute_id, credit=credit, text=text, by=by, owed_again_on=owed_again_on)
    proposal = CreditProposal(
        id=identity,
        company_id=dispute.company_id,
        dispute_id=dispute_id,
        total_minor=total,
        credit=_written(credit),
        text=text.strip(),
        owed_again_on=owed_again_on,
        asked_by_id=by.id,
        asked_by_name=by.name,
        asked_at=clock.now(),
    )
    session.add(proposal)
    session.flush()
    _record(session, dispute, proposal, "dispute.credit_asked", by)
    return proposal


def _must_wait(session: Session, dispute: Dispute, credit: CreditWish, identity: uuid.UUID, *, by: Actor) -> bool:
    """Whether a second person must agree, all that was given before counted; the wish is noted."""
    of = {part.id: part.invoice_id for part in parts_of(session, dispute.id)}
    invoices: dict[uuid.UUID, int] = {}
    for part_id, minor in credit.minors.items():
        if part_id in of:  # what is no part of it is refused by the acceptance itself
            invoices[of[part_id]] = invoices.get(of[part_id], 0) + minor
    wish = Wish(GiftKind.CREDIT, identity, sum(credit.minors.values()), invoices=invoices)
    return giving.weigh(session, session.get_one(Debtor, dispute.debtor_id), wish, by=by)


def _rehearse(session: Session, **wish: Any) -> None:
    """Do it and take it back: what would be refused at the approval is refused now."""
    trial = session.begin_nested()
    try:
        disputes.accept(session, **wish)
    finally:
        trial.rollback()


def approve(session: Session, *, dispute_id: uuid.UUID, proposal_id: uuid.UUID, by: Witness) -> None:
    """Somebody else agrees: the dispute is accepted as it was asked. Raises what `giving.agree` raises, NotFound, Conflict."""
    dispute, proposal = _locked(session, dispute_id, proposal_id)
    giving.agree(session, kind=GiftKind.CREDIT, subject_id=proposal.id, by=by)
    _decide(proposal, ProposalState.APPROVED, by.actor)
    disputes.accept(
        session,
        dispute_id=dispute_id,
        credit=_read(proposal.credit),
        text=proposal.text,
        by=by.actor,
        owed_again_on=proposal.owed_again_on,
    )
    _record(session, dispute, proposal, "dispute.credit_approved", by.actor)


def decline(session: Session, *, dispute_id: uuid.UUID, proposal_id: uuid.UUID, by: Actor) -> None:
    """The credit is not given (who asked may take it back, too); the dispute stays open. Raises NotFound, Conflict."""
    dispute, proposal = _locked(session, dispute_id, proposal_id)
    _decide(proposal, ProposalState.DECLINED, by)
    giving.decide(session, kind=GiftKind.CREDIT, subject_id=proposal.id, state=GiftState.DECLINED, by=by)
    _record(session, dispute, proposal, "dispute.credit_declined", by)


def refuse_while_asked(session: Session, dispute_id: uuid.UUID) -> None:
    """Raises Conflict while a credit waits for a second person: that is decided first. Locks the dispute."""
    lock_dispute(session, dispute_id)
    _none_asked(session, dispute_id)


def _none_asked(session: Session, dispute_id: uuid.UUID) -> None:
    if session.scalar(
        select(func.count()).where(CreditProposal.dispute_id == dispute_id, CreditProposal.state == ProposalState.ASKED)
    ):
        raise Conflict("dispute.credit_asked", _("A credit waits for a second person. Decide on it first."))


def _locked(session: Session, dispute_id: uuid.UUID, proposal_id: uuid.UUID) -> tuple[Dispute, CreditProposal]:
    dispute = lock_dispute(session, dispute_id)
    found = session.get(CreditProposal, proposal_id)
    if found is None or found.dispute_id != dispute_id:
        raise NotFound("dispute.proposal_missing", _("There is no such credit to decide on."))
    proposal = db.lock(session, CreditProposal, proposal_id)
    if proposal.state is not ProposalState.ASKED:
        raise Conflict("dispute.proposal_decided", _("Somebody has decided on this credit already."))
    return dispute, proposal


def _decide(proposal: CreditProposal, state: ProposalState, by: Actor) -> None:
    proposal.state, proposal.decided_at = state, clock.now()
    proposal.decided_by_id, proposal.decided_by_name = by.id, by.name


def _written(credit: CreditWish) -> dict[str, Any]:
    return {
        "minors": {str(part): minor for part, minor in credit.minors.items()},
        "number": credit.number,
        "credit_note_id": str(credit.credit_note_id) if credit.credit_note_id else None,
        "vat_rate": str(credit.vat_rate) if credit.vat_rate is not None else None,
        "vat_category": credit.vat_category,
        "exemption_reason": credit.exemption_reason,
    }


def _read(written: dict[str, Any]) -> CreditWish:
    return CreditWish(
        minors={uuid.UUID(part): int(minor) for part, minor in written["minors"].items()},
        number=written["number"],
        credit_note_id=uuid.UUID(written["credit_note_id"]) if written["credit_note_id"] else None,
        vat_rate=Decimal(written["vat_rate"]) if written["vat_rate"] is not None else None,
        vat_category=written.get("vat_category", ""),  # asked for before there was such a question
        exemption_reason=written.get("exemption_reason", ""),
    )


def _record(session: Session, dispute: Dispute, proposal: CreditProposal, action: str, by: Actor) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="dispute",
        subject_id=dispute.id,
        company_id=dispute.company_id,
        debtor_id=dispute.debtor_id,
        after={"minor": proposal.total_minor, "currency": dispute.currency, "asked_by": proposal.asked_by_name},
    )
