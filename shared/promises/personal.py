"""What this room holds about persons: their promises."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from shared.invoices.holds import is_held
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l
from shared.promises.models import Promise
from shared.promises.rules import PromiseState


def _of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Promise.id).where(Promise.contact_id == contact_id)


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Promise.reference, Promise.state, Promise.promised_on, Promise.amount_minor, Promise.currency, Promise.note
    ).where(Promise.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Promise.id.desc())))


def _old(scope: Scope) -> Select[Any]:
    return select(Promise.id).where(
        Promise.company_id == scope.company_id,
        Promise.until_on < scope.before.date(),
        Promise.state != PromiseState.EXPECTED,
        Promise.note != "",
        ~is_held(Promise.debtor_id),
    )


def _blank(session: Session, keys: Keys) -> None:
    """That it was promised, and whether it was kept, stays."""
    session.execute(update(Promise).where(among(Promise.id, ids(keys))).values(note=""))


register(
    Kind(
        name="promises",
        label=_l("Promises"),
        basis=Basis.INTEREST,
        holds=("promise.note", "promise.by_name"),
        why=_l("By when somebody said that he would pay, and whether he did."),
        counted=_l("from the promised day, and never while the account is before a court; then its words go"),
        term=Term(60, 12, 60, "months", _l("Civil Code 2224, Commercial Code L110-4: claims end after five years")),
        due=_old,
        remove=_blank,
        keeps=_l("An acknowledged debt is proof of a claim (Civil Code 2240; GDPR art. 17.3.e)."),
        of_person=_of,
        export=_export,
    )
)

put_in_words(
    "state",
    {
        PromiseState.EXPECTED: _l("Noted"),
        PromiseState.KEPT: _l("Kept"),
        PromiseState.BROKEN: _l("Not kept"),
        PromiseState.CANCELLED: _l("Ended"),
    },
    kind="promises",
)
