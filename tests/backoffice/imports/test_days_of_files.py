"""Days as programs and spreadsheets leave them: without separators, in other languages, turned round."""

from __future__ import annotations

from datetime import date

import pytest

from backoffice.imports.conventions import Choices
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.source import Source
from tests.backoffice.imports.test_tables import workbook

HEAD = ["N° facture", "Client", "Date", "Échéance", "Total TTC"]
TODAY = date(2026, 12, 1)


def days_of(plan) -> list[tuple[str, str]]:
    return [(item.issued_on.isoformat(), item.due_on.isoformat()) for item in plan.items]


def text(*rows: tuple[str, str]):
    lines = [f"F{at};Alpha;{issued};{due};12,50\n" for at, (issued, due) in enumerate(rows)]
    return read_table(Source((";".join(HEAD) + "\n" + "".join(lines)).encode()), Choices(today=TODAY))


def book(*rows: tuple[object, object]):
    lines = [[f"F{at}", "Alpha", issued, due, 12.5] for at, (issued, due) in enumerate(rows)]
    return read_table(Source(workbook([HEAD, *lines])), Choices(today=TODAY))


@pytest.mark.parametrize(
    ("issued", "due"),
    [
        (20260605, 20260715),
        (5062026, 15072026),
        ("5062026", "15072026"),
        ("050626", "150726"),
        ("05062026", "15072026"),
        ("5. Juni 2026", "15. Juli 2026"),
        ("5 de junio de 2026", "15-jul-26"),
        ("5 giugno 2026", "15 lug 2026"),
    ],
)
def test_days_without_separators_and_in_other_languages_are_read(issued, due):
    plan = book((issued, due), ("13/06/2026", "13/07/2026"))

    assert plan.fault_counts == {}
    assert days_of(plan)[0] == ("2026-06-05", "2026-07-15")


@pytest.mark.parametrize("rows", [[("26-06-15", "26-07-15"), ("26-06-02", "26-07-02")], [("260605", "260705")]])
def test_a_year_of_two_figures_in_front_is_no_day(rows):
    plan = text(*rows)

    assert plan.facts["dates"] == "ymd"
    assert all(day.startswith("2026-0") for pair in days_of(plan) for day in pair)


def test_a_year_of_two_figures_behind_stays_a_year_where_both_could_be():
    plan = text(("25/06/26", "25/07/26"), ("16-11-25", "16-12-25"))

    assert days_of(plan) == [("2026-06-25", "2026-07-25"), ("2025-11-16", "2025-12-16")]


def test_days_that_a_spreadsheet_has_turned_round_are_a_fault():
    plan = book(
        (date(2026, 5, 6), date(2026, 7, 31)), ("16/06/2026", date(2026, 8, 17)), (date(2026, 1, 6), "31/07/2026"),
    )  # fmt: skip

    assert [(fault.code, fault.column, fault.value) for fault in plan.faults] == [("day.turned", "Date", "2026-05-06")]


def test_a_workbook_with_days_and_a_few_texts_is_read():
    plan = book((date(2026, 5, 26), "05/07/2026"), ("16/06/2026", date(2026, 8, 7)), (date(2026, 1, 6), "31/07/2026"))

    assert plan.fault_counts == {}


def test_a_number_that_a_spreadsheet_made_a_day_is_a_fault():
    table = [HEAD, [date(2026, 5, 1), "Alpha", date(2026, 5, 16), "", 120.5], ["2026-13", "Beta", "", "", 10]]
    plan = read_table(Source(workbook(table)), Choices(today=TODAY))

    assert ("code.is_day", 2, "N° facture") in [(fault.code, fault.line, fault.column) for fault in plan.faults]
