"""What real FEC hold beyond the eighteen columns, and the ways in which they mislead."""

from __future__ import annotations

from datetime import date

import pytest

from backoffice.imports.faults import Fault
from backoffice.imports.fec import read_fec
from backoffice.imports.questions import Questions
from backoffice.imports.sentences import sentence
from backoffice.imports.source import Source

NAMES = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
]


def fec(*lines: str, names: list[str] = NAMES, delimiter: str = "\t", due: str = "") -> Source:
    """A FEC of "journal number day account auxiliary piece debit credit lettering [due [label]]"; "." is an empty field."""
    headings = [*names, due] if due else names
    text = [delimiter.join(headings)]
    for line in lines:
        cells = ["" if cell == "." else cell for cell in line.split(maxsplit=10)]
        journal, number, day, account, auxiliary, piece, debit, credit, letter, *more = cells
        row = [
            journal,
            journal,
            number,
            day,
            account,
            "x",
            auxiliary,
            auxiliary,
            piece,
            day,
            more[1] if len(more) > 1 else piece,
        ]
        row += [debit, credit, letter, "", day, "", ""]
        text.append(delimiter.join([*row, more[0] if more else ""] if due else row))
    return Source("\n".join(text).encode())


def sale(number: str, day: str, debtor: str, piece: str, amount: str, letter: str = ".", due: str = ".") -> list[str]:  # noqa: PLR0917 - a line of a book
    return [
        f"VE {number} {day} 411000 {debtor} {piece} {amount} 0 {letter} {due}",
        f"VE {number} {day} 706000 . {piece} 0 {amount} .",
    ]


def receipt(number: str, day: str, debtor: str, piece: str, amount: str, label: str = "") -> list[str]:  # noqa: PLR0917 - a line of a book
    return [
        f"BQ {number} {day} 411000 {debtor} {piece} 0 {amount} . . {label}",
        f"BQ {number} {day} 512000 . {piece} {amount} 0 .",
    ]


LETTERED = [
    *sale("9", "20260101", "C9", "F9", "1,00", "A"),
    "BQ 10 20260102 411000 C9 P9 0 1,00 A", "BQ 10 20260102 512000 . P9 1,00 0 .",
]  # fmt: skip


@pytest.mark.parametrize("case", [str.upper, str.lower, str.swapcase, lambda name: f" {name.title()} "])
def test_headings_in_any_letter_case_keep_customers_apart(case):
    lines = sale("1", "20260105", "C1", "F1", "10,00") + sale("2", "20260106", "C2", "F2", "20,00")

    plan = read_fec(fec(*lines, names=[case(name) for name in NAMES]))

    assert plan.fault_counts == {}
    assert {line.debtor: line.balance for line in plan.certificate} == {"C1": 1000, "C2": 2000}


@pytest.mark.parametrize("name", ["DateLimitReglmt", "DATELIMITREGLMT", "Date_Echeance", "Échéance"])
def test_the_due_day_of_the_file_is_kept(name):
    plan = read_fec(fec(*sale("1", "20260105", "C1", "F1", "10,00", due="20260315"), due=name))

    assert [(i.due_on, i.due_derived) for i in plan.items] == [(date(2026, 3, 15), False)]


def test_an_invoice_in_instalments_falls_due_in_parts():
    lines = [
        "VE 1 20260105 411000 C1 F1 40,00 0 . 20260205", "VE 1 20260105 411000 C1 F1 60,00 0 . 20260305",
        "VE 1 20260105 706000 . F1 0 100,00 .",
    ]  # fmt: skip

    plan = read_fec(fec(*lines, due="DateLimitReglmt"))

    assert [(i.number, i.due_on, i.open) for i in plan.items] == [
        ("F1-20260205", date(2026, 2, 5), 4000),
        ("F1-20260305", date(2026, 3, 5), 6000),
    ]


def test_a_delimiter_within_a_label_is_mended():
    good = sale("1", "20260105", "C1", "F1", "10,00")
    source = fec(*good, delimiter="|")
    broken = Source(source.content.replace(b"|F1|10,00", b"|Facture F1 | suite|10,00", 1))

    plan = read_fec(broken)

    assert plan.fault_counts == {}
    assert [(i.number, i.open, i.label) for i in plan.items] == [("F1", 1000, "Facture F1 | suite")]


@pytest.mark.parametrize(
    ("piece", "amount", "label", "left"),
    [
        ("F1", "10,00", "", {"F1": 0, "F2": 2500}),
        ("VIR7", "10,00", "VIR SEPA facture F1, merci", {"F1": 0, "F2": 2500}),
        ("VIR7", "25,00", "VIREMENT", {"F1": 1000, "F2": 0}),
        ("VIR7", "7,00", "VIREMENT", {"F1": 1000, "F2": 2500, "BQ-3-C1": 700}),
    ],
)
def test_a_payment_booked_and_not_yet_lettered_settles_the_document_it_names_or_equals(piece, amount, label, left):
    lines = LETTERED + sale("1", "20260105", "C1", "F1", "10,00") + sale("2", "20260106", "C1", "F2", "25,00")
    lines += receipt("3", "20260201", "C1", piece, amount, label)

    plan = read_fec(fec(*lines, due="Due"))

    found = {i.number: i.open for i in plan.items if i.debtor == "C1"}
    assert {
        number.replace(f"{piece}", "BQ-3-C1") if number == "VIR7" else number: open_ for number, open_ in found.items()
    } == left
    assert plan.sound


def test_of_two_documents_of_one_amount_none_is_guessed():
    lines = LETTERED + sale("1", "20260105", "C1", "F1", "10,00") + sale("2", "20260106", "C1", "F2", "10,00")
    lines += receipt("3", "20260201", "C1", "VIR7", "10,00")

    plan = read_fec(fec(*lines))

    assert [i.open for i in plan.items if i.debtor == "C1"] == [1000, 1000, 1000]
    assert "fec.not_lettered" not in plan.warning_counts


@pytest.mark.parametrize("letter", [".", "B"])
def test_what_is_moved_to_doubtful_customers_is_still_owed(letter):
    lines = LETTERED + sale("1", "20260105", "C1", "F1", "10,00", letter)
    lines += [f"OD 2 20260601 411000 C1 F1 0 10,00 {letter}", "OD 2 20260601 416000 C1 F1 10,00 0 ."]

    plan = read_fec(fec(*lines))

    assert [(i.number, i.open, i.issued_on) for i in plan.items if i.debtor == "C1"] == [("F1", 1000, date(2026, 1, 5))]
    assert plan.sound
    assert plan.warning_counts["fec.doubtful"] == 1


def test_accounts_beside_the_customers_are_named():
    lines = sale("1", "20260105", "C1", "F1", "10,00")
    lines += [
        "OD 2 20260601 413000 . E1 30,00 0 .",
        "OD 2 20260601 419100 . E1 0 5,00 .",
        "OD 2 20260601 418100 . E1 0 25,00 .",
    ]

    plan = read_fec(fec(*lines))

    assert {w.code: w.facts["balance"] for w in plan.warnings if w.code != "fec.no_lettering"} == {
        "fec.bills": 3000, "fec.advances": -500, "fec.unbilled": -2500,
    }  # fmt: skip


@pytest.mark.parametrize(("answer", "balances"), [("one", {"411000": 3000, "C3": 500}), ("out", {"C3": 500})])
def test_lines_on_the_collective_account_are_one_customer_only_if_a_person_says_so(answer, balances):
    lines = sale("1", "20260105", ".", "F1", "10,00") + sale("2", "20260105", ".", "F2", "20,00")
    lines += sale("3", "20260105", "C3", "F3", "5,00")

    asked = read_fec(fec(*lines))
    told = read_fec(fec(*lines), questions=Questions({"books-collective:411000": answer}))

    assert [(q.key, q.is_open, q.facts["lines"]) for q in asked.questions] == [("books-collective:411000", True, 2)]
    assert {line.debtor: line.balance for line in told.certificate} == balances
    assert told.sound


def test_a_number_of_columns_is_no_amount_of_money():
    assert "11 columns instead of 18" in sentence(Fault("fec.short_line", 2, facts={"columns": 11, "wanted": 18}))


# Against what is here


def test_a_fec_of_one_month_without_opening_does_not_settle_older_invoices(desk):
    year = sale("1", "20250105", "C1", "F1", "1000,00") + sale("2", "20250106", "C1", "F2", "500,00")
    assert desk.take(fec(*year).content).fault_count == 0

    month = desk.take(fec(*sale("3", "20260105", "C1", "F3", "50,00")).content)

    assert [(f.code, f.facts) for f in month.faults] == [("fec.no_opening", {"invoices": 2, "open": 150000})]
    assert desk.debtors() == {"C1": (150000, 0)}


def test_a_whole_first_year_may_be_imported_again_as_it_grows(desk):
    lines = [
        line.replace("\t20260105\tF1\t", "\t20260105\tF1\t") for line in sale("1", "20260105", "C1", "F1", "10,00")
    ]
    older = fec(*lines).content.replace(b"F1\t20260105\tF1", b"F1\t20251228\tF1")  # the piece is older than the entry
    assert desk.take(older).fault_count == 0

    assert desk.take(older).fault_count == 0


def test_a_year_that_carries_balances_forward_settles_what_was_paid_before_it_began(desk):
    year = sale("1", "20250105", "C1", "F1", "1000,00") + sale("2", "20250106", "C2", "F2", "500,00")
    assert desk.take(fec(*year).content).fault_count == 0

    opening = ["AN 1 20260101 411000 C1 . 1000,00 0 .", "AN 1 20260101 890000 . . 0 1000,00 ."]
    outcome = desk.take(fec(*opening, *sale("3", "20260105", "C2", "F3", "50,00")).content)

    assert outcome.fault_count == 0
    assert desk.invoices() == {"F1": (100000, 100000), "F2": (50000, 0), "F3": (5000, 5000)}
