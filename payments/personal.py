"""What this storey holds about persons: payments and mandates, kept with the books."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments.models import Mandate, Payment
from shared.kit.personal import Basis, Kind, as_rows, register
from shared.kit.words import lazy_gettext as _l


def _payments_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Payment.id).where(Payment.contact_id == contact_id)


def _export_payments(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Payment.reference,
        Payment.means,
        Payment.provider,
        Payment.status.label("state"),
        Payment.amount_minor,
        Payment.currency,
        Payment.created_at,
        Payment.confirmed_at,
    ).where(Payment.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Payment.id.desc())))


def _mandates_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Mandate.id).where(Mandate.contact_id == contact_id)


def _export_mandates(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Mandate.reference,
        Mandate.status.label("state"),
        Mandate.holder_name.label("name"),
        Mandate.bank_name.label("bank"),
        Mandate.iban_country,
        Mandate.iban_ending,
        Mandate.evidence.label("proof"),
        Mandate.created_at,
        Mandate.given_at,
    ).where(Mandate.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Mandate.id.desc())))


register(
    Kind(
        name="payments",
        label=_l("Payments"),
        basis=Basis.LAW,
        why=_l("Who paid what, when and how. Card numbers are never seen here."),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
        of_person=_payments_of,
        export=_export_payments,
    ),
    Kind(
        name="mandates",
        label=_l("Direct debit mandates"),
        basis=Basis.LAW,
        why=_l("They prove that a debit was allowed. Of the account only its country and last digits are kept."),
        keeps=_l(
            "A debit may be contested for thirteen months (Monetary Code L133-24), and is in the books for ten years."
        ),
        of_person=_mandates_of,
        export=_export_mandates,
    ),
)
