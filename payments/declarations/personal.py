"""What this room holds about persons: declared transfers, and the files that came with them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from shared.attachments.personal import FilesOf, drop
from shared.invoices.holds import is_held
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l

FILES = FilesOf("declaration", Declaration.id, Declaration.ended_at)


def _of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Declaration.id).where(Declaration.contact_id == contact_id)


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Declaration.reference,
        Declaration.state,
        Declaration.amount_minor,
        Declaration.currency,
        Declaration.paid_on,
        Declaration.bank_reference,
        Declaration.note,
        Declaration.answer,
        Declaration.created_at,
        Declaration.ended_at,
    ).where(Declaration.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Declaration.id.desc())))


def _old(scope: Scope) -> Select[Any]:
    has_words = or_(Declaration.note != "", Declaration.answer != "", Declaration.bank_reference != "")
    return select(Declaration.id).where(
        Declaration.company_id == scope.company_id,
        Declaration.ended_at < scope.before,
        has_words,
        ~is_held(Declaration.debtor_id),
    )


def _blank(session: Session, keys: Keys) -> None:
    """That it was declared, and what was found, stays."""
    session.execute(
        update(Declaration).where(among(Declaration.id, ids(keys))).values(note="", answer="", bank_reference="")
    )


register(
    Kind(
        name="declaration_files",
        label=_l("Files of declared transfers"),
        basis=Basis.INTEREST,
        holds=(),
        why=_l("Proofs of transfers, until the money is found."),
        counted=_l("from the end of the search, and never while the account is before a court"),
        keeps=_l("The transfer is still being looked for, or the account is before a court (GDPR art. 17.3.e)."),
        term=Term(
            12, 3, 24, "months", _l("GDPR art. 5.1.e; Monetary Code L133-24: thirteen months to contest a payment")
        ),
        due=FILES.old,
        remove=drop,
        of_person=FILES.of_person,
        erasable=FILES.erasable,
        export=FILES.export,
    ),
    Kind(
        name="declarations",
        label=_l("Declared transfers"),
        basis=Basis.INTEREST,
        holds=("declaration.bank_reference", "declaration.note", "declaration.answer", "declaration.by_name"),
        why=_l("What somebody said that he had paid, while it is looked for."),
        counted=_l("from the end of the search, and never while the account is before a court; then its words go"),
        term=Term(60, 12, 60, "months", _l("Civil Code 2224, Commercial Code L110-4: claims end after five years")),
        due=_old,
        remove=_blank,
        keeps=_l("An acknowledged debt is proof of a claim (Civil Code 2240; GDPR art. 17.3.e)."),
        of_person=_of,
        export=_export,
    ),
)

put_in_words(
    "state",
    {
        DeclarationState.DECLARED: _l("Being looked for"),
        DeclarationState.MATCHED: _l("Found"),
        DeclarationState.REFUSED: _l("Not found"),
        DeclarationState.EXPIRED: _l("Not arrived"),
        DeclarationState.WITHDRAWN: _l("Taken back"),
    },
    kind="declarations",
)
