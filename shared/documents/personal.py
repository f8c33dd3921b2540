"""What this room holds about persons: papers, kept with the books."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from shared.documents.models import Document, DocumentKind, PaperOrder
from shared.invoices.holds import is_held, is_owing
from shared.kit import discarded
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register, uses_files
from shared.kit.words import lazy_gettext as _l


@uses_files
def _papers(sha256: str) -> Select[Any]:
    return select(Document.id).where(Document.sha256 == sha256)


@uses_files
def _portions(sha256: str) -> Select[Any]:
    return select(PaperOrder.id).where(PaperOrder.portions.contains([sha256]))


def _old_orders(scope: Scope) -> Select[Any]:
    return select(PaperOrder.id).where(PaperOrder.created_at < scope.before)


def _drop_orders(session: Session, keys: Keys) -> None:
    gone = delete(PaperOrder).where(among(PaperOrder.id, ids(keys))).returning(PaperOrder.portions)
    discarded.discard(session, [digest for portions in session.scalars(gone) for digest in portions])


def _old_statements(scope: Scope) -> Select[Any]:
    return select(Document.id).where(
        Document.company_id == scope.company_id,
        Document.kind == DocumentKind.STATEMENT,
        Document.created_at < scope.before,
        ~is_held(Document.debtor_id),
    )


def _old_papers(scope: Scope) -> Select[Any]:
    return select(Document.id).where(
        Document.company_id == scope.company_id,
        Document.kind != DocumentKind.STATEMENT,
        Document.created_at < scope.before,
        ~is_owing(Document.debtor_id),
        ~is_held(Document.debtor_id),
    )


def _drop(session: Session, keys: Keys) -> None:
    made_by = session.execute(select(PaperOrder.id).where(among(PaperOrder.document_id, ids(keys)))).all()
    _drop_orders(session, made_by)
    gone = session.execute(delete(Document).where(among(Document.id, ids(keys))).returning(Document.sha256))
    discarded.discard(session, gone.scalars().all())


register(
    Kind(
        name="orders",
        label=_l("Long papers that were asked for"),
        basis=Basis.CONTRACT,
        holds=("paper_order.facts",),
        why=_l("Who asked for a long paper, while it is made and fetched."),
        counted=_l("from the day on which it was asked for"),
        term=Term(30, 30, 30, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        due=_old_orders,
        remove=_drop_orders,
    ),
    Kind(
        name="statements",
        label=_l("Statements of account"),
        basis=Basis.CONTRACT,
        holds=(),
        why=_l("What was handed out is shown again as it was."),
        counted=_l("from the day on which it was made, and never while the account is before a court"),
        term=Term(12, 1, 60, "months", _l("GDPR art. 5.1.e: a statement is made anew from the books")),
        due=_old_statements,
        remove=_drop,
    ),
    Kind(
        name="papers",
        label=_l("Papers: invoices, receipts, mandates, acknowledgements"),
        basis=Basis.LAW,
        holds=("document.facts", "document.name"),
        why=_l("What was handed out is shown again as it was."),
        counted=_l(
            "from the day on which it was made, with its financial year, and never while the account owes or is before a court"
        ),
        term=Term(132, 132, 132, "months", _l("Commercial Code L123-22: ten years from the end of the financial year")),
        due=_old_papers,
        remove=_drop,
    ),
)
