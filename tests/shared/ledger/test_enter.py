"""An invoice is entered with its lines: cents rounded half up, VAT once a rate, one number once, and its issue in the books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceSource, InvoiceVat
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.models import Kind, Transfer
from tests.support.people import SYSTEM, a_company, a_debtor

ISSUED, DUE = date(2026, 3, 2), date(2026, 4, 1)


def line(price: str, *, text: str = "Oak", **more) -> LineDraft:
    decimals = {name: Decimal(value) for name, value in more.items() if name in ("quantity", "vat_rate")}
    return LineDraft(text, Decimal(price), **(more | decimals))


def put(book, *lines: LineDraft, number: str = "E-1", debtor_id=None, issued_on: date = ISSUED, **more) -> Invoice:
    with transaction() as session:
        debtor = session.get_one(Debtor, debtor_id or book.debtor_id, with_for_update=True)
        return enter(session, debtor, InvoiceDraft(number, issued_on, DUE, lines, **more), by=SYSTEM)


def rows_of(model, invoice: Invoice, order) -> list:
    with reading() as session:
        return list(session.scalars(select(model).where(model.invoice_id == invoice.id).order_by(order)))


def vat_of(invoice: Invoice) -> list[tuple[str, str, int, int]]:
    rows = rows_of(InvoiceVat, invoice, InvoiceVat.rate)
    return [(row.category, str(row.rate), row.base_minor, row.vat_minor) for row in rows]


def totals(invoice: Invoice) -> tuple[int, int, int, int]:
    return (invoice.net_minor, invoice.vat_minor, invoice.total_minor, invoice.open_minor)


def refused(book, *lines: LineDraft, **more) -> str:
    with pytest.raises(Invalid) as error:
        put(book, *lines, **more)
    return error.value.code


def test_half_a_cent_of_a_line_is_rounded_up_and_less_is_not(book):
    made = put(book, line("0.335", quantity="3"), line("0.334", quantity="1"), line("0.1", vat_rate="0"))
    assert [row.net_minor for row in rows_of(InvoiceLine, made, InvoiceLine.position)] == [101, 33, 10]


def test_vat_is_computed_once_for_all_lines_of_a_rate(book):
    made = put(book, *(line("0.02") for _ in range(3)), line("10", vat_rate="5.5"))
    # 20 % of 6 cents is one cent; line by line, 20 % of 2 cents would be nothing
    assert vat_of(made) == [("S", "5.50", 1_000, 55), ("S", "20.00", 6, 1)]
    assert totals(made) == (1_006, 56, 1_062, 1_062)


def test_half_a_cent_of_vat_is_rounded_up(book):
    assert vat_of(put(book, line("0.10", vat_rate="5"))) == [("S", "5.00", 10, 1)]
    assert vat_of(put(book, line("0.09", vat_rate="5"), number="E-2")) == [("S", "5.00", 9, 0)]


def test_one_rate_of_two_categories_is_two_rows_of_vat(book):
    made = put(
        book,
        line("1", vat_rate="0", vat_category="E"),
        line("2", vat_rate="0", vat_category="AE"),
        exemptions={"E": "Article 261"},
    )
    rows = rows_of(InvoiceVat, made, InvoiceVat.category)
    assert [(row.category, row.base_minor, row.exemption_reason) for row in rows] == [
        ("AE", 200, ""),
        ("E", 100, "Article 261"),
    ]


def test_an_invoice_in_yen_has_no_hundredths(book):
    with transaction() as session:
        company = a_company(session, "tokyo", siren="552100554")
        debtor_id = a_debtor(session, company, "411YEN", "Yen", currency="JPY").id
    made = put(book, line("1250.5"), debtor_id=debtor_id)
    assert (totals(made), made.currency) == ((1_251, 250, 1_501, 1_501), "JPY")


def test_a_document_without_lines_or_without_money_is_refused_and_a_cent_is_money(book):
    assert refused(book) == "invoice.empty"
    assert refused(book, line("0")) == "invoice.total"
    assert refused(book, line("5"), line("-5")) == "invoice.total"
    assert refused(book, line("5"), line("-6")) == "invoice.total"
    assert totals(put(book, line("0.01", vat_rate="0"))) == (1, 0, 1, 1)


def test_a_total_that_only_vat_lifts_above_zero_is_a_total(book):
    made = put(book, line("-1", vat_rate="0"), line("1", vat_rate="20"))
    assert totals(made) == (0, 20, 20, 20)


def test_a_number_is_taken_once_for_each_debtor_and_each_kind(book):
    put(book, line("1"))
    assert refused(book, line("2")) == "invoice.number_taken"
    assert put(book, line("1"), kind=InvoiceKind.CREDIT_NOTE).number == "E-1"
    with transaction() as session:
        other = a_debtor(session, a_company(session, "other", siren="552100554"), "411EVE", "Eve").id
    assert put(book, line("1"), debtor_id=other).debtor_id == other
    assert put(book, line("1"), number="E-2").number == "E-2"


@pytest.mark.parametrize(
    ("given", "fits"), [(2_000, True), (2_002, True), (1_998, True), (2_003, False), (1_997, False)]
)
def test_vat_given_by_another_document_may_differ_by_a_cent_a_line(book, given, fits):
    lines, taxes = (line("40"), line("60")), {("S", Decimal(20)): given}
    if not fits:
        assert refused(book, *lines, taxes=taxes) == "invoice.vat"
        return
    made = put(book, *lines, taxes=taxes)
    assert (vat_of(made), totals(made)) == (
        [("S", "20.00", 10_000, given)],
        (10_000, given, 10_000 + given, 10_000 + given),
    )


def test_vat_given_for_a_rate_that_no_line_has_is_refused(book):
    assert refused(book, line("1"), taxes={("S", Decimal("5.5")): 0}) == "invoice.vat"
    assert refused(book, line("1"), taxes={("E", Decimal(20)): 20}) == "invoice.vat"


def test_the_document_says_what_was_drafted(book):
    first = put(book, line("3"))
    made = put(
        book,
        line("2.5", text="Oak", quantity="4", unit="m", vat_rate="10"),
        line("1", text="Ash"),
        number="E-9",
        kind=InvoiceKind.CREDIT_NOTE,
        title="Stairs",
        order_reference="PO-7",
        credits_invoice_id=first.id,
    )
    with reading() as session:
        row = session.get_one(Invoice, made.id)
        company_id = session.get_one(Debtor, book.debtor_id).company_id
    assert (row.company_id, row.debtor_id, row.kind, row.number) == (
        company_id,
        book.debtor_id,
        InvoiceKind.CREDIT_NOTE,
        "E-9",
    )
    assert (row.title, row.order_reference, row.credits_invoice_id) == ("Stairs", "PO-7", first.id)
    assert (row.issued_on, row.due_on, row.currency, row.source) == (ISSUED, DUE, "EUR", InvoiceSource.ENTERED)
    assert row.created_at == clock.now()
    lines = rows_of(InvoiceLine, made, InvoiceLine.position)
    assert [
        (each.position, each.description, str(each.quantity), each.unit, str(each.unit_price)) for each in lines
    ] == [
        (1, "Oak", "4.0000", "m", "2.5000"),
        (2, "Ash", "1.0000", "", "1.0000"),
    ]
    assert [(str(each.vat_rate), each.vat_category, each.net_minor) for each in lines] == [
        ("10.00", "S", 1_000),
        ("20.00", "S", 100),
    ]


def test_an_invoice_and_a_credit_note_move_what_is_owed_to_opposite_sides(book):
    put(book, line("1"))
    assert book.debtor == (510 + 120, 0, 0)
    put(book, line("2"), kind=InvoiceKind.CREDIT_NOTE)
    assert book.debtor == (510 + 120 - 240, 0, 0)


@pytest.mark.parametrize(
    ("issued_on", "value_on"),
    [
        (date(2026, 3, 2), date(2026, 3, 2)),
        (date(2026, 3, 10), date(2026, 3, 10)),
        (date(2026, 3, 20), date(2026, 3, 10)),
    ],
)
def test_the_books_never_move_on_a_day_that_has_not_come(book, issued_on, value_on):
    assert issue_day(put(book, line("1"), issued_on=issued_on)) == value_on


def test_the_day_in_the_books_is_that_of_the_companys_zone(book, frozen):
    with transaction() as session:
        far = a_company(session, "noumea", siren="552100554", zone="Pacific/Noumea")
        debtor_id = a_debtor(session, far, "411NOU", "Nou").id
    frozen.advance(hours=6)  # 15:00 in UTC and 16:00 in Paris, two in the morning of the next day in Noumea
    assert issue_day(put(book, line("1"), debtor_id=debtor_id, issued_on=date(2026, 3, 20))) == date(2026, 3, 11)


def issue_day(invoice: Invoice) -> date:
    with reading() as session:
        query = select(Transfer).where(Transfer.kind == Kind.ISSUE, Transfer.credit_owner.is_(None))
        row = session.scalars(query.where(Transfer.debit_owner == invoice.id)).one()
        assert (row.amount_minor, row.at) == (invoice.total_minor, clock.now())
        return row.value_on


def test_what_is_not_drafted_is_not_said(book):
    made = put(book, line("1"))
    assert (made.title, made.order_reference, made.credits_invoice_id) == ("", "", None)
    assert made.kind is InvoiceKind.INVOICE
    (row,) = rows_of(InvoiceLine, made, InvoiceLine.position)
    assert (row.unit, row.quantity, row.vat_rate, row.vat_category) == ("", 1, 20, "S")


def test_who_entered_a_document_is_kept(book):
    made = put(book, line("1"))
    with reading() as session:
        row = session.scalars(select(AuditLine).where(AuditLine.action == "invoice.entered")).one()
    assert (row.subject_type, row.subject_id, row.actor_name) == ("invoice", made.id, SYSTEM.name)
    assert (row.company_id, row.debtor_id) == (made.company_id, book.debtor_id)
    assert row.after == {"number": "E-1", "minor": 120, "kind": "invoice"}


def test_what_is_refused_leaves_nothing(book):
    assert refused(book, line("5"), line("-5")) == "invoice.total"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(InvoiceLine)) == 0
        assert session.scalar(select(AuditLine.id).where(AuditLine.action == "invoice.entered")) is None
