"""Verbs on kept papers: they write in the caller's session."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.documents import originals
from shared.documents.models import Document, DocumentKind
from shared.documents.queries import find_document
from shared.documents.render import PDF, Paper
from shared.invoices.models import Invoice
from shared.kit import audit, clock, files
from shared.kit.actors import Actor
from shared.kit.errors import NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _


def keep(
    session: Session,
    paper: Paper,
    *,
    stored: files.StoredFile,
    kind: DocumentKind,
    subject_id: uuid.UUID,
    version: str,
    company_id: uuid.UUID,
    debtor_id: uuid.UUID,
    language: str,
    facts: dict[str, Any] | None,
) -> Document:
    """Record a paper whose bytes are in the store already. The first one wins: a second maker gets the first's row."""
    session.execute(
        insert(Document)
        .values(
            id=new_id(),
            company_id=company_id,
            debtor_id=debtor_id,
            kind=kind,
            subject_id=subject_id,
            version=version,
            language=language,
            name=paper.name[:160],
            media_type=paper.media_type,
            sha256=stored.sha256,
            size=stored.size,
            is_electronic=paper.is_electronic,
            facts=facts,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["kind", "subject_id", "version"])
    )
    kept = find_document(session, kind, subject_id, version)
    if kept is None:
        raise NotFound("document.missing", _("There is no such document."))
    return kept


def attach_original(session: Session, *, invoice_id: uuid.UUID, content: bytes, name: str, by: Actor) -> Document:
    """Keep an invoice's PDF as it was issued elsewhere; from now on it is the one that is served.

    The same bytes again change nothing; other bytes become the newer original and the older ones stay. Raises
    NotFound, and NotAPaperError (422) when the file is not an honest PDF.
    """
    originals.check_pdf(content)
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    before = find_document(session, DocumentKind.ORIGINAL, invoice_id, version := _digest(content))
    if before is not None:
        return before
    shown = files.safe_name(name, fallback="invoice.pdf")
    paper = Paper(content, shown if shown.lower().endswith(".pdf") else f"{shown}.pdf", shown, media_type=PDF)
    document = keep(
        session,
        paper,
        stored=files.get_store().put(content),
        kind=DocumentKind.ORIGINAL,
        subject_id=invoice_id,
        version=version,
        company_id=invoice.company_id,
        debtor_id=invoice.debtor_id,
        language="fr",
        facts=None,
    )
    audit.record(
        session,
        by,
        "document.original_attached",
        subject_type="invoice",
        subject_id=invoice_id,
        after={"sha256": document.sha256, "name": document.name},
        company_id=invoice.company_id,
        debtor_id=invoice.debtor_id,
    )
    return document


def _digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
