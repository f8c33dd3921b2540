"""Columns that nobody foresaw, that come twice, or that hold less than their heading promises."""

from __future__ import annotations

import pytest

from backoffice.access.permissions import Role
from tests.backoffice.imports.test_reading import asked, opens, read
from tests.backoffice.imports.test_views import Browser, door  # noqa: F401 - a fixture

HEAD = "N° facture;Date;Client;Total TTC"
LINE = "F1;15/06/2026;Alpha;100,00"


@pytest.mark.parametrize(
    ("heading", "value", "left"),
    [
        ("Versements", "20,00", 8000),
        ("Payments received", "20,00", 8000),
        ("Zahlungseingang", "20,00", 8000),
        ("Pagos recibidos", "20,00", 8000),
        ("Incassi", "20,00", 8000),
        ("Date du virement reçu", "20/07/2026", 0),
        ("Zahlung am", "20.07.2026", 0),
        ("Payé ou non", "Oui", 0),
        ("Pagos", "no", 10000),
    ],
)
def test_an_unknown_column_that_may_say_what_was_paid_is_asked_about(heading, value, left):
    text = f"{HEAD};{heading}\n{LINE};{value}\n"
    [key] = asked(read(text))

    assert key.startswith("file-paid:")
    assert opens(read(text, {key: "paid"})) == {"F1": left}
    assert opens(read(text, {key: "no"})) == {"F1": 10000}


@pytest.mark.parametrize(
    "heading",
    ["Offene Summe", "Montant à régler", "Por cobrar", "Da incassare", "Still to pay", "Importe pendiente de cobro"],
)
def test_what_remains_is_asked_about_under_more_names(heading):
    text = f"{HEAD};{heading}\n{LINE};20,00\n"
    [key] = asked(read(text))

    assert opens(read(text, {key: "open"})) == {"F1": 2000}


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("Mode de paiement", "virement"),
        ("Conditions de règlement", "30 jours"),
        ("Frais de recouvrement payés", "x"),
        ("Zahlungsart", "SEPA"),
    ],
)
def test_how_something_is_paid_is_no_payment(heading, value):
    assert asked(read(f"{HEAD};{heading}\n{LINE};{value}\n")) == []


def test_what_the_file_says_anyway_is_not_asked():
    assert asked(read(f"{HEAD};Reste dû;Versements;Payé ou non\n{LINE};20,00;80,00;non\n")) == []


@pytest.mark.parametrize("heads", ["Montant dû;Montant", "Reste dû;Montant TTC", "Solde dû;Total"])
def test_what_is_due_is_no_total_whichever_column_comes_first(heads):
    plan = read(f"N° facture;Date;Client;{heads}\nF1;15/06/2026;Alpha;20,00;120,00\n")

    assert [(item.total, item.open) for item in plan.items] == [(12000, 2000)]


def test_two_columns_of_one_name_are_told_apart_by_a_person():
    text = "N° facture;Client;Date;Montant;Montant\nF1;Alpha;15/06/2026;100,00;120,00\n"

    plan = read(text)
    chosen = read(text, wishes={"total": "Montant (2)"})

    assert [(fault.code, fault.column, fault.value) for fault in plan.faults] == [
        ("mapping.twice", "Montant", "Montant (2)")
    ]
    assert "Montant (2)" in plan.facts["headings"]
    assert opens(chosen) == {"F1": 12000}


def test_two_columns_of_one_name_that_say_the_same_are_one():
    plan = read("N° facture;Client;Date;Montant;Client\nF1;Alpha;15/06/2026;100,00;Alpha\n")

    assert (plan.fault_counts, opens(plan)) == ({}, {"F1": 10000})


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ("F1;Alpha;15/06/2026;100,00;20,00\nF2;Alpha;15/06/2026;57,30;11,46\n", {"amount.without_vat": 1}),
        ("F1;Alpha;15/06/2026;120,00;20,00\nF2;Alpha;15/06/2026;57,30;9,55\n", {}),
        ("F1;Alpha;15/06/2026;105,50;5,50\nF2;Alpha;15/06/2026;50,00;0,00\n", {}),
        ("F1;Alpha;15/06/2026;0,05;0,01\n", {}),
    ],
)
def test_an_amount_beside_its_vat_is_not_taken_for_a_total_without_it(rows, faults):
    text = "N° facture;Client;Date;Montant;TVA\n" + rows

    assert read(text).fault_counts == faults
    assert read(text, wishes={"total": "Montant"}).fault_counts == {}


MARTINS = "Client;CP;Ville;N° facture;Date;Total TTC\nMartin;69001;Lyon;F1;15/06/2026;100,00\nMartin;59000;Lille;F2;15/06/2026;200,00\n"


def test_one_name_in_two_places_is_asked_about():
    assert asked(read(MARTINS)) == ["customer-names"]
    apart = read(MARTINS, {"customer-names": "several"})
    assert {item.number: item.debtor for item in apart.items} == {"F1": "Martin", "F2": "Martin (59000)"}


def test_two_sites_of_one_firm_are_not_asked_about():
    head, *lines = MARTINS.splitlines()
    one = "\n".join([f"{head};SIREN", *(f"{line};552100554" for line in lines)])

    assert asked(read(one)) == []


def test_a_known_name_in_another_place_is_asked_about(desk):
    head, lyon, lille = MARTINS.splitlines()
    desk.take(f"{head}\n{lyon}\n")

    later = desk.take(f"{head}\n{lille}\n")
    assert [each.key for each in later.questions if each.is_open and each.key == "customer-other"] == ["customer-other"]
    desk.take(f"{head}\n{lille}\n", choices={"answers": {"customer-other": "other", "customer-details": "keep"}})

    assert desk.debtors() == {"Martin": (10000, 0), "Martin (59000)": (20000, 0)}
    both = desk.take(f"{head}\n{lille.replace('F2', 'F3')}\n", choices={"answers": {"customer-details": "keep"}})
    assert both.state.value == "done"
    assert desk.debtors() == {"Martin": (10000, 0), "Martin (59000)": (40000, 0)}


@pytest.mark.parametrize(
    ("text", "left", "due"),
    [
        ("Nombre del cliente;Número de factura;Fecha de emisión;Fecha de vencimiento;Importe;Saldo pendiente\nPérez;A1;15/06/2026;31/07/2026;120,00;20,00\n",
         2000, "2026-07-31"),
        ("Ragione sociale;Data di scadenza;N. fattura;Data fattura;Totale documento;Residuo\nRossi;31.07.2026;A1;15.06.2026;120,00;20,00\n",
         2000, "2026-07-31"),
        ("Rechnungs-Nr.;Kundenname;Datum;Fälligkeit;Brutto;Bezahlt\nA1;Meier;15.06.2026;31.07.2026;119,00;nein\nA2;Meier;15.06.2026;31.07.2026;1,00;ja\n",
         11900, "2026-07-31"),
    ],
)  # fmt: skip
def test_headings_of_three_languages_are_read_with_their_small_words(text, left, due):
    plan = read(text)

    assert plan.fault_counts == {}
    assert (sum(opens(plan).values()), plan.items[0].due_on.isoformat(), plan.facts["unmapped"]) == (left, due, [])


def test_the_page_lets_a_person_choose_the_second_of_two_columns(desk, door):  # noqa: F811
    browser = Browser(door, Role.ACCOUNTANT)
    at = browser.upload(b"Facture;Client;Date;Montant;Montant\nF1;Alpha;15/06/2026;100,00;120,00\n", "two.csv")
    assert "Two columns have the same name and hold different things" in browser.get(at)

    browser.post(f"{at}/choices", on=at, column_total="Montant (2)")

    shown = browser.get(at)
    assert "Two columns have the same name" not in shown
    assert "€120.00" in shown
    assert f"{at}/confirm" in browser.forms(at)
