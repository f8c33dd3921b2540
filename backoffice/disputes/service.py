"""Verbs of the desk: saved replies, and credits above the company's limit, which a second person approves."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.disputes.models import CreditProposal, ProposalState
from backoffice.disputes.rules import DEFAULT_REPLIES, LONGEST_REPLY, needs_second_person, unknown_places
from backoffice.replies.models import Room, SavedReply
from shared.company.models import Company
from shared.disputes import service as disputes
from shared.disputes.models import Dispute
from shared.disputes.service import CreditWish
from shared.disputes.steps import lock_dispute
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.ids import new_id
from shared.kit.words import current_language
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class ReplyDraft:
    """A saved reply as somebody wrote it."""

    title: str
    text_fr: str
    text_en: str
    asks: bool = False
    is_active: bool = True


def set_reply(session: Session, *, company_id: uuid.UUID, code: str, draft: ReplyDraft, by: Actor) -> SavedReply:
    """Change a saved reply, or add one with a new code ("" makes one). Raises Invalid for empty words or odd placeholders."""
    title = draft.title.strip()
    texts = (draft.text_fr.strip(), draft.text_en.strip())
    if not title or not all(texts) or max(len(text) for text in texts) > LONGEST_REPLY:
        raise Invalid("reply.empty", _("Give the reply a title and its words in both languages."))
    odd = [place for text in texts for place in unknown_places(text)]
    if odd:
        raise Invalid("reply.placeholder", _("Nobody knows what to write for %(what)s.", what=", ".join(odd)))
    known = {each.code: each for each in _ensure_replies(session, company_id)}
    reply = known.get(code)
    before = {"title": reply.title, "is_active": reply.is_active} if reply else None
    if reply is None:
        reply = SavedReply(
            id=new_id(),
            company_id=company_id,
            room=Room.DISPUTE,
            act="answer",
            code=code or _new_code(title, set(known)),
            position=len(known) + 1,
        )
        session.add(reply)
    reply.title, (reply.text_fr, reply.text_en) = title[:80], texts
    reply.asks, reply.is_active = draft.asks, draft.is_active
    session.flush()
    audit.record(
        session,
        by,
        "dispute.reply_set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before=before,
        after={"code": reply.code, "title": reply.title, "is_active": reply.is_active},
    )
    return reply


def _ensure_replies(session: Session, company_id: uuid.UUID) -> list[SavedReply]:
    query = (
        select(SavedReply)
        .where(SavedReply.company_id == company_id, SavedReply.room == Room.DISPUTE)
        .order_by(SavedReply.position)
    )
    found = list(session.scalars(query))
    if found:
        return found
    session.execute(
        insert(SavedReply)
        .values(
            [
                {
                    "id": new_id(),
                    "company_id": company_id,
                    "room": Room.DISPUTE,
                    "act": "answer",
                    "code": each.code,
                    "title": each.title(current_language()),
                    "text_fr": each.text_fr,
                    "text_en": each.text_en,
                    "asks": each.asks,
                    "is_active": True,
                    "position": position,
                }
                for position, each in enumerate(DEFAULT_REPLIES, start=1)
            ]
        )
        .on_conflict_do_nothing(index_elements=["company_id", "room", "code"])
    )
    return list(session.scalars(query))


def _new_code(title: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:24] or "reply"
    return next(code for code in (base, *(f"{base}_{turn}" for turn in range(2, 1000))) if code not in taken)


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

    Raises what `shared.disputes.service.accept` raises, and Conflict when a credit is asked for already.
    """
    dispute = lock_dispute(session, dispute_id)
    _none_asked(session, dispute_id)
    total = sum(credit.minors.values())
    if not needs_second_person(total, limit_minor=session.get_one(Company, dispute.company_id).four_eyes_minor):
        disputes.accept(session, dispute_id=dispute_id, credit=credit, text=text, by=by, owed_again_on=owed_again_on)
        return None
    if by.id is None:
        raise Refused("dispute.four_eyes", _("Somebody else must approve this credit."))
    _rehearse(session, dispute_id=dispute_id, credit=credit, text=text, by=by, owed_again_on=owed_again_on)
    proposal = CreditProposal(
        id=new_id(),
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


def _rehearse(session: Session, **wish: Any) -> None:
    """Do it and take it back: what would be refused at the approval is refused now."""
    trial = session.begin_nested()
    try:
        disputes.accept(session, **wish)
    finally:
        trial.rollback()


def approve(session: Session, *, dispute_id: uuid.UUID, proposal_id: uuid.UUID, by: Actor) -> None:
    """Somebody else agrees: the dispute is accepted as it was asked. Raises Refused for who asked, NotFound, Conflict."""
    dispute, proposal = _locked(session, dispute_id, proposal_id)
    if by.id is None or by.id == proposal.asked_by_id:
        raise Refused("dispute.four_eyes", _("Somebody else must approve this credit."))
    _decide(proposal, ProposalState.APPROVED, by)
    disputes.accept(
        session,
        dispute_id=dispute_id,
        credit=_read(proposal.credit),
        text=proposal.text,
        by=by,
        owed_again_on=proposal.owed_again_on,
    )
    _record(session, dispute, proposal, "dispute.credit_approved", by)


def decline(session: Session, *, dispute_id: uuid.UUID, proposal_id: uuid.UUID, by: Actor) -> None:
    """The credit is not given (who asked may take it back, too); the dispute stays open. Raises NotFound, Conflict."""
    dispute, proposal = _locked(session, dispute_id, proposal_id)
    _decide(proposal, ProposalState.DECLINED, by)
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
    }


def _read(written: dict[str, Any]) -> CreditWish:
    return CreditWish(
        minors={uuid.UUID(part): int(minor) for part, minor in written["minors"].items()},
        number=written["number"],
        credit_note_id=uuid.UUID(written["credit_note_id"]) if written["credit_note_id"] else None,
        vat_rate=Decimal(written["vat_rate"]) if written["vat_rate"] is not None else None,
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
