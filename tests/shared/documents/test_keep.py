"""Kept papers: made once, the original first, the same bytes ever after."""

from __future__ import annotations

import io
import threading
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import pikepdf
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from shared.debtors.models import Debtor
from shared.documents import facturx, keep, queries, render, service
from shared.documents.facts import InvoiceFacts, NowFacts, StandingFacts, from_json
from shared.documents.models import Document, DocumentKind
from shared.documents.originals import NotAPaperError, check_pdf
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceVat
from shared.kit import clock, files
from shared.kit.aside import Engaged
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.pdf import PaperTooHeavyError
from shared.kit.words import speaking
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from tests.support import papers, schematron
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

TODAY = date(2026, 3, 10)
YEAR = {"since": date(2026, 1, 1), "until": TODAY, "today": TODAY}


@pytest.fixture
def world(database, frozen, settings):
    """One company, Dora with three invoices (lines, total only, net and VAT) and Octave with none."""
    with transaction() as session:
        company = a_company(session)
        dora = a_debtor(session, company, siren="552100554", vat_number="FR31552100554")
        octave = a_debtor(session, company, "411OCTAVE", "Octave")
        with_lines = an_invoice(session, dora, "F-1", 12_660, due_in=5)
        with_lines.net_minor, with_lines.vat_minor = 10_600, 2_060
        add_lines(session, with_lines)
        total_only = an_invoice(session, dora, "F-2", 5_000, due_in=-40)
        summed = an_invoice(session, dora, "F/3", 12_000, due_in=-3)
        summed.net_minor, summed.vat_minor = 10_000, 2_000
        foreign = an_invoice(session, octave, "F-9")
        return {
            "dora": dora.id,
            "octave": octave.id,
            "lines": with_lines.id,
            "total": total_only.id,
            "summed": summed.id,
            "foreign": foreign.id,
        }


def add_lines(session, invoice: Invoice) -> None:
    rows = [("Lampes", 2, "50", "20", 10_000), ("Guide", 6, "1", "10", 600)]
    for position, (text, quantity, price, rate, net) in enumerate(rows, start=1):
        session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                position=position,
                description=text,
                quantity=Decimal(quantity),
                unit_price=Decimal(price),
                vat_rate=Decimal(rate),
                net_minor=net,
            )
        )
    session.add(InvoiceVat(invoice_id=invoice.id, rate=Decimal(20), base_minor=10_000, vat_minor=2_000))
    session.add(InvoiceVat(invoice_id=invoice.id, rate=Decimal(10), base_minor=600, vat_minor=60))


def documents_count() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Document)) or 0


def text_of(content: bytes) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\u202f", " ")


def test_an_invoice_of_the_books_becomes_a_valid_factur_x(world):
    made = keep.invoice(world["lines"])

    assert made.is_electronic
    assert made.name == "Facture F-1.pdf"
    with pikepdf.open(io.BytesIO(made.content)) as document:
        xml = document.attachments["factur-x.xml"].get_file().read_bytes()
    assert schematron.failed_assertions(xml) == []
    assert b"<ram:GrandTotalAmount>126.60</ram:GrandTotalAmount>" in xml


def test_an_invoice_is_made_once_and_stays_the_same_when_the_debtor_moves(world):
    first = keep.invoice(world["lines"])
    with transaction() as session:
        session.get_one(Debtor, world["dora"]).name = "Dora et Fille"

    second = keep.invoice(world["lines"])

    assert second.content == first.content
    assert second.sha256 == first.sha256
    assert documents_count() == 1


def test_two_requests_at_once_serve_the_same_bytes(world):
    barrier = threading.Barrier(2)
    found: list[keep.KeptFile] = []

    def ask() -> None:
        barrier.wait()
        found.append(keep.invoice(world["lines"]))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({file.sha256 for file in found}) == 1
    assert len({file.document_id for file in found}) == 1
    assert documents_count() == 1


def test_net_and_vat_that_leave_no_doubt_become_one_line(world):
    made = keep.invoice(world["summed"])

    with reading() as session:
        facts, _parties = queries.invoice_facts(session, world["summed"])
    assert [(line.vat_rate, line.net) for line in facts.lines] == [(Decimal(20), Money(10_000))]
    assert facturx.faults(facts) == []
    assert made.is_electronic


def test_a_total_alone_becomes_a_summary_that_does_not_pass_for_the_original(world):
    made = keep.invoice(world["total"])

    assert not made.is_electronic
    assert made.name == "Récapitulatif de la facture F-2.pdf"
    assert "ne remplace pas l’original" in text_of(made.content)
    with pikepdf.open(io.BytesIO(made.content)) as document:
        assert len(document.attachments) == 0


def test_the_facts_of_a_paper_are_kept_and_read_back(world):
    keep.invoice(world["lines"])

    with reading() as session:
        kept = queries.find_document(session, DocumentKind.INVOICE, world["lines"])
        facts, _parties = queries.invoice_facts(session, world["lines"])
    assert kept is not None
    assert from_json(InvoiceFacts, kept.facts) == facts


def test_the_paper_of_an_invoice_keeps_what_was_true_at_issue_and_says_how_it_stands_now(world):
    plain = keep.invoice(world["lines"])
    with transaction() as session:
        session.get_one(Debtor, world["dora"]).name = "Another name since"
    part = NowFacts(kind="promised", amount=Money(1_000), on=TODAY + timedelta(days=9))
    now = StandingFacts(open=Money(5_000), to_pay=Money(5_000), parts=(part,))

    today = keep.invoice(world["lines"], (now, None))
    again = keep.invoice(world["lines"], (now, None))
    paid = keep.invoice(world["lines"], (StandingFacts(open=Money(0), to_pay=Money(0)), None))

    assert again.sha256 == today.sha256 != plain.sha256
    shown = " ".join(text_of(today.content).split())
    assert "50,00 € à régler" in shown
    assert "Promis pour le" in shown
    assert "Another name since" not in shown
    assert "Cette facture est réglée" in text_of(paid.content)
    assert "IBAN" not in text_of(paid.content)
    assert keep.invoice(world["lines"]).sha256 == plain.sha256


def test_a_credit_note_names_its_invoice(world):
    with transaction() as session:
        dora = session.get_one(Debtor, world["dora"])
        note = an_invoice(session, dora, "A-1", 12_660, kind=InvoiceKind.CREDIT_NOTE)
        note.net_minor, note.vat_minor, note.credits_invoice_id = 10_600, 2_060, world["lines"]
        add_lines(session, note)

    made = keep.invoice(note.id)

    assert made.is_electronic
    assert made.name == "Avoir A-1.pdf"
    assert "F-1 du" in text_of(made.content)


def test_an_original_is_served_as_it_came(world):
    original = papers_pdf()
    keep.invoice(world["lines"])
    with transaction() as session:
        service.attach_original(session, invoice_id=world["lines"], content=original, name="../../F 1.PDF", by=SYSTEM)

    served = keep.invoice(world["lines"])

    assert served.content == original
    assert served.is_original
    assert served.name == "F 1.PDF"


def test_the_same_original_twice_is_one_and_a_newer_one_takes_over(world):
    first, second = papers_pdf(), papers_pdf("corrected")
    with transaction() as session:
        before = service.attach_original(session, invoice_id=world["total"], content=first, name="a.pdf", by=SYSTEM)
        again = service.attach_original(session, invoice_id=world["total"], content=first, name="b.pdf", by=SYSTEM)
        assert again.id == before.id
    clock_forward()
    with transaction() as session:
        service.attach_original(session, invoice_id=world["total"], content=second, name="c", by=SYSTEM)

    served = keep.invoice(world["total"])

    assert served.content == second
    assert served.name == "c.pdf"
    assert documents_count() == 2


def clock_forward() -> None:
    clock.set_clock(clock.FrozenClock(clock.now() + timedelta(hours=1)))


def papers_pdf(text: str = "original") -> bytes:
    from shared.kit import pdf

    return pdf.render(f"<html lang=fr><title>x</title><p>{text}</p></html>")


def pdf_with(change) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(papers_pdf())) as document:
        change(document)
        document.save(out)
    return out.getvalue()


def locked_pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(papers_pdf())) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    return out.getvalue()


def with_script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def with_launch(document: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe")
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
    document.pages[0].Annots = document.make_indirect([link])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: b"", "not a PDF"),
        (lambda: b"<html>%PDF", "not a PDF"),
        (lambda: b"%PDF-1.7 nothing more", "damaged"),
        (lambda: papers_pdf()[:300], "damaged"),
        (lambda: b"%PDF-" + b"\0" * (21 * 1024 * 1024), "larger than 20 MB"),
        (locked_pdf, "password"),
        (lambda: pdf_with(with_script), "contains a program"),
        (lambda: pdf_with(with_launch), "contains a program"),
    ],
)
def test_what_is_no_honest_pdf_is_refused_in_plain_words(content, reason: str):
    with pytest.raises(NotAPaperError, match=reason):
        check_pdf(content())


def test_a_factur_x_may_be_an_original(world):
    from shared.documents import render

    check_pdf(render.invoice(papers.invoice()).content)


def test_a_missing_invoice_is_not_found(world):
    with pytest.raises(NotFound):
        keep.invoice(new_id())


def test_making_a_paper_inside_a_transaction_is_a_bug(world):
    with transaction(), pytest.raises(RuntimeError, match="inside a database transaction"):
        keep.invoice(world["lines"])


def test_a_statement_tells_what_the_ledger_tells(world):
    payment = new_id()
    with transaction() as session:
        dora = session.get_one(Debtor, world["dora"])
        when = ledger.Occasion(at=clock.now(), value_on=TODAY, payment_id=payment)
        ledger.settle_directly(
            session, dora, account=Account.BANK, minor=7_000, parts=[Part(world["total"], 5_000)], occasion=when
        )

    with reading() as session:
        facts, _parties = queries.statement_facts(session, world["dora"], **YEAR)
        dora = session.get_one(Debtor, world["dora"])
        owed = dora.open_minor - dora.credit_minor

    assert facts.closing == Money(owed) == Money(12_660 + 5_000 + 12_000 - 7_000)
    assert sum((item.open for item in facts.open_items), Money.zero()) == facts.closing
    assert [item.number for item in facts.open_items] == ["F/3", "F-1", ""]
    assert facts.open_items[-1].kind == "credit"
    assert facts.movements[-1].credit == Money(7_000)
    assert facts.movements[-1].reference.startswith("PAY-")


def test_opening_and_movements_make_the_closing_balance_from_any_day(world):
    for since in (date(2025, 1, 1), date(2026, 1, 30), date(2026, 2, 6), TODAY):
        with reading() as session:
            facts, _parties = queries.statement_facts(session, world["dora"], since=since, until=TODAY, today=TODAY)
        balance = facts.opening
        for movement in facts.movements:
            balance += movement.debit or Money.zero()
            balance -= movement.credit or Money.zero()
        assert balance == facts.closing


def test_a_statement_of_the_past_shows_what_was_open_then(world):
    with transaction() as session:
        dora = session.get_one(Debtor, world["dora"])
        when = ledger.Occasion(at=clock.now(), value_on=TODAY)
        ledger.settle_directly(
            session, dora, account=Account.BANK, minor=5_000, parts=[Part(world["total"], 5_000)], occasion=when
        )

    with reading() as session:
        facts, _parties = queries.statement_facts(
            session, world["dora"], since=date(2026, 1, 1), until=TODAY - timedelta(days=1), today=TODAY
        )

    assert "F-2" in [item.number for item in facts.open_items]


def test_a_payment_in_flight_is_in_progress_and_moves_nothing(world):
    with transaction() as session:
        dora = session.get_one(Debtor, world["dora"])
        when = ledger.Occasion(at=clock.now(), value_on=TODAY, payment_id=new_id())
        ledger.hold(session, dora, [Part(world["total"], 5_000)], account=Account.STRIPE, occasion=when)

    with reading() as session:
        facts, _parties = queries.statement_facts(session, world["dora"], **YEAR)

    [held] = [item for item in facts.open_items if item.number == "F-2"]
    assert held.in_progress == held.open == Money(5_000)
    assert all(movement.credit is None for movement in facts.movements)


def test_the_same_statement_asked_twice_is_one_file(world):
    first = keep.statement(world["dora"], **YEAR)
    second = keep.statement(world["dora"], **YEAR)
    english = keep.statement(world["dora"], **YEAR, language="en")

    assert first.document_id == second.document_id
    assert english.document_id != first.document_id
    assert "Relevé de compte" in text_of(first.content)
    assert "Account statement" in text_of(english.content)


def test_the_workbook_of_a_statement_has_every_movement(world):
    paper = keep.statement_table(world["dora"], **YEAR, language="en")

    book = CalamineWorkbook.from_filelike(io.BytesIO(paper.content))
    rows = book.get_sheet_by_name("Movements").to_python()
    assert rows[0] == ["Date", "Movement", "Reference", "Charges", "Settlements", "Balance"]
    assert [row[2] for row in rows[2:-1]] == ["F/3", "F-1"]
    assert rows[-1][-1] == 296.6


def test_a_statement_backwards_in_time_is_refused(world):
    with pytest.raises(Invalid):
        keep.statement(world["dora"], since=TODAY, until=TODAY - timedelta(days=1), today=TODAY)


def test_a_receipt_is_made_once_before_and_once_after_the_money_is_final(world):
    payment = new_id()
    waiting = papers.receipt(company=papers.SELLER)

    first = keep.receipt(waiting, debtor_id=world["dora"], payment_id=payment)
    again = keep.receipt(papers.receipt(amount=Money(1)), debtor_id=world["dora"], payment_id=payment)
    final = keep.receipt(papers.receipt(is_final=True), debtor_id=world["dora"], payment_id=payment)

    assert again.content == first.content
    assert final.document_id != first.document_id
    assert "Sous réserve d’encaissement" in text_of(first.content)
    assert "Sous réserve" not in text_of(final.content)


def test_a_mandate_is_kept_as_it_was_given(world):
    mandate = new_id()

    first = keep.mandate(papers.mandate(), debtor_id=world["dora"], mandate_id=mandate)
    again = keep.mandate(papers.mandate(bank_name="Another"), debtor_id=world["dora"], mandate_id=mandate)

    assert again.content == first.content


def test_a_bundle_holds_the_chosen_invoices_under_names_of_their_own(world):
    pieces = list(keep.bundle(world["dora"], [world["lines"], world["summed"], world["lines"]]))

    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["F-1.pdf", "F-3.pdf"]
        assert archive.read("F-1.pdf") == keep.invoice(world["lines"]).content


def test_a_bundle_leaves_a_very_long_invoice_out_and_says_so(world, monkeypatch):
    monkeypatch.setattr(render, "ROWS_AT_ONCE", 1)
    with speaking("en"):
        pieces = keep.bundle(world["dora"], [world["lines"], world["summed"]])
    whole = b"".join(pieces)

    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["F-3.pdf", "Not in this archive.txt"]
        said = archive.read("Not in this archive.txt").decode("utf-8-sig")
    assert said.splitlines() == [
        "These invoices are too long for an archive. Download each of them from its own page:",
        "F-1",
    ]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (PaperTooHeavyError("too much"), "too long for an archive"),
        (Engaged("lane.full", "many"), "Many papers were being made at that moment"),
    ],
)
def test_a_bundle_in_which_one_cannot_be_made_on_the_way_is_whole_and_says_which(world, monkeypatch, refusal, words):
    made = render.invoice

    def make(facts, *rest, **named):
        if facts.number == "F-1":
            raise refusal
        return made(facts, *rest, **named)

    monkeypatch.setattr(render, "invoice", make)
    with speaking("en"):
        pieces = keep.bundle(world["dora"], [world["lines"], world["summed"]])
    whole = b"".join(pieces)

    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["F-3.pdf", "Not in this archive.txt"]
        said = archive.read("Not in this archive.txt").decode("utf-8-sig")
    assert words in said
    assert said.splitlines()[1:] == ["F-1"]


def test_a_bundle_with_another_debtors_invoice_is_not_found_before_the_first_byte(world):
    with pytest.raises(NotFound):
        keep.bundle(world["dora"], [world["lines"], world["foreign"]])

    assert documents_count() == 0


def test_an_empty_or_huge_bundle_is_refused(world):
    with pytest.raises(Invalid):
        keep.bundle(world["dora"], [])
    with pytest.raises(Invalid):
        keep.bundle(world["dora"], [new_id() for _ in range(keep.MOST_IN_BUNDLE + 1)])


def test_a_damaged_file_is_never_served(world, settings):
    made = keep.invoice(world["lines"])
    files.get_store().path(made.sha256).write_bytes(b"%PDF-1.7 something else")

    with pytest.raises(NotFound):
        keep.invoice(world["lines"])
