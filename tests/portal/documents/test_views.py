"""My papers."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.portal.conftest import Dora


def test_a_statement_comes_as_pdf_and_as_workbook(enter, dora: Dora) -> None:
    page = enter(dora).open("/documents")

    pdf = page.submit("Download the statement", since="1/1/2026", until="10/3/2026")
    sheet = page.submit("Download the statement", since="1/1/2026", until="10/3/2026", form="xlsx")

    assert pdf.content.startswith(b"%PDF-")
    assert sheet.content.startswith(b"PK")
    assert "spreadsheetml" in sheet.response.headers["Content-Type"]
    assert ".xlsx" in sheet.response.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("", "10/3/2026", "Write the first day."),
        ("32/1/2026", "10/3/2026", "This is not a day"),
        ("10/3/2026", "1/1/2026", "The first day is after the last one."),
        ("1/1/1990", "1/1/2026", "ten years at most"),
    ],
)
def test_what_is_no_period_is_said_beside_its_field(enter, dora: Dora, since: str, until: str, said: str) -> None:
    page = enter(dora).open("/documents").submit("Download the statement", since=since, until=until)

    assert page.status == 422
    assert said in page.text
    assert page.form_of("Download the statement").fields["since"] == since


def test_ticked_invoices_come_in_one_archive(enter, dora: Dora) -> None:
    chosen = [dora.invoices["FA-1"], dora.invoices["FA-3"]]

    answer = enter(dora).open("/").submit("Download", invoice=chosen)

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["FA-1.pdf", "FA-3.pdf"]
        assert archive.read("FA-1.pdf").startswith(b"%PDF-")


def test_an_archive_of_nothing_is_refused_in_words(enter, dora: Dora) -> None:
    page = enter(dora).open("/documents/invoices.zip")

    assert page.status == 422
    assert "Choose between 1 and 100 invoices." in page.text


def test_an_archive_with_anothers_invoice_is_not_there(enter, dora: Dora, octave: Dora) -> None:
    assert enter(octave).open(f"/documents/invoices.zip?invoice={dora.invoices['FA-1']}").status == 404


def test_statements_of_an_account_are_bounded(enter, dora: Dora, monkeypatch) -> None:
    monkeypatch.setattr("portal.documents.views.STATEMENTS_AN_HOUR", 1)
    page = enter(dora).open("/documents")

    assert page.submit("Download the statement", since="1/1/2026", until="10/3/2026").content.startswith(b"%PDF")
    answer = page.submit("Download the statement", since="2/1/2026", until="10/3/2026")

    assert answer.status == 429
    assert "You have asked for many statements in the last hour." in answer.text
