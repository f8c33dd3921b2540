"""What this room holds about persons: disputes, and the files that came with them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, case, exists, or_, select, update
from sqlalchemy.orm import Session

from shared.attachments.personal import FilesOf, drop
from shared.disputes.models import Dispute, DisputeEntry, EntryKind
from shared.disputes.rules import Status
from shared.invoices.holds import is_held
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l

FILES = FilesOf("dispute", Dispute.id, Dispute.ended_at)


def _disputes_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Dispute.id).where(Dispute.contact_id == contact_id)


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Dispute.reference,
        Dispute.status.label("state"),
        Dispute.claimed_minor.label("amount_minor"),
        Dispute.currency,
        Dispute.opened_at.label("created_at"),
        Dispute.ended_at,
        Dispute.resolution.label("answer"),
    ).where(Dispute.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Dispute.id.desc())))


def _words_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(DisputeEntry.id).where(
        DisputeEntry.author_kind == "contact",
        DisputeEntry.author_id == contact_id,
        DisputeEntry.kind == EntryKind.MESSAGE,
    )


def _answers_to(contact_id: uuid.UUID) -> Select[Any]:
    """What staff wrote in disputes of this person alone; what others of the account said in them is theirs."""
    mine = exists().where(Dispute.id == DisputeEntry.dispute_id, Dispute.contact_id == contact_id)
    return select(DisputeEntry.id).where(
        mine, DisputeEntry.author_kind == "staff", DisputeEntry.kind == EntryKind.MESSAGE
    )


def _export_words(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    is_mine = (DisputeEntry.author_kind == "contact") & (DisputeEntry.author_id == contact_id)
    query = (
        select(
            DisputeEntry.at,
            Dispute.reference,
            case((is_mine, "oneself"), else_=DisputeEntry.author_kind).label("by"),
            DisputeEntry.text,
        )
        .join(Dispute, Dispute.id == DisputeEntry.dispute_id)
        .where(or_(DisputeEntry.id.in_(_words_of(contact_id)), DisputeEntry.id.in_(_answers_to(contact_id))))
    )
    return as_rows(session.execute(query.order_by(DisputeEntry.id.desc())))


def _old_words(scope: Scope) -> Select[Any]:
    ended = exists().where(
        Dispute.id == DisputeEntry.dispute_id,
        Dispute.company_id == scope.company_id,
        Dispute.ended_at < scope.before,
        ~is_held(Dispute.debtor_id),
    )
    return select(DisputeEntry.id).where(ended, DisputeEntry.kind != EntryKind.ACT, DisputeEntry.text != "")


def _blank_words(session: Session, keys: Keys) -> None:
    """That somebody spoke, and when, stays; acts (assigned, moved) have no words of people."""
    session.execute(update(DisputeEntry).where(among(DisputeEntry.id, ids(keys))).values(text=""))


register(
    Kind(
        name="dispute_files",
        label=_l("Files of disputes"),
        basis=Basis.INTEREST,
        holds=("attachment.name", "attachment.finding", "attachment.uploaded_by_name"),
        why=_l("Photos and papers by which a dispute is decided."),
        counted=_l("from the end of the dispute, and never while the account is before a court"),
        keeps=_l("The dispute is open, or the account is before a court (GDPR art. 17.3.e)."),
        term=Term(12, 6, 60, "months", _l("GDPR art. 5.1.e; Civil Code 2224: five years at most")),
        due=FILES.old,
        remove=drop,
        of_person=FILES.of_person,
        erasable=FILES.erasable,
        export=FILES.export,
    ),
    Kind(
        name="disputes",
        label=_l("Disputes"),
        basis=Basis.INTEREST,
        holds=(
            "dispute.opened_by_name",
            "dispute.resolution",
            "dispute_credit_proposal.text",
            "dispute_credit_proposal.credit",
        ),
        why=_l("What was contested, and what became of it: invoices are corrected by it."),
        keeps=_l("They explain credit notes, which are kept for ten years (Commercial Code L123-22)."),
        of_person=_disputes_of,
        export=_export,
    ),
    Kind(
        name="dispute_words",
        label=_l("Words in disputes"),
        basis=Basis.INTEREST,
        holds=("dispute_entry.text", "dispute_entry.detail", "dispute_entry.author_name"),
        why=_l("What was said on both sides before it was decided."),
        counted=_l("from the end of the dispute, and never while the account is before a court"),
        keeps=_l("They explain credit notes, which are kept for ten years (Commercial Code L123-22)."),
        term=Term(60, 24, 120, "months", _l("Civil Code 2224, Commercial Code L110-4: claims end after five years")),
        due=_old_words,
        remove=_blank_words,
        of_person=_words_of,
        export=_export_words,
    ),
)

put_in_words(
    "state",
    {
        Status.OPEN: _l("Received"),
        Status.UNDER_REVIEW: _l("Being looked into"),
        Status.WAITING: _l("Your turn"),
        Status.ACCEPTED: _l("Accepted"),
        Status.REJECTED: _l("Not accepted"),
        Status.WITHDRAWN: _l("Withdrawn"),
        Status.SETTLED: _l("Settled"),
    },
    kind="disputes",
)
