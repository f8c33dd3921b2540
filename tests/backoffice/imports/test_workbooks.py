"""Workbooks as people keep them: several sheets, hidden ones, other programs' formats, and what a ZIP may do to a reader."""

from __future__ import annotations

import io
import uuid
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import text

from backoffice.imports import run, xlsx
from backoffice.imports.faults import Unreadable
from backoffice.imports.invoice_rows import Choices, read_table
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.questions import Questions
from backoffice.imports.sentences import place
from backoffice.imports.source import Source, kind_of
from backoffice.imports.tables import shape_of
from backoffice.imports.weigh import weigh
from shared.kit.actors import Actor
from shared.kit.db import reading

HERE = Path(__file__).resolve().parents[2] / "data" / "imports"
HEADINGS = ["Code client", "N° facture", "Date facture", "Montant TTC"]
BY = Actor.system("test")
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
BOOK = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="Ventes">{}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)


def book(**sheets: list[list[object]]) -> bytes:
    """A workbook of sheets by name; a name that ends in "_" is hidden, one in capitals is on top."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as made:
        for name, table in sheets.items():
            sheet = made.add_worksheet(name)
            for at, row in enumerate(table):
                sheet.write_row(at, 0, row)
        top = next((name for name in sheets if name.isupper()), next(n for n in sheets if not n.endswith("_")))
        for name in sheets:
            if name == top:
                made.get_worksheet_by_name(name).activate()
                made.get_worksheet_by_name(name).set_first_sheet()
        for name in sheets:
            if name.endswith("_"):
                made.get_worksheet_by_name(name).hide()
    return out.getvalue()


def ods(rows: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), SPREADSHEET)
        archive.writestr("content.xml", BOOK.format(rows))
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{SPREADSHEET}"/></manifest:manifest>',
        )
    return out.getvalue()


def cells(*values: object, times: int = 1) -> str:
    made = ""
    for value in values:
        if isinstance(value, date):
            made += f'<table:table-cell office:value-type="date" office:date-value="{value}"><text:p>{value}</text:p></table:table-cell>'
        elif isinstance(value, int | float):
            made += f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        else:
            made += f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-row table:number-rows-repeated="{times}">{made}</table:table-row>'


def line(code: str, number: str, amount: float) -> list[object]:
    return [code, number, date(2026, 6, 15), amount]


def answered(**answers: str) -> Choices:
    return Choices(questions=Questions({key.replace("_", "-"): value for key, value in answers.items()}))


def test_a_hidden_sheet_does_not_win():
    content = book(Archive_=[HEADINGS, line("C1", "OLD", 1)], Factures=[HEADINGS, line("C1", "F1", 2)])

    plan = read_table(Source(content))

    assert [i.number for i in plan.items] == ["F1"]
    assert plan.facts["sheet"] == "Factures"


def test_a_hidden_sheet_is_read_only_when_no_other_holds_invoices_and_that_is_told():
    content = book(Notes=[["Bonjour"]], Factures_=[HEADINGS, line("C1", "F1", 2)])

    plan = read_table(Source(content))

    assert [i.number for i in plan.items] == ["F1"]
    assert plan.warning_counts == {"sheet.hidden": 1}


def test_of_several_sheets_with_invoices_a_person_chooses():
    tables = {"Janvier": [HEADINGS, line("C1", "F1", 1)], "FEVRIER": [HEADINGS, line("C1", "F2", 2), line("", "F3", 3)]}
    source = Source(book(**tables))

    asked = read_table(source)
    [question] = asked.questions
    one, both = (read_table(source, answered(file_sheet=answer)) for answer in ("Janvier", "*"))

    assert (question.is_open, list(question.options)) == (True, ["FEVRIER", "Janvier", "*"])
    assert [i.number for i in one.items] == ["F1"]
    assert [i.number for i in both.items] == ["F2", "F1"]
    assert [place(fault) for fault in both.faults] == ["sheet FEVRIER, line 3, column Code client"]
    assert both.facts["sheet"] == "FEVRIER, Janvier"


def test_sheets_with_other_headings_are_not_joined():
    tables = {"Ventes": [HEADINGS, line("C1", "F1", 1)], "Autre": [[*HEADINGS, "Reste dû"], [*line("C1", "F2", 2), 2]]}

    [question] = read_table(Source(book(**tables))).questions

    assert "*" not in question.options


def test_numbers_keep_the_zeros_that_the_workbook_shows():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as made:
        sheet = made.add_worksheet("A & B")
        sheet.write_row(0, 0, [*HEADINGS, "Client", "Code postal", "SIREN", "Téléphone"])
        sheet.write_row(1, 0, line("", "F1", 12))
        for column, value, shown in (
            (0, 7, "0000"), (5, 1000, "00000"), (6, 5880596, "000 000 000"), (7, 612345678, '0#" "##" "##" "##" "##'),
        ):  # fmt: skip
            sheet.write(1, column, value, made.add_format({"num_format": shown}))
        sheet.write(1, 4, "Alpha")
    [debtor] = read_table(Source(out.getvalue())).debtors

    assert (debtor.code, debtor.postcode, debtor.siren, debtor.phone) == ("0007", "01000", "005880596", "0612345678")


def shown(value: float, text: str, *, columns: int = 1, note: str = "") -> str:
    """A number of an ODS, as the spreadsheet writes one that it shows in another way than it is."""
    about = f"<office:annotation><text:p>{note}</text:p></office:annotation>" if note else ""
    return (
        f'<table:table-cell table:number-columns-repeated="{columns}" table:style-name="ce1" office:value-type="float" '
        f'office:value="{value}" calcext:value-type="float">{about}<text:p>{text}</text:p></table:table-cell>'
    )


def ods_row(*made: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(made)}</table:table-row>'


def cell(*values: object) -> str:
    return cells(*values).split(">", 1)[1].removesuffix("</table:table-row>")


@pytest.mark.parametrize("piece", [1024 * 1024, 97])
def test_numbers_of_an_open_document_keep_the_zeros_that_it_shows(monkeypatch, piece):
    monkeypatch.setattr("backoffice.imports.weigh.PIECE", piece)
    headings = ["Code client", "Client", "Code postal", "SIREN", "Téléphone", *HEADINGS[1:]]
    blank = ods_row("<table:table-cell/>", times=3)
    rows = [
        f"<table:table-header-rows>{cells(*headings)}</table:table-header-rows>",
        blank,
        ods_row(
            shown(7, "0007"), cell("Alpha"), shown(1000, "01000"), shown(5880596, "005\u202f880\u202f596"),
            shown(612345678, "06 12 34 56 78"), shown(12, "000012"), cell(date(2026, 6, 15)), shown(0.5, "0.50"),
        ),
        ods_row(
            shown(8, "8", note="0008"), "<table:covered-table-cell/>", shown(75001, "75001"), cell("552100554"), cell(""),
            cell("F2"), cell(date(2026, 6, 15), 24),
        ),
    ]  # fmt: skip

    plan = read_table(Source(ods("".join(rows))))

    one, other = plan.debtors
    assert plan.fault_counts == {}
    assert (one.code, one.postcode, one.siren, one.phone) == ("0007", "01000", "005880596", "0612345678")
    assert (other.code, other.postcode, other.siren) == ("8", "75001", "552100554")
    assert [(item.line, item.number, item.total) for item in plan.items] == [(5, "000012", 50), (6, "F2", 2400)]


def test_repeated_numbers_of_an_open_document_keep_their_zeros_in_every_place():
    rows = ods_row(shown(3, "03"), times=2) + ods_row(shown(3, "3"), shown(1000, "01000", columns=2), times=9)

    notes = weigh(Source(ods(rows)), "ods")

    assert [notes.shown_digits("Ventes", row, column) for row, column in ((2, 1), (3, 1), (3, 2), (11, 3), (12, 3))] == [
        2, 0, 5, 5, 0,
    ]  # fmt: skip


def test_an_old_workbook_that_may_have_lost_zeros_says_in_which_columns():
    plan = read_table(Source(HERE / "old-workbook-zeros.xls"))

    lost = [(told.line, told.column, told.value) for told in plan.warnings if told.code == "code.zeros_lost"]
    assert lost == [
        (2, "Code client", "7"),
        (2, "N° facture", "123"),
        (2, "Code postal", "1000"),
        (2, "SIREN", "5880596"),
        (2, "Téléphone", "612345678"),
    ]


def test_an_old_workbook_whose_codes_are_text_is_read_without_a_remark():
    assert read_table(Source(HERE / "old-workbook.xls")).warning_counts == {}


def test_an_error_in_a_cell_is_no_empty_cell():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, [*HEADINGS, "Reste dû"])
        sheet.write_row(1, 0, line("C1", "F1", 12))
        sheet.write_formula(1, 4, "=1/0", None, "#DIV/0!")

    plan = read_table(Source(out.getvalue()))

    assert [(f.code, f.line, f.column, f.value) for f in plan.faults] == [
        ("amount.unreadable", 2, "Reste dû", "#DIV/0!")
    ]


def test_a_merged_customer_owns_all_its_lines_and_a_merged_amount_counts_once():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for at in (1, 2, 3):
            sheet.write_row(at, 0, line("C9", f"F{at}", 10))
        sheet.merge_range(1, 0, 2, 0, "C1")

    plan = read_table(Source(out.getvalue()))

    assert [(i.debtor, i.number, i.open) for i in plan.items] == [
        ("C1", "F1", 1000),
        ("C1", "F2", 1000),
        ("C9", "F3", 1000),
    ]


def test_a_workbook_is_weighed_once_for_a_reading(monkeypatch):
    weighed = []
    monkeypatch.setattr(xlsx, "weigh", lambda source, kind: weighed.append(kind) or weigh(source, kind))

    plan = read_table(Source(book(A=[HEADINGS, line("C1", "F1", 1)])))

    assert (len(plan.items), weighed) == (1, ["xlsx"])


def test_an_old_workbook_is_read():
    plan = read_table(Source(HERE / "old-workbook.xls"))

    assert plan.form == "xls"
    assert [(i.debtor, i.number, i.issued_on, i.due_on, i.total, i.open) for i in plan.items] == [
        ("C1", "F1", date(2026, 6, 15), date(2026, 7, 15), 120050, 120050),
        ("C2", "F2", date(2026, 6, 16), date(2026, 7, 16), 24000, 0),
    ]


def test_an_open_document_workbook_is_read():
    plan = read_table(Source(ods(cells(*HEADINGS) + cells("C1", "F1", date(2026, 6, 15), 120.5))))

    assert (plan.form, plan.fault_counts) == ("ods", {})
    assert [(i.debtor, i.number, i.issued_on, i.total) for i in plan.items] == [("C1", "F1", date(2026, 6, 15), 12050)]


@pytest.mark.parametrize(
    "rows",
    [
        cells(*HEADINGS) + cells(*["x"] * 40, times=1_000_000),
        cells(*HEADINGS) + '<table:table-row table:number-rows-repeated="1000000"/>' + cells(*["x"] * 40),
        (cells(*["x"] * 40, times=100_000) + "<table:table-header-rows></table:table-header-rows>") * 10,
    ],
)
def test_a_row_repeated_a_million_times_is_refused_before_it_is_laid_out(rows):
    with pytest.raises(Unreadable) as caught:
        shape_of(Source(ods(rows)))

    assert caught.value.fault.code == "xlsx.bomb"


UBL = b'<?xml version="1.0"?>\n<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>1</ID></Invoice>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<?xml version="1.0" encoding="UTF-8"?><comptabilite><exercice/></comptabilite>', "foreign.fec_xml"),
        (b"#FLG 000\r\n#VER 14\r\n#DEV EUR\r\n#MECG\r\nVTE\r\n", "foreign.sage"),
        (b"***S5CLIJRLETE   01011900", "foreign.tra"),
        (
            b"M411DUPONVT000150626FFACTURE 12          ".ljust(41) + b"D+000000012000" + b" " * 70 + b"\r\n",
            "foreign.quadra",
        ),
        (b"    1VT2026061520260715FA12        411DUPONT".ljust(137) + b"O2003\r\n", "foreign.ciel"),
        (b"!TRNS\tTRNSID\tTRNSTYPE\r\n", "foreign.iif"),
        (UBL, "foreign.e_invoice"),
        (b'<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact"/>', "foreign.e_invoice"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>', "foreign.bank"),
        (b"OFXHEADER:100\nDATA:OFXSGML\n", "foreign.bank"),
        (b":20:STARTUMS\r\n:25:12345678/0123456789\r\n", "foreign.bank"),
        (b"\xef\xbb\xbf<html><body><table><tr><td>Client</td></tr></table></body></html>", "foreign.html"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "foreign.spreadsheet_xml"),
        (b'[{"number": "F1", "total": 12.5}]', "foreign.json"),
        (b'{"invoices": [{"number": "F1", ' + b" " * 9000, "foreign.json"),
        (b"{\\rtf1\\ansi}", "foreign.rtf"),
        (b"<root/>", "foreign.xml"),
    ],
)
def test_a_format_that_is_not_read_is_named(content, code):
    assert read_table(Source(content)).fault_counts == {code: 1}


@pytest.mark.parametrize(
    "content", ["M. Dupont;F1\n", "[Client];N° facture\n", "#;Client\n", "C;M\n", "MONTANT;CLIENT\n"]
)
def test_a_table_that_begins_oddly_is_still_a_table(content):
    assert kind_of(Source(content.encode())) == "text"


# Out of the request, and always to an end


def waiting(job: str) -> int:
    with reading() as session:
        return session.scalars(text("SELECT count(*) FROM outbox_message WHERE job = :job"), {"job": job}).one()


def state(run_id: uuid.UUID) -> RunState:
    with reading() as session:
        return session.get_one(ImportRun, run_id).state


def test_a_workbook_that_inflates_is_read_in_the_background(desk, monkeypatch):
    content = book(A=[HEADINGS, *(line("C1", "F" + "1" * 40, 1) for _ in range(5_000))])
    unpacked = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(content)).infolist())
    assert unpacked > 9 * len(content)
    monkeypatch.setattr(run, "READ_AT_ONCE", len(content) + 1)
    monkeypatch.setattr(run, "read", lambda _: pytest.fail("read in the request"))

    run_id = run.offer(content, company_id=desk.company.id, name="big.xlsx", by=BY)
    run.begin(run_id)

    assert (state(run_id), waiting("imports.read")) == (RunState.READING, 1)


def test_a_reading_that_was_cut_off_is_taken_up_and_one_that_never_ends_is_told(desk, frozen, monkeypatch):
    monkeypatch.setattr(run, "read", lambda _: None)  # the process dies here
    run_id = run.offer(book(A=[HEADINGS, line("C1", "F1", 1)]), company_id=desk.company.id, name="a.xlsx", by=BY)
    run.begin(run_id)

    assert waiting("imports.read") == 1
    assert run.end_stale() == 0
    frozen.advance(hours=4)
    assert run.end_stale() == 1

    assert state(run_id) is RunState.FAULTY
    with reading() as session:
        assert session.get_one(ImportRun, run_id).fault_counts == {"file.not_read": 1}


def test_a_second_reading_is_not_ended_because_the_file_was_offered_long_ago(desk, frozen, monkeypatch):
    run_id = run.offer(book(A=[HEADINGS, line("C1", "F1", 1)]), company_id=desk.company.id, name="a.xlsx", by=BY)
    run.begin(run_id)
    frozen.advance(hours=4)
    run.choose(run_id, {})

    assert run.end_stale() == 0
    assert state(run_id) is RunState.READING
    frozen.advance(hours=4)
    rehearse = run._rehearse
    monkeypatch.setattr(run, "_rehearse", lambda *rest: (run.end_stale(), rehearse(*rest))[1])
    run.read(run_id)  # its turn came late
    assert state(run_id) is not RunState.FAULTY

    run.choose(run_id, {})
    frozen.advance(hours=4)
    assert run.end_stale() == 1
