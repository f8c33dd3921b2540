"""One number on several rows: other debtors and kinds are other documents, equal rows are one, lines are asked about."""

from __future__ import annotations

from datetime import date

from backoffice.imports.models import RunState

HEADINGS = "Client;Type;Facture;Date;Échéance;Montant TTC\n"


def test_one_number_of_two_debtors_or_of_an_invoice_and_a_credit_note_is_two_documents(desk):
    outcome = desk.take(
        HEADINGS + "Alpha;Facture;F1;15/06/2026;15/07/2026;10,00\nBeta;Facture;F1;15/06/2026;15/07/2026;20,00\n"
        "Alpha;Avoir;F1;16/06/2026;;3,00\n"
    )

    assert outcome.state is RunState.DONE
    assert desk.debtors() == {"Alpha": (700, 0), "Beta": (2000, 0)}


def test_rows_that_repeat_an_invoice_for_each_of_its_lines_are_one(desk):
    row = "Alpha;Facture;F1;15/06/2026;15/07/2026;10,00\n"

    outcome = desk.take(HEADINGS + row * 3)

    assert desk.debtors() == {"Alpha": (1000, 0)}
    assert outcome.counts["repeated"] == 2


def test_rows_of_one_number_with_other_amounts_are_asked_about_once(desk):
    rows = (
        "Alpha;Facture;F1;15/06/2026;15/07/2026;10,00\nAlpha;Facture;F1;15/06/2026;15/08/2026;25,00\n"
        "Alpha;Facture;F1;15/06/2026;15/07/2026;10,00\nBeta;Facture;F2;15/06/2026;15/07/2026;5,00\n"
    )

    asked = desk.take(HEADINGS + rows)
    assert asked.state is RunState.ASKING
    assert [(q.key, q.examples) for q in asked.questions] == [("invoice-rows", ("F1 (Alpha)",))]

    desk.take(HEADINGS + rows, choices={"answers": {"invoice-rows": "sum"}})

    assert desk.debtors() == {"Alpha": (4500, 0), "Beta": (500, 0)}
    assert desk.take(HEADINGS + rows).state is RunState.DONE


def test_instalments_of_one_number_are_owed_each_on_its_day(desk):
    first = "Alpha;Facture;F1;15/06/2026;15/07/2026;10,00\n"
    second = "Alpha;Facture;F1;15/06/2026;15/08/2026;25,00\n"

    desk.take(HEADINGS + first + second, choices={"answers": {"invoice-rows": "parts"}})

    assert desk.invoices() == {"F1 2026-07-15": (1000, 1000), "F1 2026-08-15": (2500, 2500)}
    assert desk.invoice("F1 2026-08-15").due_on == date(2026, 8, 15)
