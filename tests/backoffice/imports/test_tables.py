import io
import struct
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from backoffice.imports import weigh
from backoffice.imports.faults import Unreadable
from backoffice.imports.invoice_rows import Choices, read_table
from backoffice.imports.source import MAX_BYTES, Source, encoding_of, kind_of
from backoffice.imports.tables import rows, shape_of

HERE = Path(__file__).resolve().parents[2] / "data" / "imports"


def verdict(source: Source) -> str:
    with pytest.raises(Unreadable) as caught:
        shape_of(source)
    return caught.value.fault.code


def workbook(*sheets: list[list[object]], **options: object) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy", **options}) as book:
        for table in sheets:
            sheet = book.add_worksheet()
            for at, row in enumerate(table):
                sheet.write_row(at, 0, row)
    return out.getvalue()


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
        ("iso8859-15", "iso8859-15"),
        ("cp850", "cp850"),
    ],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_way_of_writing_a_text_is_found(encoding, found, delimiter, end):
    euro = (
        "œuf à 3 €" if encoding in ("iso8859-15", "utf-8") else "été à Nîmes" if encoding == "cp850" else "cœur – 3 €"
    )
    lines = [["Client", "N° facture" if encoding != "cp850" else "No facture", "Date facture", "Montant"]]
    lines += [[f"Café élégant {n} {euro}", f"F{n}", "31/01/2026", f'"1{n},50"'] for n in range(30)]
    content = end.join(delimiter.join(line) for line in lines).encode(encoding)

    plan = read_table(Source(content))

    assert plan.fault_counts == {}
    assert (plan.facts["encoding"], plan.facts["delimiter"]) == (found, delimiter)
    assert plan.items[3].total == 1350
    assert plan.items[3].debtor == f"Café élégant 3 {euro}"


def test_headings_are_found_below_a_title_and_totals_are_left_out():
    plan = read_table(Source(HERE / "balance-agee.csv"))

    assert plan.fault_counts == {}
    assert plan.facts["heading_line"] == 3
    assert [(i.number, i.kind, i.total, i.open) for i in plan.items] == [
        ("F-2601", "invoice", 120000, 0),
        ("F-2602", "invoice", 60000, 60000),
        ("AV-2601", "credit_note", 6000, 6000),
        ("F-2604", "invoice", 136050, 24050),
    ]
    assert [(d.code, d.name, d.email, d.language) for d in plan.debtors] == [
        ("CDORA", "Atelier Dora", "compta@dora.example", "fr"),
        ("CPAUL", "Café Paul; Lyon", "paul@cafe.example", "fr"),
        ("CNADI", "Nadia Œuvres", "", "en"),
    ]
    assert plan.items[2].due_derived
    assert plan.balance == {"EUR": 60000 - 6000 + 24050}
    assert plan.sound


def test_an_english_file_is_read_month_first_and_formulas_are_plain_text():
    plan = read_table(Source(HERE / "invoices-english.csv"))

    assert plan.fault_counts == {}
    assert (plan.facts["dates"], plan.facts["decimal"]) == ("mdy", ".")
    assert [(i.number, i.kind, i.total, i.open, i.settled_on) for i in plan.items] == [
        ("INV-1", "invoice", 125000, 125000, None),
        ("INV-2", "invoice", 8050, 0, date(2026, 2, 20)),
        ("INV-3", "credit_note", 1200, 1200, None),
    ]
    assert plan.items[0].po_number == "PO-77"
    assert plan.debtors[1].name == '=HYPERLINK("http://evil.example")'


def test_ambiguous_days_are_refused_until_told():
    asked = read_table(Source(HERE / "ambiguous-dates.csv"))
    told = {order: read_table(Source(HERE / "ambiguous-dates.csv"), Choices(order=order)) for order in ("dmy", "mdy")}

    assert asked.fault_counts == {"day.ambiguous": 1}
    assert (asked.faults[0].line, asked.faults[0].value) == (2, "03/04/2026")
    assert told["dmy"].items[0].issued_on == date(2026, 4, 3)
    assert told["mdy"].items[0].issued_on == date(2026, 3, 4)


def test_an_ambiguous_day_far_below_is_refused_as_well():
    lines = ["Client;N° facture;Date;Montant", *(f"C;F{n};2026-01-02;1,00" for n in range(6000)), "C;G;03/04/2026;1,00"]

    plan = read_table(Source("\n".join(lines).encode()))

    assert plan.fault_counts == {"day.ambiguous": 1}
    assert plan.faults[0].line == 6002


def test_ambiguous_amounts_are_refused_until_told():
    content = b"Client;No facture;Date;Montant\nDora;F1;2026-01-31;1.234\nDora;F2;2026-01-31;12\n"

    assert read_table(Source(content)).fault_counts == {"amount.ambiguous": 1}
    assert read_table(Source(content), Choices(mark=",")).items[0].total == 123400
    assert read_table(Source(content), Choices(mark=".")).fault_counts == {"amount.too_many_decimals": 1}


def test_every_fault_is_named_by_line_and_column():
    plan = read_table(Source(HERE / "faults.csv"))

    assert [(f.line, f.column, f.code, f.value) for f in plan.faults] == [
        (3, "Date facture", "day.impossible", "31/02/2026"),
        (4, "Montant TTC", "amount.unreadable", "abc"),
        (5, "Client", "debtor.empty", ""),
        (6, "N° facture", "number.empty", ""),
        (7, "Échéance", "day.unreadable", "demain"),
        (7, "Montant TTC", "amount.too_many_decimals", "100,001"),
        (8, "Reste dû", "open.beyond_total", "100,01"),
        (9, "Date facture", "day.empty", ""),
    ]
    assert not plan.sound


def test_all_faults_are_counted_and_the_first_thousand_kept():
    content = "Client;N° facture;Date;Montant\n" + "".join(f"C;F{n};nie;1,00\n" for n in range(5000))

    plan = read_table(Source(content.encode()))

    assert plan.fault_counts == {"day.unreadable": 5000}
    assert len(plan.faults) == 1000


def test_a_workbook_with_typed_cells_is_read():
    table = [
        ["Aged balance"],
        [],
        ["Code client", "N° facture", "Date facture", "Échéance", "Montant TTC", "Reste dû"],
        ["C1", 1001, date(2026, 1, 31), date(2026, 3, 2), 1234.5, 0],
        ["C2", "F-2", 46053, "15/03/2026", "1 234,56", 97.60000000000001],
        [],
        ["Total", None, None, None, 2469.06, 97.6],
    ]

    plan = read_table(Source(workbook([["Notes"], ["nothing here"]], table)))

    assert plan.fault_counts == {}
    assert (plan.form, plan.facts["sheet"], plan.facts["heading_line"]) == ("xlsx", "Sheet2", 3)
    assert [(i.line, i.number, i.issued_on, i.total, i.open) for i in plan.items] == [
        (4, "1001", date(2026, 1, 31), 123450, 0),
        (5, "F-2", date(2026, 1, 31), 123456, 9760),
    ]


def test_a_workbook_that_starts_lower_keeps_the_numbers_of_its_rows():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([["Client", "No facture", "Date", "Montant"], ["A", "F1", "2026-01-31", "x"]]):
            sheet.write_row(at + 6, 2, row)

    plan = read_table(Source(out.getvalue()))

    assert [(f.line, f.column, f.code) for f in plan.faults] == [(8, "Montant", "amount.unreadable")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"   \n \n", "file.blank"),
        (b"%PDF-1.7\n...", "file.binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "file.binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le"), "xls.damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "xlsx.password"),
        (bytes(range(256)) * 20, "file.binary"),
        (b"Client;Montant\n\0\0\0", "file.binary"),
        (b"\xef\xbb\xbfClient\xff\xfe\xfd", "file.encoding"),
        (b"PK\x03\x04nonsense", "xlsx.damaged"),
    ],
)
def test_junk_is_refused_with_a_reason(content, code):
    assert verdict(Source(content)) == code


def test_an_unclosed_quotation_mark_is_named():
    content = b'Client;No facture;Date;Montant\nA;F1;2026-01-31;1,00\n"B;F2;2026-01-31;1,00\n' + b"C;F3;x;y\n" * 40_000

    plan = read_table(Source(content))

    assert plan.fault_counts == {"file.open_quote": 1}
    assert plan.faults[0].line == 3


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    assert verdict(Source(path)) == "file.too_large"


def test_a_zip_that_is_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../etc/passwd", "root")

    assert verdict(Source(out.getvalue())) == "xlsx.other_zip"


def test_a_zip_bomb_is_refused_though_it_lies_about_its_size(monkeypatch):
    monkeypatch.setattr(weigh, "MAX_UNPACKED", 20 * 1024 * 1024)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (30 * 1024 * 1024))
    honest = out.getvalue()
    size = struct.pack("<L", 30 * 1024 * 1024)
    liar = honest.replace(size, struct.pack("<L", 100))

    assert liar != honest
    assert verdict(Source(honest)) == "xlsx.bomb"
    assert verdict(Source(liar)) == "xlsx.bomb"


def test_a_cell_in_the_far_corner_is_refused_before_the_sheet_is_laid_out():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Client")
        sheet.write(1_048_575, 16_383, "far away")

    assert verdict(Source(out.getvalue())) == "xlsx.bomb"


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader(content):
    plan = read_table(Source(content))

    assert plan.fault_counts


@given(st.binary(max_size=400))
def test_no_damaged_workbook_breaks_the_reader(noise):
    whole = workbook([["Client", "No facture", "Date", "Montant"], ["A", "F1", "2026-01-31", 12]])
    at = len(noise) * 7 % len(whole)

    read_table(Source(whole[:at] + noise + whole[at + len(noise) :]))


@given(st.text(max_size=500), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_no_text_below_good_headings_breaks_the_reader(text, encoding):
    content = ("Client;N° facture;Date facture;Montant TTC\n" + text).encode(encoding, errors="replace")

    plan = read_table(Source(content))

    assert plan.form in {"csv", "table"}


def test_rows_carry_the_line_that_an_editor_shows():
    source = Source(b'Client;Montant\n"two\nlines";1\n\nthird;2\n')

    assert [(line, row) for line, row in rows(source, shape_of(source))] == [
        (2, ["two\nlines", "1"]),
        (5, ["third", "2"]),
    ]


def test_the_kind_is_told_by_content_not_by_name():
    assert kind_of(Source(workbook([["a"]]), "invoices.csv")) == "xlsx"
    assert kind_of(Source(b"a;b", "invoices.xlsx")) == "text"
    assert encoding_of(Source("été à midi".encode("cp1252"))) == "cp1252"
