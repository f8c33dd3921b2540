"""What this room holds about persons: disputes, and the files that came with them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from shared.attachments.models import Attachment
from shared.attachments.personal import drop
from shared.disputes.models import Dispute, DisputeEntry, EntryKind
from shared.invoices.holds import is_held
from shared.kit.personal import Basis, Kind, Scope, Term, as_rows, register
from shared.kit.words import lazy_gettext as _l


def _old_files(scope: Scope) -> Select[Any]:
    ended = exists().where(Dispute.id == Attachment.subject_id, Dispute.ended_at < scope.before)
    return select(Attachment.id).where(
        Attachment.company_id == scope.company_id,
        Attachment.subject_type == "dispute",
        ended,
        ~is_held(Attachment.debtor_id),
    )


def _files_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Attachment.id).where(
        Attachment.subject_type == "dispute",
        Attachment.uploaded_by_kind == "contact",
        Attachment.uploaded_by_id == contact_id,
    )


def _erasable_files(contact_id: uuid.UUID) -> Select[Any]:
    ended = exists().where(Dispute.id == Attachment.subject_id, Dispute.ended_at.is_not(None))
    return _files_of(contact_id).where(ended, ~is_held(Attachment.debtor_id))


def _export_files(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Attachment.name, Attachment.media_type, Attachment.size, Attachment.uploaded_at, Attachment.received_sha256
    ).where(Attachment.id.in_(_files_of(contact_id)))
    return as_rows(session.execute(query.order_by(Attachment.id.desc())))


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


def _export_words(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = (
        select(DisputeEntry.at, Dispute.reference, DisputeEntry.text)
        .join(Dispute, Dispute.id == DisputeEntry.dispute_id)
        .where(DisputeEntry.id.in_(_words_of(contact_id)))
    )
    return as_rows(session.execute(query.order_by(DisputeEntry.id.desc())))


register(
    Kind(
        name="dispute_files",
        label=_l("Files of disputes"),
        basis=Basis.INTEREST,
        why=_l("Photos and papers by which a dispute is decided."),
        counted=_l("from the end of the dispute, and never while the account is before a court"),
        keeps=_l("The dispute is open, or the account is before a court (GDPR art. 17.3.e)."),
        term=Term(12, 6, 60, "months", _l("GDPR art. 5.1.e; Civil Code 2224: five years at most")),
        due=_old_files,
        remove=drop,
        of_person=_files_of,
        erasable=_erasable_files,
        export=_export_files,
    ),
    Kind(
        name="disputes",
        label=_l("Disputes"),
        basis=Basis.INTEREST,
        why=_l("What was contested, and what became of it: invoices are corrected by it."),
        keeps=_l("They explain credit notes, which are kept for ten years (Commercial Code L123-22)."),
        of_person=_disputes_of,
        export=_export,
    ),
    Kind(
        name="dispute_words",
        label=_l("Words in disputes"),
        basis=Basis.INTEREST,
        why=_l("What was said on both sides before it was decided."),
        keeps=_l("They explain credit notes, which are kept for ten years (Commercial Code L123-22)."),
        of_person=_words_of,
        export=_export_words,
    ),
)
