"""Lines that are no documents, and lines that only look like it: sums, printed pages, cells that have moved."""

from __future__ import annotations

import pytest

from backoffice.imports.asides import is_printed, is_total, says_closing, says_total
from tests.backoffice.imports.test_reading import asked, opens, read

HEAD = "N° facture;Date;Client;Total TTC\n"


def found(plan) -> list[tuple[str, int | None]]:
    return [(fault.code, fault.line) for fault in plan.faults]


@pytest.mark.parametrize(
    "row", ["F1,15/06/2026,Alpha,120,50", "F1,15/06/2026,Alpha,1,234.50", "F1,15/06/2026,Alpha, Beta & fils,120"]
)
def test_a_mark_between_cells_that_stands_in_an_amount_loses_no_decimals(row):
    plan = read(f"N° facture,Date,Client,Total TTC\n{row}\n")

    assert found(plan) == [("row.too_wide", 2)]
    assert plan.faults[0].facts == {"columns": 5, "wanted": 4}


def test_columns_without_a_heading_and_blank_cells_behind_the_last_are_no_surplus():
    plan = read("N° facture;;Client;Date;Total TTC;;\nF1;x;Alpha;15/06/2026;100,00;y;z;;;\nF2;;Beta;16/06/2026;20,00\n")

    assert (found(plan), opens(plan)) == ([], {"F1": 10000, "F2": 2000})


def test_a_customer_called_total_is_no_line_of_totals():
    plan = read(
        HEAD + "F1;15/06/2026;Alpha;120,50\n;16/06/2026;TotalEnergies SE;12000,00\n;17/06/2026;Total Gaz;1,00\n"
    )

    assert found(plan) == [("number.empty", 3), ("number.empty", 4)]


def test_a_line_with_a_day_and_an_amount_is_never_passed_over():
    plan = read(HEAD + "F1;15/06/2026;Alpha;120,50\n;16/06/2026;;12000,00\n")

    assert sorted(found(plan)) == [("debtor.empty", 3), ("number.empty", 3)]


def test_the_invoices_below_a_customer_called_total_are_not_the_ones_of_the_customer_above():
    text = (
        "Client;N° facture;Date;Total TTC\nDupont;;;\n;F1;15/06/2026;100,00\n;F2;16/06/2026;50,00\nTotal Dupont;;;150,00\n"
        "TotalEnergies SE;;;\n;F3;17/06/2026;9000,00\nTotal TotalEnergies SE;;;9000,00\nPage 1/2;;;\n;F4;18/06/2026;1,00\nTotal;;;9151,00\n"
    )
    plan = read(text, {"file-customer-above": "above"})

    assert {item.number: item.debtor for item in plan.items} == {
        "F1": "Dupont", "F2": "Dupont", "F3": "TotalEnergies SE", "F4": "TotalEnergies SE",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        (
            "Customer;Invoice;Date;Total\nDupont;F1;15/06/2026;100,00\nDupont Total;;;100,00\nMeier;F2;17/06/2026;30,50\n"
            "Meier Total;;;30,50\nGrand Total;;;130,50\n"
        ),
        "N° facture;Client;Date;Total TTC\nF1;Alpha;15/06/2026;100,00\nF2;Beta;15/06/2026;30,50\nTOTAL GÉNÉRAL;;;130,50\n",
        (
            "Rechnungsnummer;Kunde;Rechnungsdatum;Betrag\nR1;A;15.10.2026;100,00\nZwischensumme;;;100,00\nR2;B;16.10.2026;30,50\n"
            ";Gesamtsumme;;130,50\n"
        ),
        "Nº factura;Cliente;Fecha;Importe\n1;A;15/06/2026;100,00\n2;B;15/06/2026;30,50\n;Suma y sigue;;130,50\n;;;130,50\n",
    ],
)
def test_sums_of_any_program_are_no_documents(text):
    plan = read(text)

    assert (found(plan), asked(plan)) == ([], [])
    assert (len(plan.debtors), plan.balance) == (2, {"EUR": 13050})


def test_pages_of_a_printout_are_read_as_one_table():
    page = "Balance âgée au 30/11/2026;;;\nN° facture;Client;Date;Total TTC\n"
    plan = read(
        f"{page}F1;Alpha;15/06/2026;120,50\nPage 1/2;;;\n{page}F2;Beta;15/06/2026;10,00\nÉdité le 01/12/2026;;;\n"
    )

    assert (found(plan), asked(plan), plan.balance) == ([], [], {"EUR": 13050})
    assert [(w.code, w.value, w.facts) for w in plan.warnings] == [("rows.asides", "Page 1/2", {"rows": 3})]


def test_a_number_alone_on_its_line_is_a_document_that_lacks_all_else():
    assert ("debtor.empty", 3) in found(read(HEAD + "F1;15/06/2026;Alpha;120,50\nF2;;;\n"))


LEDGER = "Compte tiers;Intitulé;Date;Pièce;Débit;Crédit;Devise\n"


def test_a_ledger_with_sums_and_headings_on_each_page_is_read_whole():
    plan = read(
        f"{LEDGER}C1;Alpha;15/06/2026;F1;120,00;;EUR\nC1;Alpha;30/06/2026;F1;;20,00;EUR\nTotal C1;;;;120,00;20,00;\n"
        f"C1;Alpha;;Solde au 30/11;100,00;;\n{LEDGER}C2;Beta;16/06/2026;F2;10,00;;EUR\nTotal général;;;;130,00;20,00;\n"
    )

    assert (plan.form, found(plan), plan.balance) == ("ledger", [], {"EUR": 11000})


def test_a_balance_carried_forward_without_its_day_is_not_passed_over():
    plan = read(f"{LEDGER}C1;Alpha;;Solde d'ouverture;500,00;;EUR\nC1;Alpha;15/06/2026;F1;120,00;;EUR\n")

    assert found(plan) == [("day.empty", 2)]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (f"{LEDGER}C1;Alpha;15/06/2026;F1;120,00;;USD\nC2;Beta;16/06/2026;F2;10,00;;€\n", [("currency.other", 2)]),
        ("Compte tiers;Date;Pièce;Débit USD;Crédit USD\nC1;15/06/2026;F1;1,00;\n", [("currency.heading", None)] * 2),
        ("N° facture;Client;Date;Montant (K€)\nF1;Alpha;15/06/2026;12,5\n", [("amount.in_thousands", None)]),
        ("Belegnummer;Kunde;Datum;Betrag (TEUR)\nF1;Alpha;15.06.2026;12,5\n", [("amount.in_thousands", None)]),
    ],
)
def test_amounts_of_another_currency_or_in_thousands_are_refused(text, faults):
    assert found(read(text)) == faults


def test_words_of_sums_and_of_names():
    for text in ("TOTAL", "Total général :", "Sous-total", "Gesamtsumme", "Totale complessivo", "Sommes"):
        assert is_total(text)
    for text in ("TotalEnergies SE", "Totalement", "Sommer GmbH", "Summerland", "Gesamtverband", "Saldo Consulting"):
        assert not says_total(text)
        assert not says_closing(text)
    assert says_total("Total Dupont")
    assert not is_total("Total Dupont")
    assert is_printed("Seite 2 von 3")
    assert not is_printed("Edition Dupont")
