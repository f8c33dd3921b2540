"""Invoices at the desk: filters, one invoice, legal hold."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from shared.debtors.service import lock_debtor
from shared.invoices.models import Freeze, Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM, an_invoice


def numbers(page) -> list[str]:
    return re.findall(r"/invoices/[0-9a-f-]{36}\">([^<]+)<", page.text)


def test_the_list_begins_with_what_is_open_the_oldest_due_first(ines, world):
    assert numbers(ines.get("/invoices")) == ["F-2026-001", "F-2026-002"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=late", ["F-2026-001"]),
        ("age=0", ["F-2026-002"]),
        ("age=1", ["F-2026-001"]),
        ("age=2", []),
        ("least=100", ["F-2026-001"]),
        ("most=100", ["F-2026-002"]),
        ("state=paid", []),
        ("state=notes", []),
        ("state=frozen", []),
        ("q=f-2026-00", ["F-2026-001", "F-2026-002"]),
        ("q=dora", ["F-2026-001", "F-2026-002"]),
        ("q=2026", []),
        ("q=X-1&state=all", []),
        ("sort=-open", ["F-2026-001", "F-2026-002"]),
        ("least=lots", ["F-2026-001", "F-2026-002"]),
        ("debtor=rubbish", ["F-2026-001", "F-2026-002"]),
    ],
)
def test_filters_narrow_the_list(ines, world, query, found):
    assert numbers(ines.get(f"/invoices?{query}")) == found


def test_credit_notes_count_negative_in_the_totals(ines, world):
    with transaction() as session:
        an_invoice(session, lock_debtor(session, world.dora), "A-1", 3_000, kind=InvoiceKind.CREDIT_NOTE)

    page = ines.get("/invoices?state=all").text

    assert "Total of 3 invoices" in page
    assert "€170.00" in page


def test_one_invoice_shows_its_ledger(ines, world):
    page = ines.get(f"/invoices/{world.late}").text

    assert "Receivable" in page
    assert "Sales" in page
    assert "10 days late" in page


def test_a_legal_hold_freezes_all_that_is_open_until_it_is_lifted(ines, world):
    ines.post(f"/invoices/{world.late}/hold", {"reason": "At the lawyer's"})

    with reading() as session:
        assert session.get_one(Invoice, world.late).frozen_minor == 12_000
        freeze = session.scalars(select(Freeze.id)).one()
    assert "At the lawyer" in ines.get(f"/invoices/{world.late}").text
    assert ines.post(f"/invoices/{world.late}/hold", {"reason": "again"}).status_code == 409

    ines.post(f"/invoices/{world.late}/lift/{freeze}")
    ines.post(f"/invoices/{world.late}/lift/{freeze}")

    with reading() as session:
        assert session.get_one(Invoice, world.late).frozen_minor == 0
        lines = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == world.late)).all()
    assert lines == ["invoice.held", "invoice.lifted"]


def test_a_hold_of_another_invoice_is_not_lifted_from_here(ines, world):
    ines.post(f"/invoices/{world.late}/hold", {"reason": "x"})
    with reading() as session:
        freeze = session.scalars(select(Freeze.id)).one()

    assert ines.post(f"/invoices/{world.coming}/lift/{freeze}").status_code == 404
    assert ines.post(f"/invoices/{world.late}/lift/{uuid.UUID(int=1)}").status_code == 404


def test_the_paper_is_a_download(ines, world):
    answer = ines.get(f"/invoices/{world.late}.pdf")

    assert answer.data[:5] == b"%PDF-"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert ines.get(f"/debtors/{world.dora}/statement.xlsx").data[:2] == b"PK"


def test_a_promised_invoice_is_shown_with_its_day_instead_of_its_lateness(ines, world):
    assert "days late" in ines.get("/invoices").text
    with transaction() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == "F-2026-001")).one()
        draft = PromiseDraft(
            attempt="one",
            parts=[Part(invoice.id, invoice.open_minor)],
            promised_on=clock.today() + timedelta(days=5),
        )
        promises.give(session, debtor_id=world.dora, draft=draft, by=SYSTEM)

    for page in ("/invoices", f"/debtors/{world.dora}"):
        text = ines.get(page).text
        assert "Promised for" in text
        assert "days late</span></td>" not in text


def test_an_invoice_that_is_no_longer_in_the_books_is_cancelled_with_a_reason(ines, world):
    with reading() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == "F-2026-001")).one()

    ines.post(f"/invoices/{invoice.id}/cancel", {"reason": ""})
    with reading() as session:
        assert session.get_one(Invoice, invoice.id).open_minor == invoice.open_minor
    assert ines.post(f"/invoices/{invoice.id}/cancel", {"reason": "numbered anew"}).status_code == 303

    with reading() as session:
        now = session.get_one(Invoice, invoice.id)
        [line] = session.scalars(select(AuditLine).where(AuditLine.action == "invoice.cancelled")).all()
    assert (now.open_minor, now.total_minor) == (0, invoice.total_minor)
    assert now.cancelled_on is not None
    assert line.after["reason"] == "numbered anew"
    assert "it is no longer in the books" in ines.get(f"/invoices/{invoice.id}").text
    assert ines.post(f"/invoices/{invoice.id}/cancel", {"reason": "again"}).status_code == 409


def hold(world, minor: int) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, world.dora)
        occasion = ledger.Occasion(clock.now(), clock.today(), uuid.uuid4())
        ledger.hold(session, debtor, [Part(world.late, minor)], account=Account.GOCARDLESS, occasion=occasion)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (0, "What was open is taken off."),
        (5_000, "€70.00 is taken off. What a payment under way holds waits for that payment."),
        (12_000, "Cancelled. A payment under way holds all that is open, and nothing is taken off before it ends."),
    ],
)
def test_cancelling_says_what_was_taken_off_and_what_waits_for_a_payment(ines, world, held, said):
    if held:
        hold(world, held)

    ines.post(f"/invoices/{world.late}/cancel", {"reason": "numbered anew"})

    page = ines.get(f"/invoices/{world.late}").text
    assert said in page
    assert held == 0 or "What was open is taken off." not in page


def test_a_credit_note_is_cancelled_by_its_own_name(ines, world):
    with transaction() as session:
        note = an_invoice(session, lock_debtor(session, world.dora), "A-1", 3_000, kind=InvoiceKind.CREDIT_NOTE).id

    assert "Cancel the credit note" in ines.get(f"/invoices/{note}").text
    assert "Cancel the invoice" not in ines.get(f"/invoices/{note}").text
    assert "Cancel the invoice" in ines.get(f"/invoices/{world.late}").text
