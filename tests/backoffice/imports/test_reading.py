"""What a table of invoices says, and what it must not be taken to say."""

from __future__ import annotations

from datetime import date

import pytest

from backoffice.imports.conventions import Choices
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.plan import ImportPlan
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source
from backoffice.imports.words_of_state import Sort, State, sort_of, state_of

BASE = "N° facture;Date;Client;Total TTC"


def read(text: str, answers: dict[str, str] | None = None, **choices: object) -> ImportPlan:
    return read_table(Source(text.encode()), Choices(questions=Questions(answers), **choices))


def opens(plan: ImportPlan) -> dict[str, int]:
    return {item.number: item.open if item.kind == "invoice" else -item.open for item in plan.items}


def asked(plan: ImportPlan) -> list[str]:
    return [question.key for question in plan.questions if question.is_open]


# Who owes


@pytest.mark.parametrize("heading", ["AccountCode", "Account", "Code compte", "Account number"])
@pytest.mark.parametrize("codes", [("411000", "411000"), ("200", "210"), ("C1", "C1")])
def test_a_ledger_account_is_no_customer_code(heading, codes):
    plan = read(
        f"{BASE};{heading};Email\nF1;15/06/2026;Alpha;120,00;{codes[0]};a@alpha.example\nF2;15/06/2026;Beta;200,00;{codes[1]};b@beta.example\n"
    )

    assert {line.debtor: line.balance for line in plan.certificate} == {"Alpha": 12000, "Beta": 20000}
    assert [(w.column, w.value) for w in plan.warnings if w.code == "code.of_ledger"] == [(heading, codes[0])]


def test_an_account_that_is_each_customers_own_is_its_code():
    plan = read(
        f"{BASE};Code compte\nF1;15/06/2026;Alpha;120,00;411ALPHA\nF2;15/06/2026;Beta;200,00;411BETA\nF3;15/06/2026;Alpha;1,00;411ALPHA\n"
    )

    assert {d.code: d.name for d in plan.debtors} == {"411ALPHA": "Alpha", "411BETA": "Beta"}


def test_a_code_that_a_spreadsheet_shortened_is_refused():
    plan = read("Code client;N° facture;Date;Total TTC\n4,11E+11;F1;15/06/2026;120,00\n")

    assert [(f.code, f.column, f.value) for f in plan.faults] == [("code.shortened", "Code client", "4,11E+11")]


def test_client_beside_nom_is_the_code():
    coded = read(
        "N° facture;Date;Client;Nom;Total TTC\nF1;15/06/2026;C001;Alpha SARL;1,00\nF2;15/06/2026;C002;Beta SA;2,00\n"
    )
    named = read(
        "N° facture;Date;Client;Nom;Total TTC\nF1;15/06/2026;Alpha SARL;Dupont;1,00\nF2;15/06/2026;Beta SA;Martin;2,00\n"
    )

    assert [(d.code, d.name) for d in coded.debtors] == [("C001", "Alpha SARL"), ("C002", "Beta SA")]
    assert [(d.code, d.name) for d in named.debtors] == [("Alpha SARL", "Alpha SARL"), ("Beta SA", "Beta SA")]


GROUPED = "Client;N° facture;Date;Total TTC\nAlpha SARL;;;\n;F1;15/06/2026;10,00\n;F2;16/06/2026;20,00\nTotal Alpha SARL;;;30,00\nBeta SA;;;\n;F3;17/06/2026;5,00\n"
FILLED_ONCE = "Client;N° facture;Date;Total TTC\nAlpha SARL;F1;15/06/2026;10,00\n;F2;16/06/2026;20,00\nBeta SA;F3;17/06/2026;5,00\n;F4;17/06/2026;1,00\n"


@pytest.mark.parametrize(
    ("text", "balances"),
    [(GROUPED, {"Alpha SARL": 3000, "Beta SA": 500}), (FILLED_ONCE, {"Alpha SARL": 3000, "Beta SA": 600})],
)
def test_customers_named_once_are_asked_about_and_filled_down(text, balances):
    assert asked(read(text)) == ["file-customer-above"]

    plan = read(text, {"file-customer-above": "above"})
    refused = read(text, {"file-customer-above": "fault"})

    assert {line.debtor: line.balance for line in plan.certificate} == balances
    assert set(refused.fault_counts) == {"debtor.empty"}


def test_a_single_line_without_a_customer_is_not_the_customers_above():
    lines = "".join(f"F{n};15/06/2026;Alpha;1,00\n" for n in range(20))

    assert read(f"{BASE}\n{lines}F99;15/06/2026;;5,00\n").fault_counts == {"debtor.empty": 1}


# What has become of it


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("Payée", 0),
        ("Réglée", 0),
        ("Paid", 0),
        ("Impayée", 12000),
        ("En retard", 12000),
        ("Partially paid", 12000),
        ("", 12000),
    ],
)
def test_a_state_says_what_is_open(word, left):
    assert opens(read(f"{BASE};Statut\nF1;15/06/2026;Alpha;120,00;{word}\n")) == {"F1": left}


@pytest.mark.parametrize("word", ["Brouillon", "Draft", "Annulée", "Void", "Abandonnée", "Storniert", "Cancelled"])
def test_what_nobody_owes_is_left_out_and_counted(word):
    plan = read(
        f"{BASE};Statut\nF1;15/06/2026;Alpha;120,00;Impayée\n;;Beta;50,00;{word}\nF3;15/06/2026;Beta;50,00;{word}\n"
    )

    assert (opens(plan), plan.fault_counts) == ({"F1": 12000}, {})
    assert [(w.value, w.facts["rows"]) for w in plan.warnings if w.code == "rows.left_out"] == [(word, 2)]


def test_an_unknown_state_is_asked_about_once():
    text = f"{BASE};Statut\nF1;15/06/2026;Alpha;120,00;Chez Maître X\nF2;15/06/2026;Alpha;120,00;Chez Maître X\n"

    assert asked(read(text)) == ["file-state:chez-maitre-x"]
    assert [opens(read(text, {"file-state:chez-maitre-x": answer})) for answer in ("open", "paid", "out")] == [
        {"F1": 12000, "F2": 12000},
        {"F1": 0, "F2": 0},
        {},
    ]


def test_many_unknown_words_are_one_question():
    lines = "".join(f"F{n};15/06/2026;Alpha;1,00;Prestation {n}\n" for n in range(30))

    keys = asked(read(f"{BASE};Nature\n{lines}"))

    assert (len(keys), keys[-1]) == (7, "file-kind:all-others")


def test_paid_and_yet_open_is_asked_about():
    text = f"{BASE};Reste dû;Statut\nF1;15/06/2026;Alpha;120,00;120,00;Payée\n"

    assert asked(read(text)) == ["file-paid-and-open"]
    assert opens(read(text, {"file-paid-and-open": "paid"})) == {"F1": 0}
    assert opens(read(text, {"file-paid-and-open": "open"})) == {"F1": 12000}


@pytest.mark.parametrize(("word", "left"), [("Oui", 0), ("Non", 12000), ("20,00", 10000)])
def test_paid_may_be_said_by_yes_or_no(word, left):
    assert opens(read(f"{BASE};Payé\nF1;15/06/2026;Alpha;120,00;{word}\n")) == {"F1": left}


# What it is


@pytest.mark.parametrize(
    "word",
    ["Avoir", "Avoir client", "Facture d'avoir", "AV", "Credit note", "Sales credit note", "Credit Memo", "out_refund", "Gutschrift",
     "381", "Note de crédit", "Nota de crédito", "Nota di credito", "ACCRECCREDIT", "CN"],
)  # fmt: skip
def test_a_credit_note_by_any_name_is_no_debt(word):
    assert sort_of(word) is Sort.CREDIT_NOTE
    assert opens(read(f"{BASE};Type\nA1;15/06/2026;Alpha;120,00;{word}\n")) == {"A1": -12000}


@pytest.mark.parametrize(
    "word", ["in_invoice", "Facture fournisseur", "Bill", "Vendor bill", "ACCPAY", "Devis", "Bon de livraison"]
)
def test_what_is_no_document_of_a_customer_is_left_out(word):
    plan = read(f"{BASE};Type\nF1;15/06/2026;Alpha;1,00;Facture\nX1;15/06/2026;Alpha;120,00;{word}\n")

    assert opens(plan) == {"F1": 100}
    assert plan.counts["left_out"] == 1


def test_no_word_has_two_meanings():
    assert state_of("partiellement payée") is State.OPEN
    assert state_of("NOT_PAID") is State.OPEN
    assert (sort_of("Facture"), sort_of("D"), sort_of("C")) == (Sort.INVOICE, Sort.INVOICE, Sort.CREDIT_NOTE)
    assert sort_of("Prestation") is None


# Amounts


@pytest.mark.parametrize("amount", ["100.00 USD", "$200", "USD 5.00", "£12", "12,00 CHF"])
def test_an_amount_in_another_currency_is_refused(amount):
    plan = read(f"{BASE}\nF1;15/06/2026;Alpha;{amount}\n")

    assert [(f.code, f.column) for f in plan.faults] == [("currency.other", "Total TTC")]


@pytest.mark.parametrize("heading", ["Amount USD", "Total (USD)", "Total $", "AmountUSD"])
def test_a_heading_in_another_currency_is_refused(heading):
    plan = (
        read(f"Invoice no;Date;Client;{heading}\nF1;15/06/2026;Alpha;100,00\n", {})
        if heading != "AmountUSD"
        else read("Invoice no;Date;Client;Amount USD\nF1;15/06/2026;Alpha;100,00\n")
    )

    assert plan.fault_counts == {"currency.heading": 1}


def test_the_currency_of_the_account_may_be_written_anywhere():
    assert opens(
        read("N° facture;Date;Client;Montant TTC (EUR)\nF1;15/06/2026;Alpha;100,00 €\nF2;15/06/2026;Alpha;100,00 EUR\n")
    ) == {
        "F1": 10000,
        "F2": 10000,
    }


@pytest.mark.parametrize(
    "heading", ["Reste à percevoir", "InvoiceAmountDue", "Reste à encaisser", "Montant non réglé", "Offener Betrag"]
)
def test_what_remains_is_known_by_many_names(heading):
    assert opens(read(f"{BASE};{heading}\nF1;15/06/2026;Alpha;120,00;20,00\n")) == {"F1": 2000}


def test_a_heading_that_may_mean_what_remains_is_asked_about():
    text = f"{BASE};Solde prévisionnel\nF1;15/06/2026;Alpha;120,00;20,00\n"
    [question] = read(text).questions

    assert question.facts["column"] == "Solde prévisionnel"
    assert opens(read(text, {question.key: "open"})) == {"F1": 2000}
    assert opens(read(text, {question.key: "no"})) == {"F1": 12000}


def test_amounts_that_contradict_each_other_are_refused():
    plan = read(
        f"{BASE};Payé;Reste dû\nF1;15/06/2026;Alpha;240,00;40,00;240,00\nF2;15/06/2026;Alpha;240,00;40,00;200,00\nF3;15/06/2026;Alpha;240,00;40,00;100,00\n"
    )

    assert [(f.line, f.code, f.facts) for f in plan.faults] == [
        (2, "amounts.contradict", {"total": 24000, "paid": 4000, "open": 24000})
    ]


def test_a_rest_of_nothing_is_refused():
    plan = read(f"{BASE};Reste dû\nF1;15/06/2026;Alpha;0,00;50,00\nF2;15/06/2026;Alpha;0,00;0,00\n")

    assert (plan.fault_counts, plan.warning_counts) == ({"open.beyond_total": 1}, {"amount.zero": 1})


def test_a_blank_rest_is_asked_about():
    text = f"{BASE};Reste dû\nF1;15/06/2026;Alpha;120,00;20,00\nF2;15/06/2026;Alpha;120,00;\n"

    assert asked(read(text)) == ["file-blank-open"]
    assert opens(read(text, {"file-blank-open": "nothing"})) == {"F1": 2000, "F2": 0}
    assert opens(read(text, {"file-blank-open": "all"})) == {"F1": 2000, "F2": 12000}


def test_net_and_vat_that_do_not_make_the_total_are_not_kept():
    plan = read(
        f"{BASE};HT;TVA\nF1;15/06/2026;Alpha;120,00;100,00;10,00\nF2;15/06/2026;Alpha;120,00;100,00;20,00\nF3;15/06/2026;Alpha;120,01;100,00;20,00\n"
    )

    assert [(i.net, i.vat) for i in plan.items] == [(None, None), (10000, 2000), (None, None)]
    assert plan.warning_counts == {"amounts.net_and_vat": 1}


@pytest.mark.parametrize(
    ("text", "minor"), [("-", 0), ("–", 0), ("20.000000000000004", 2000), ("19.999999999999996", 2000), ("20", 2000)]
)
def test_nothing_and_the_noise_of_binary_fractions_are_read(text, minor):
    assert opens(read(f"{BASE};Reste dû\nF1;15/06/2026;Alpha;120.00;{text}\n")) == {"F1": minor}


# Days


@pytest.mark.parametrize(
    "text", ["2026-06-15T00:00:00+02:00", "2026-06-15T10:00:00.000Z", "2026-06-15 10:00:00 UTC", "15062026", "20260615"]
)
def test_days_of_programs_are_read(text):
    assert [i.issued_on for i in read(f"{BASE}\nF1;{text};Alpha;1,00\n").items] == [date(2026, 6, 15)]


def test_a_day_far_ahead_is_a_slip_and_one_soon_is_told():
    today = date(2026, 6, 1)
    plan = read(f"{BASE}\nF1;15/06/2026;Alpha;1,00\nF2;15/06/2062;Alpha;1,00\n", today=today)

    assert [(f.line, f.code) for f in plan.faults] == [(3, "day.far")]
    assert [(w.value, w.facts) for w in plan.warnings if w.code == "day.to_come"] == [("2026-06-15", {"rows": 1})]


@pytest.mark.parametrize(
    "heading", ["due_in_date", "DateLimitReglmt", "Date limite règlement", "Fällig am", "Vencimiento"]
)
def test_a_due_day_of_the_file_is_kept(heading):
    [item] = read(f"{BASE};{heading}\nF1;15/06/2026;Alpha;1,00;31/08/2026\n").items

    assert (item.due_on, item.due_derived) == (date(2026, 8, 31), False)


@pytest.mark.parametrize("nothing", ["", "-", "0000-00-00", "00/00/0000", "N/A"])
def test_no_due_day_is_no_fault(nothing):
    [item] = read(f"{BASE};Échéance\nF1;15/06/2026;Alpha;1,00;{nothing}\n").items

    assert item.due_derived


@pytest.mark.parametrize("heading", ["Num", "N° document", "doc_id", "Rechnungsnummer", "Nº Factura", "Numero fattura"])
def test_a_number_by_any_name(heading):
    assert opens(read(f"{heading};Date;Client;Total TTC\nF1;15/06/2026;Alpha;1,00\n")) == {"F1": 100}


# What it is not


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("15062026;VT;411000;C1;D;120,00;Facture;F1\n16062026;VT;411000;C2;D;20,00;Facture;F2\n", "file.no_headings"),
        ('1,15062026,VT,411DUPONT,"Facture","F1",120.00,D,15072026,EUR\n', "file.no_headings"),
        ("Zone A;Zone B;Zone C\nx;y;z\n", "mapping.nothing"),
    ],
)
def test_a_table_without_known_headings_is_told_in_one_sentence(text, code):
    assert read(text).fault_counts == {code: 1}
