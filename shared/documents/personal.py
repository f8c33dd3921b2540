"""What this room holds about persons: papers, kept with the books."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from shared.documents.models import Document, PaperOrder
from shared.kit import discarded
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
    gone = delete(PaperOrder).where(PaperOrder.id.in_(ids(keys))).returning(PaperOrder.portions)
    discarded.discard(session, [digest for portions in session.scalars(gone) for digest in portions])


register(
    Kind(
        name="orders",
        label=_l("Long papers that were asked for"),
        basis=Basis.CONTRACT,
        why=_l("Who asked for a long paper, while it is made and fetched."),
        counted=_l("from the day on which it was asked for"),
        term=Term(30, 30, 30, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        due=_old_orders,
        remove=_drop_orders,
    ),
    Kind(
        name="papers",
        label=_l("Papers: invoices, receipts, statements, mandates"),
        basis=Basis.LAW,
        why=_l("What was handed out is shown again as it was."),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
    ),
)
