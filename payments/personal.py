"""What this storey holds about persons: payments and mandates, kept with the books."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments.labels import FOR_DEBTOR, MANDATE_FOR_DEBTOR, MEANS, REFUND_FOR_DEBTOR
from payments.models import Mandate, Payment, Provider, Refund
from shared.kit.personal import Basis, Kind, as_rows, put_in_words, register
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
        Payment.failure_reason.label("why"),
        Payment.memo.label("note"),
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


def _refunds_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Refund.id).where(Refund.payment_id.in_(_payments_of(contact_id)))


def _export_refunds(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = (
        select(
            Payment.reference,
            Refund.status.label("state"),
            Refund.amount_minor,
            Refund.currency,
            Refund.reason.label("why"),
            Refund.created_at,
            Refund.done_at.label("ended_at"),
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.id.in_(_refunds_of(contact_id)))
    )
    return as_rows(session.execute(query.order_by(Refund.id.desc())))


register(
    Kind(
        name="refunds",
        label=_l("Refunds"),
        basis=Basis.LAW,
        holds=("refund.request", "refund.failure_reason", "refund.reason"),
        why=_l("What was given back, and why."),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
        of_person=_refunds_of,
        export=_export_refunds,
    ),
    Kind(
        name="payments",
        label=_l("Payments"),
        basis=Basis.LAW,
        holds=(
            "payment.failure_reason",
            "payment.memo",
            "payment.request",
            "chargeback.outcome_note",
        ),
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
        holds=(
            "mandate.holder_name",
            "mandate.bank_name",
            "mandate.iban_ending",
            "mandate.iban_country",
            "mandate.evidence",
            "mandate.request",
            "mandate.end_reason",
        ),
        why=_l("They prove that a debit was allowed. Of the account only its country and last digits are kept."),
        keeps=_l(
            "A debit may be contested for thirteen months (Monetary Code L133-24), and is in the books for ten years."
        ),
        of_person=_mandates_of,
        export=_export_mandates,
    ),
)

put_in_words("means", MEANS)
put_in_words("provider", {Provider.HAND: _l("by hand"), Provider.STRIPE: "Stripe", Provider.GOCARDLESS: "GoCardless"})
put_in_words("state", {status: words.word for status, words in FOR_DEBTOR.items()}, kind="payments")
put_in_words("state", {status: words.word for status, words in MANDATE_FOR_DEBTOR.items()}, kind="mandates")
put_in_words("state", {status: words.word for status, words in REFUND_FOR_DEBTOR.items()}, kind="refunds")
