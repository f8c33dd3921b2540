"""Payments at the desk: the list, each step, refunds by two people."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from payments import service
from payments.gateways.base import RefundSeen
from payments.models import Means, Payment, Provider, Refund
from payments.refunds import service as refunds
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus as S
from payments.status import RefundStatus
from shared.debtors.service import lock_debtor
from shared.documents.models import Document
from shared.invoices.models import Invoice
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from tests.support.people import SYSTEM


@pytest.fixture
def paid(world):
    """Dora paid 120.00 by card."""
    with transaction() as session:
        draft = PaymentDraft("a1", Means.CARD, Provider.STRIPE, [Part(world.late, 12_000)])
        payment = service.start(session, lock_debtor(session, world.dora), draft, by=SYSTEM)
        service.advance(session, payment.id, S.SUBMITTED, by=SYSTEM)
        service.advance(session, payment.id, S.CONFIRMED, by=SYSTEM, facts=Facts(provider_reference="pi_1"))
    return payment.id


def references(page) -> list[str]:
    return re.findall(r">(PAY-[A-Z0-9-]+)<", page.text)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("state=received", 1),
        ("state=in_flight", 0),
        ("state=returned", 0),
        ("state=refund_asked", 0),
        ("means=card", 1),
        ("means=debit", 0),
        ("means=rubbish", 1),
        ("from=10/3/2026", 1),
        ("to=9/3/2026", 0),
        ("from=rubbish", 1),
        ("q=pi_1", 1),
        ("q=dora", 1),
        ("q=nobody", 0),
    ],
)
def test_filters_narrow_the_list(ines, world, paid, query, count):
    assert len(references(ines.get(f"/payments?{query}"))) == count


def test_every_step_and_leg_is_told(ines, world, paid):
    page = ines.get(f"/payments/{paid}").text

    for word in ("Being prepared", "With the provider", "Confirmed", "Held by Stripe", "Receivable", "F-2026-001"):
        assert word in page


def test_a_small_refund_needs_one_person_and_a_large_one_two(ines, world, paid):
    ines.post(f"/payments/{paid}/refunds", {"amount": "20", "reason": "goodwill", "is_owed": "no"})
    with transaction() as session:
        from shared.company.models import Company

        session.get_one(Company, world.company).four_eyes_minor = 5_000
    ines.post(f"/payments/{paid}/refunds", {"amount": "80", "reason": "returned goods", "is_owed": "yes"})
    with reading() as session:
        small, large = session.scalars(select(Refund).order_by(Refund.id)).all()
    assert (small.status, large.status) == (RefundStatus.APPROVED, RefundStatus.ASKED)

    assert ines.post(f"/payments/{paid}/refunds/{large.id}/approve").status_code == 403
    ines.add("charles@guichet.example", Role.MANAGER)
    charles = ines.other()
    charles.sign_in("charles@guichet.example")
    assert len(references(charles.get("/payments?state=refund_asked"))) == 1
    assert charles.post(f"/payments/{paid}/refunds/{large.id}/approve").status_code == 303

    with reading() as session:
        assert session.get_one(Refund, large.id).status is RefundStatus.APPROVED


@pytest.mark.parametrize("answer", ["owed", "forgiven"])
def test_staff_decide_what_becomes_of_what_a_refund_opened(ines, world, paid, answer):
    open_minor, action = {"owed": (12_000, "asked_again"), "forgiven": (0, "given_up")}[answer]
    with transaction() as session:
        asked = refunds.ask(session, payment_id=paid, minor=12_000, reason="goodwill", by=SYSTEM, is_owed=True)
        session.flush()
        refunds.align(
            session, session.get_one(Payment, paid), RefundSeen("re_1", 12_000, RefundStatus.DONE, asked.id), by=SYSTEM
        )
        identity = asked.id
    page = ines.get(f"/payments/{paid}").text
    assert "Owed after all" in page
    assert "Not owed" in page

    assert ines.post(f"/payments/{paid}/refunds/{identity}/{answer}").status_code == 303

    page = ines.get(f"/payments/{paid}").text
    assert "Owed after all" not in page
    with reading() as session:
        assert session.scalars(select(Invoice.open_minor).where(Invoice.number == "F-2026-001")).one() == open_minor
        assert (
            session.scalars(select(AuditLine).where(AuditLine.action == f"refund.{action}")).one().actor_kind == "staff"
        )
    assert ines.post(f"/payments/{paid}/refunds/{identity}/{answer}").status_code == 409


@pytest.mark.parametrize(("amount", "status"), [("120.01", 409), ("0", 422), ("x", 422)])
def test_no_more_goes_back_than_came(ines, world, paid, amount, status):
    assert (
        ines.post(f"/payments/{paid}/refunds", {"amount": amount, "reason": "x", "is_owed": "no"}).status_code == status
    )
    with reading() as session:
        assert session.scalars(select(Refund)).all() == []


def test_a_payment_by_a_provider_is_not_undone_by_hand(ines, world, paid):
    assert ines.post(f"/payments/{paid}/undo", {"reason": "x", "is_owed": "no"}).status_code == 409
    with reading() as session:
        assert session.get_one(Payment, paid).status is S.CONFIRMED


def test_an_agent_asks_for_no_refund(desk, world, paid):
    desk.add(role=Role.AGENT)
    desk.sign_in()

    assert desk.post(f"/payments/{paid}/refunds", {"amount": "1", "reason": "x", "is_owed": "no"}).status_code == 403
    assert "Refund" not in re.findall(r"<summary[^>]*>.*?</summary>", desk.get(f"/payments/{paid}").text)


def test_the_receipt_of_a_payment_that_came_is_a_pdf_in_the_debtors_language(ines, world, paid):
    page = ines.get(f"/payments/{paid}").text
    assert f"/payments/{paid}/receipt.pdf" in page

    paper = ines.get(f"/payments/{paid}/receipt.pdf")

    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF-")
    assert paper.headers["Content-Disposition"].startswith("attachment")
    with reading() as session:
        assert session.scalars(select(Document.language)).one() == "fr"


def test_there_is_no_receipt_for_a_payment_that_went_back_or_that_is_somebody_elses(ines, world, paid):
    with transaction() as session:
        session.get_one(Payment, paid).status = S.CHARGED_BACK
    assert ines.get(f"/payments/{paid}/receipt.pdf").status_code == 404
    assert "receipt.pdf" not in ines.get(f"/payments/{paid}").text
    assert ines.get(f"/payments/{uuid.uuid4()}/receipt.pdf").status_code == 404
