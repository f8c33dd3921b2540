"""Tables for spreadsheets: text never runs, numbers stay numbers."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from shared.kit import tabular
from shared.kit.money import Money
from shared.kit.tabular import Sheet, csv_bytes, xlsx_bytes

RUNNING = ["=1+1", "+33 6 00", "-2+3", "@SUM(A1)", "\tx", "\r=1", " =1", '=HYPERLINK("http://x")', "|calc", "＝1"]


def rows_of(content: bytes, separator: str = ";") -> list[list[str]]:
    import csv

    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))


@pytest.mark.parametrize("text", RUNNING)
def test_text_that_a_spreadsheet_would_run_is_hidden_from_it(text: str):
    [_header, [cell]] = rows_of(csv_bytes(["Nom"], [[text]], language="fr"))

    assert cell == "'" + text


@given(st.text(max_size=40))
def test_no_text_cell_begins_with_what_runs(text: str):
    [_header, row] = rows_of(csv_bytes(["a", "b"], [[text, "end"]], language="en"), ",")

    assert len(row) == 2
    assert not row[0].lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_negative_amounts_stay_numbers():
    row = [Money(-1250), Decimal("-12.5"), -3, date(2026, 3, 4), None, True]

    french = rows_of(csv_bytes(list("abcdef"), [row], language="fr"))[1]
    english = rows_of(csv_bytes(list("abcdef"), [row], language="en"), ",")[1]

    assert french == ["-12,50", "-12,5", "-3", "04/03/2026", "", "oui"]
    assert english == ["-12.50", "-12.5", "-3", "2026-03-04", "", "yes"]


def test_a_moment_is_told_in_the_zone_of_its_reader():
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    assert rows_of(csv_bytes(["à"], [[moment]], language="fr"))[1] == ["02/07/2026 00:30"]


def test_the_file_opens_in_a_spreadsheet_by_a_double_click():
    content = csv_bytes(["Débiteur"], [['Éole; "fils"']], language="fr")

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b'"\xc3\x89ole; ""fils"""\r\n')


def test_cells_of_a_workbook_are_typed_and_no_formula_is_written():
    rows = [[text, Money(-1250), date(2026, 3, 4), 7, Decimal("1.5"), "http://x", "12"] for text in RUNNING]

    content = xlsx_bytes([Sheet("Factures [1]/*", list("abcdefg"), rows)])

    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert read[1] == ["=1+1", -12.5, date(2026, 3, 4), 7.0, 1.5, "http://x", "12"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"hyperlink" not in sheet
        assert 'formatCode="#,##0.00 &quot;€&quot;' in archive.read("xl/styles.xml").decode()


def test_control_characters_do_not_break_a_workbook():
    content = xlsx_bytes([Sheet("x", ["a"], [["a\x00b\x0b\ufffe"]])])

    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()[1][0].startswith("ab")


def test_rows_beyond_a_sheet_go_on_in_the_next(monkeypatch):
    monkeypatch.setattr(tabular, "LARGEST_SHEET", 3)

    content = xlsx_bytes([Sheet("Lignes", ["n"], [[number] for number in range(7)]), Sheet("Lignes", ["n"], [])])

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Lignes", "Lignes 2", "Lignes 3", "Lignes 4"]
    assert book.get_sheet_by_index(2).to_python() == [["n"], [6.0]]
