"""What this room holds about persons: papers, kept with the books."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from shared.documents.models import Document
from shared.kit.personal import Basis, Kind, register, uses_files
from shared.kit.words import lazy_gettext as _l


@uses_files
def _papers(sha256: str) -> Select[Any]:
    return select(Document.id).where(Document.sha256 == sha256)


register(
    Kind(
        name="papers",
        label=_l("Papers: invoices, receipts, statements, mandates"),
        basis=Basis.LAW,
        why=_l("What was handed out is shown again as it was."),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
    )
)
