from __future__ import annotations

import json

from click.testing import CliRunner
from sqlalchemy import select

from backoffice.imports.commands import import_group
from backoffice.imports.models import ImportRun
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.db import reading
from shared.kit.errors import Invalid, NotFound
from tests.backoffice.imports.test_run import receive


def guichet(*words: object):
    return CliRunner().invoke(import_group, ["invoices", *map(str, words)])


def test_a_file_is_imported_with_its_certificate(desk):
    answer = guichet(desk.files / "123456782FEC20261231.txt", "--company", "atelier")

    assert answer.exit_code == 0, answer.output
    assert "Added: 5 debtors, 7 invoices. Changed: 0." in answer.output
    assert "Certificate: 5 debtors, open €661.00." in answer.output
    assert "Lettering CC of account CNADI does not balance" in answer.output
    assert desk.debtors()["CPAUL"] == (57000, 0)


def test_the_report_for_programs_says_the_same(desk):
    answer = guichet(desk.files / "balance-agee.csv", "--company", "atelier", "--json")

    report = json.loads(answer.output)
    assert (report["state"], report["format"], report["currency"]) == ("done", "csv", "EUR")
    assert report["certificate"]["balance"] == 78050
    assert report["result"]["invoices_added"] == 4
    assert report["facts"]["mapping"]["open"] == "Reste dû"


def test_a_dry_run_writes_nothing(desk):
    answer = guichet(desk.files / "balance-agee.csv", "--company", "atelier", "--dry-run")

    assert answer.exit_code == 0
    assert "Nothing was written (dry run)." in answer.output
    assert desk.debtors() == {}


def test_faults_are_told_by_line_and_column_and_end_with_an_error(desk):
    answer = guichet(desk.files / "faults.csv", "--company", "atelier")

    assert answer.exit_code == 1
    assert "line 7, column Montant TTC: The amount has more than 2 decimals. [100,001]" in answer.output
    assert "8 faults; nothing was imported." in answer.output


def test_dates_decimals_and_columns_can_be_told(desk, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("Qui;Quoi;Quand;Combien\nDora;F1;03/04/2026;1.234\n", "utf-8")

    answer = guichet(
        path, "--company", "atelier", "--dates", "mdy", "--decimal", ",", "--format", "csv", "--mapping", "debtor_name=Qui",
        "--mapping", "number=Quoi", "--mapping", "issued_on=Quand", "--mapping", "total=Combien",
    )  # fmt: skip

    assert answer.exit_code == 0, answer.output
    assert desk.invoices() == {"F1": (123400, 123400)}
    assert desk.invoice("F1").issued_on.isoformat() == "2026-03-04"


def test_an_open_question_is_told_with_its_answers_and_the_columns_and_leaves_nothing_waiting(desk, tmp_path):
    path = tmp_path / "state.csv"
    path.write_text("Client;Facture;Date;Montant TTC;Statut;Zone\nDora;F1;15/06/2026;12,00;Mystère;Nord\n", "utf-8")

    asked = guichet(path, "--company", "atelier")

    assert asked.exit_code == 1
    assert "--answer file-state:mystere=open" in asked.output
    assert "The file's columns: Client · Facture · Date · Montant TTC · Statut · Zone." in asked.output
    assert "Columns that nothing uses: Zone." in asked.output
    done = guichet(path, "--company", "atelier", "--answer", "file-state:mystere=open")
    assert done.exit_code == 0, done.output
    assert done.output.count("Columns that nothing uses: Zone.") == 1
    with reading() as session:
        assert sorted(row.state.value for row in session.scalars(select(ImportRun))) == ["cancelled", "done"]


def test_a_wrong_company_or_mapping_is_refused(desk):
    path = desk.files / "balance-agee.csv"

    assert isinstance(guichet(path, "--company", "nobody").exception, NotFound)
    assert isinstance(guichet(path, "--company", "atelier", "--mapping", "total").exception, Invalid)


def test_the_last_import_is_taken_back_from_the_command_line(desk, tmp_path):
    guichet(desk.files / "balance-agee.csv", "--company", "atelier")
    dry = CliRunner().invoke(import_group, ["undo", "--company", "atelier", "--dry-run"])
    assert (dry.exit_code, desk.debtors() == {}) == (0, False), dry.output
    assert "Nothing was changed (dry run)." in dry.output

    answer = CliRunner().invoke(import_group, ["undo", "--company", "atelier", "--reason", "wrong file", "--json"])

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["done"]["invoices"] == 4
    assert desk.invoices() == {}
    assert guichet(desk.files / "balance-agee.csv", "--company", "atelier").exit_code == 0


def test_what_stands_against_an_undo_is_named_and_ends_with_an_error(desk):
    guichet(desk.files / "balance-agee.csv", "--company", "atelier")
    number = next(number for number, (_total, left) in desk.invoices().items() if left)
    with reading() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == number)).one()
        code = session.get_one(Debtor, invoice.debtor_id).account_code
    receive(desk, number, 100, code)

    answer = CliRunner().invoke(import_group, ["undo", "--company", "atelier"])

    assert answer.exit_code == 1
    assert f"Money moved: a payment, a receipt or a credit: {number}" in answer.output
    assert "It cannot be taken back" in answer.output


def test_what_a_complete_list_leaves_out_is_decided_one_by_one_from_the_command_line(desk, tmp_path):
    rows = [f"C{each};F{each};15/06/2026;100,00;100,00\n" for each in range(1, 9)]
    headings = "Code client;Facture;Date;Montant TTC;Reste dû\n"
    path = tmp_path / "open.csv"
    path.write_text(headings + "".join(rows), "utf-8")
    assert guichet(path, "--company", "atelier").exit_code == 0
    path.write_text(headings + "".join(rows[3:]), "utf-8")

    asked = guichet(path, "--company", "atelier", "--complete", "--answer", "list-gone=each")

    assert asked.exit_code == 1
    assert "Invoice F2 of C2 (€100.00 open) is not in this complete list. What becomes of it?" in asked.output
    assert "--answer list-gone:F2=keep" in asked.output
    assert desk.invoice("F1").open_minor == 10_000

    fates = (
        "list-gone=each",
        "list-gone:F1=settle",
        "list-gone:F2=keep",
        "list-gone:F3=cancel",
        "books-gone-why=twice",
    )
    words = [word for fate in fates for word in ("--answer", fate)]
    done = guichet(path, "--company", "atelier", "--complete", *words)

    assert done.exit_code == 0, done.output
    assert "1 invoice (€100.00) is not in this complete list" in done.output or "1 invoices (€100.00)" in done.output
    assert [desk.invoice(number).open_minor for number in ("F1", "F2", "F3")] == [0, 10_000, 0]
    assert [desk.invoice(number).cancelled_on is not None for number in ("F1", "F2", "F3")] == [False, False, True]


def test_without_another_word_a_complete_list_settles_what_it_leaves_out(desk, tmp_path):
    headings, path = "Code client;Facture;Date;Montant TTC;Reste dû\n", tmp_path / "open.csv"
    rows = [f"C{each};F{each};15/06/2026;100,00;100,00\n" for each in range(1, 4)]
    path.write_text(headings + "".join(rows), "utf-8")
    guichet(path, "--company", "atelier")
    path.write_text(headings + "".join(rows[1:]), "utf-8")

    done = guichet(path, "--company", "atelier", "--complete")

    assert done.exit_code == 0, done.output
    assert [desk.invoice(number).open_minor for number in ("F1", "F2", "F3")] == [0, 10_000, 10_000]
