"""What people, providers and clocks do to Guichet, each as one call in a process of its own. Arguments are JSON."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy import select

from payments.cards import checkout
from payments.collections.run import run as run_collections
from payments.mandates import collect, setup
from payments.models import Means, Payment, Provider
from payments.payouts.take import take_payouts
from payments.receipts import record_receipt
from payments.reconcile.catch_up import catch_up
from payments.reconcile.sweep import sweep
from payments.refunds import service as refunds
from payments.refunds.send import send
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.ledger.rules import Part
from tests.torture.between import contact_of

BY = Actor.system("torture")


def _parts(parts: list[list[Any]]) -> list[Part]:
    return [Part(uuid.UUID(invoice_id), minor) for invoice_id, minor in parts]


def pay_by_card(debtor: str, parts: list[list[Any]], attempt: str) -> dict[str, Any]:
    step = checkout.begin(
        debtor_id=uuid.UUID(debtor),
        contact_id=None,
        parts=_parts(parts),
        attempt=attempt,
        language="fr",
        success_url="http://guichet.test/pay/{reference}/return",
        cancel_url="http://guichet.test/pay/{reference}",
        by=BY,
    )
    return {"payment": str(step.payment_id), "url": step.url, "state": step.state.value}


def abandon(payment: str, debtor: str) -> str:
    return checkout.abandon(uuid.UUID(payment), uuid.UUID(debtor), BY).value


def return_from_page(payment: str, debtor: str) -> str:
    return checkout.look(uuid.UUID(payment), uuid.UUID(debtor)).value


def ask_mandate(debtor: str, attempt: str) -> dict[str, Any]:
    step = setup.begin(
        debtor_id=uuid.UUID(debtor),
        contact_id=None,
        attempt=attempt,
        language="fr",
        return_url="http://guichet.test/mandate",
        exit_url="http://guichet.test/mandate",
        evidence={},
        by=BY,
    )
    return {"mandate": str(step.mandate_id), "url": step.url}


def return_from_mandate(mandate: str, debtor: str) -> str:
    return setup.look(uuid.UUID(mandate), uuid.UUID(debtor)).value


def pay_by_debit(debtor: str, mandate: str, parts: list[list[Any]], attempt: str) -> dict[str, Any]:
    payment = collect.pay_now(
        debtor_id=uuid.UUID(debtor),
        contact_id=contact_of(debtor),
        mandate_id=uuid.UUID(mandate),
        parts=_parts(parts),
        attempt=attempt,
        by=BY,
    )
    return {"payment": str(payment.id), "state": payment.status.value}


def collections() -> dict[str, int]:
    with reading() as session:
        companies = list(session.scalars(select(Company.id)))
    counts: dict[str, int] = {}
    for company_id in companies:
        counts |= run_collections(company_id).counts
    return counts


def cheque(debtor: str, parts: list[list[Any]], minor: int, attempt: str, on: str) -> str:
    with transaction() as session:
        payment = record_receipt(
            session,
            debtor=session.get_one(Debtor, uuid.UUID(debtor)),
            means=Means.CHEQUE,
            minor=minor,
            received_on=date.fromisoformat(on),
            memo="",
            parts=_parts(parts),
            attempt=attempt,
            by=BY,
        )
        return str(payment.id)


def ask_refund(payment: str, minor: int) -> str:
    with transaction() as session:
        return str(refunds.ask(session, payment_id=uuid.UUID(payment), minor=minor, reason="torture", by=BY).id)


def send_refund(refund: str) -> str:
    return send(uuid.UUID(refund)).value


def work(limit: int = 500) -> int:
    """What a worker does with what is due."""
    return perform_due(limit=limit)


def janitor() -> dict[str, int]:
    swept = sweep()
    return {"asked": swept.asked, "unanswered": swept.unanswered, "contradicted": swept.contradicted}


def listing() -> int:
    return catch_up(Provider.STRIPE) + catch_up(Provider.GOCARDLESS)


def payouts() -> int:
    return take_payouts(Provider.STRIPE) + take_payouts(Provider.GOCARDLESS)


def states() -> dict[str, int]:
    with reading() as session:
        found: dict[str, int] = {}
        for payment in session.scalars(select(Payment)):
            found[payment.status.value] = found.get(payment.status.value, 0) + 1
        return found
