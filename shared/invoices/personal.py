"""What this room holds about persons: choices of invoices under a short name; the invoices themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from shared.invoices.models import KeptSelection
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register
from shared.kit.words import lazy_gettext as _l


def _old_choices(scope: Scope) -> Select[Any]:
    return select(KeptSelection.id).where(KeptSelection.created_at < scope.before)


def _drop_choices(session: Session, keys: Keys) -> None:
    session.execute(delete(KeptSelection).where(among(KeptSelection.id, ids(keys))))


register(
    Kind(
        name="choices",
        label=_l("Chosen invoices"),
        basis=Basis.CONTRACT,
        holds=(),
        why=_l("What somebody ticked in a long list, while he pays it."),
        counted=_l("from the choice; it opens for seven days"),
        term=Term(7, 7, 7, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        due=_old_choices,
        remove=_drop_choices,
    ),
    Kind(
        name="invoices",
        label=_l("Invoices, credit notes and the ledger"),
        basis=Basis.LAW,
        holds=("invoice.title", "invoice.order_reference", "invoice_line.description", "invoice_freeze.reason"),
        why=_l("The books, and what they are made from."),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
    ),
)
