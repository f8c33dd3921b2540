import itertools
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.imports.fec import looks_like_fec, read_fec
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.source import Source
from backoffice.imports.terms import Terms
from tests.backoffice.imports.test_tables import workbook

HERE = Path(__file__).resolve().parents[2] / "data" / "imports"

LETTERED = [
    "123456782FEC20261231.txt",
    "pipe-cp1252-22-columns.TXT",
    "montant-sens-zero-padded.txt",
    "latin9-19-columns-quoted.txt",
    "entry-number-zero.txt",
]
HEADINGS = (
    "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\t"
    "PieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise"
)


def fec(*lines: tuple[str, str, str, str, str, str, str, str, str]) -> Source:
    """A FEC of (journal, number, day, account, auxiliary, piece, debit, credit, lettering)."""
    text = [HEADINGS]
    for journal, number, day, account, auxiliary, piece, debit, credit, lettering in lines:
        text.append(
            f"{journal}\t{journal}\t{number}\t{day}\t{account}\tx\t{auxiliary}\t{auxiliary}\t{piece}\t{day}\t"
            f"{piece}\t{debit}\t{credit}\t{lettering}\t\t{day}\t\t"
        )
    return Source("\n".join(text).encode())


@pytest.mark.parametrize("name", LETTERED)
def test_every_dialect_tells_the_same_story(name):
    plan = read_fec(Source(HERE / name, name))

    assert plan.fault_counts == {}
    assert plan.sound
    assert {line.debtor: line.balance for line in plan.certificate} == {
        "CDORA": 0, "CNOEL": -5000, "CPAUL": 57000, "CNADI": 24000, "COCTA": -9900,
    }  # fmt: skip
    assert [(i.debtor, i.kind, i.number, i.total, i.open, i.settled_on) for i in plan.items] == [
        ("CDORA", "opening", "RAN-20260101-CDORA", 30000, 0, date(2026, 1, 10)),
        ("CNOEL", "credit", plan.items[1].number, 5000, 5000, None),
        ("CDORA", "invoice", "F-2601", 120000, 0, date(2026, 2, 10)),
        ("CPAUL", "invoice", "F-2602", 60000, 60000, None),
        ("CPAUL", "invoice", "F-2603", 24000, 0, date(2026, 3, 1)),
        ("CPAUL", "credit_note", "AV-2601", 6000, 0, date(2026, 1, 20)),
        ("CNADI", "invoice", "F-2604", 36000, 24000, date(2026, 3, 5)),
        ("COCTA", "credit", "VIR4", 9900, 9900, None),
        ("CPAUL", "credit_note", "AV-2602", 3000, 3000, None),
    ]
    assert {d.key: d.name for d in plan.debtors}["CNOEL"] == "Noël & Fils"
    assert [(w.value, w.facts["account"], w.facts["difference"], w.facts["left"]) for w in plan.warnings] == [
        ("ZZ", "CDORA", -30000, 0),
        ("CC", "CNADI", 24000, 24000),
    ]


def test_the_name_of_the_file_tells_siren_and_closing_day():
    facts = read_fec(Source(HERE / LETTERED[0], LETTERED[0])).facts

    assert (facts["siren"], facts["closing"]) == ("123456782", "20261231")
    assert (facts["encoding"], facts["delimiter"], facts["columns"]) == ("utf-8-sig", "\t", 18)


def test_a_file_without_any_lettering_is_set_off_by_piece_amount_and_age():
    plan = read_fec(Source(HERE / "unlettered.txt"))

    assert plan.sound
    assert plan.warning_counts["fec.no_lettering"] == 1
    assert {line.debtor: line.balance for line in plan.certificate} == {
        "CDORA": 0, "CNOEL": -5000, "CPAUL": 57000, "CNADI": 24000, "COCTA": -9900,
    }  # fmt: skip
    assert [(i.number, i.open) for i in plan.invoices if i.open] == [
        ("F-2602", 33000),
        ("F-2603", 24000),
        ("F-2604", 24000),
    ]


def test_a_due_day_follows_from_terms_and_says_so():
    own = {"CPAUL": Terms(60)}
    plan = read_fec(Source(HERE / LETTERED[0]), Terms(10), own_terms=own)

    due = {i.number: i.due_on - i.issued_on for i in plan.invoices}
    assert due["F-2602"] == timedelta(days=60)
    assert due["F-2604"] == timedelta(days=10)
    assert all(i.due_derived for i in plan.invoices)


def test_an_opening_balance_in_detail_keeps_its_invoices():
    plan = read_fec(
        fec(
            ("AN", "1", "20260101", "411000", "C1", "F-2512", "100,00", "0", ""),
            ("AN", "1", "20260101", "411000", "C1", "F-2513", "50,00", "0", "AA"),
            ("AN", "1", "20260101", "411000", "C2", "RAN", "20,00", "0", ""),
            ("AN", "1", "20260101", "411000", "C3", "RAN", "30,00", "0", ""),
            ("AN", "1", "20260101", "101000", "", "RAN", "0", "200,00", ""),
            ("BQ", "2", "20260203", "512000", "", "V1", "50,00", "0", ""),
            ("BQ", "2", "20260203", "411000", "C1", "V1", "0", "50,00", "AA"),
        )
    )

    assert [(i.kind, i.number, i.open) for i in plan.items] == [
        ("invoice", "F-2512", 10000),
        ("invoice", "F-2513", 0),
        ("opening", "RAN-20260101-C2", 2000),
        ("opening", "RAN-20260101-C3", 3000),
    ]


def test_an_account_without_auxiliary_is_its_own_debtor():
    plan = read_fec(
        fec(
            ("VE", "1", "20260105", "411DURAND", "", "F1", "10,00", "0", ""),
            ("VE", "1", "20260105", "706000", "", "F1", "0", "10,00", ""),
        )
    )

    assert [(i.debtor, i.number) for i in plan.items] == [("411DURAND", "F1")]


def test_a_bounced_cheque_made_good_is_no_invoice():
    plan = read_fec(
        fec(
            ("VE", "1", "20260105", "411000", "C1", "F1", "10,00", "0", "A"),
            ("VE", "1", "20260105", "706000", "", "F1", "0", "10,00", ""),
            ("BQ", "2", "20260110", "411000", "C1", "CH1", "0", "10,00", "A"),
            ("BQ", "2", "20260110", "512000", "", "CH1", "10,00", "0", ""),
            ("BQ", "3", "20260112", "411000", "C1", "CH1 imp", "10,00", "0", "A"),
            ("BQ", "3", "20260112", "512000", "", "CH1 imp", "0", "10,00", ""),
            ("BQ", "4", "20260120", "411000", "C1", "V1", "0", "10,00", "A"),
            ("BQ", "4", "20260120", "512000", "", "V1", "10,00", "0", ""),
        )
    )

    assert [(i.number, i.open) for i in plan.items] == [("F1", 0)]


def test_lines_of_one_piece_are_one_invoice_and_used_numbers_get_a_suffix():
    plan = read_fec(
        fec(
            ("VE", "1", "20260105", "411000", "C1", "F1", "10,00", "0", ""),
            ("VE", "1", "20260105", "411000", "C1", "F1", "5,00", "0", "A"),
            ("VE", "1", "20260105", "706000", "", "F1", "0", "15,00", ""),
            ("BQ", "3", "20260112", "411000", "C1", "V1", "0", "5,00", "A"),
            ("BQ", "3", "20260112", "512000", "", "V1", "5,00", "0", ""),
            ("VE", "4", "20260205", "411000", "C1", "F1", "7,00", "0", ""),
            ("VE", "4", "20260205", "706000", "", "F1", "0", "7,00", ""),
        )
    )

    assert [(i.number, i.total, i.open) for i in plan.items] == [("F1", 1500, 1000), ("F1-2", 700, 700)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"Client;Montant\nA;1\n", "fec.no_headings"),
        (b"JournalCode\tEcritureDate\tCompteNum\nVE\t20260101\t411\n", "fec.missing_columns"),
        (HEADINGS.encode(), "file.no_rows"),
        (b"PK\x03\x04zip", "fec.not_text"),
    ],
)
def test_what_is_no_fec_is_refused_with_a_reason(content, code):
    plan = read_fec(Source(content))

    assert code in plan.fault_counts
    assert not looks_like_fec(Source(content)) or code == "file.no_rows"


def test_every_fault_of_a_fec_is_named_by_line_and_column():
    good = ("VE", "1", "20260105", "411000", "C1", "F1", "10,00", "0", "")
    plan = read_fec(
        fec(
            good,
            ("VE", "1", "20260105", "706000", "", "F1", "0", "10,00", ""),
            ("VE", "2", "2026013", "411000", "C1", "F2", "10,00", "0", ""),
            ("VE", "2", "20260105", "706000", "", "F2", "0", "dix", ""),
            ("VE", "3", "20260105", "", "", "F3", "5,00", "5,00", ""),
            ("VE", "4", "20260107", "411000", "C1", "F4", "1,00", "0", ""),
        )
    )

    assert [(f.line, f.column, f.code) for f in plan.faults] == [
        (None, None, "fec.unbalanced_file"),
        (4, "EcritureDate", "day.unreadable"),
        (5, "Credit", "amount.unreadable"),
        (6, "CompteNum", "fec.no_account"),
        (7, None, "fec.unbalanced_entry"),
    ]


def test_a_line_cut_by_a_line_break_is_named():
    source = fec(("VE", "1", "20260105", "411000", "C1", "F1", "10,00", "0", ""))
    broken = Source(source.content + b"\nVE\tVE\t1\n")

    assert read_fec(broken).fault_counts == {"fec.short_line": 1, "fec.unbalanced_file": 1, "fec.unbalanced_entry": 1}


# What must hold for every book


@st.composite
def books(draw):
    """A balanced book: invoices, credit notes, payments and openings, lettered at random."""
    lines, number = [], itertools.count(1)
    letters = draw(st.sampled_from([["", "A", "B", "C"], [""], ["A"]]))
    for _ in range(draw(st.integers(1, 25))):
        entry = str(next(number)) if draw(st.booleans()) else "0"
        kind = draw(st.sampled_from(["sale", "note", "payment", "return", "opening", "odd"]))
        debtor = draw(st.sampled_from(["C1", "C2", "C3"]))
        day = (date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 300)))).strftime("%Y%m%d")
        piece = draw(st.sampled_from(["", "0", "RAN", f"F{entry}", "F1", "F2"]))
        letter = draw(st.sampled_from(letters))
        minor = draw(st.integers(1, 10**6))
        amount = f"{minor // 100},{minor % 100:02d}"
        journal, account = {
            "sale": ("VE", "706000"), "note": ("VE", "706000"), "payment": ("BQ", "512000"),
            "return": ("BQ", "512000"), "opening": ("AN", "890000"), "odd": ("OD", "658000"),
        }[kind]  # fmt: skip
        owed = kind in ("sale", "return") or (kind in ("opening", "odd") and draw(st.booleans()))
        one, other = (amount, "0,00") if owed else ("0,00", amount)
        lines.append((journal, entry, day, "411000", debtor, piece, one, other, letter))
        lines.append((journal, entry, day, account, "", piece, other, one, ""))
    return lines


@settings(max_examples=300)
@given(books())
def test_open_items_always_add_up_to_the_balance_of_the_account(lines):
    plan = read_fec(fec(*lines))
    balances = defaultdict(int)
    for line in lines:
        if line[3] == "411000":
            balances[line[4]] += int(line[6].replace(",", "")) - int(line[7].replace(",", ""))

    assert plan.fault_counts == {}
    assert plan.sound
    assert {line.debtor: line.balance for line in plan.certificate} == balances
    assert {line.debtor: line.owed - line.credit for line in plan.certificate} == balances
    assert all(0 <= item.open <= item.total and item.total > 0 for item in plan.items)
    assert len({item.number for item in plan.items}) == len(plan.items)
    assert all((item.settled_on is None) == (item.open == item.total) for item in plan.items)


@given(books())
def test_an_account_that_owes_nothing_has_no_open_invoice(lines):
    plan = read_fec(fec(*lines))

    for line in plan.certificate:
        if line.balance <= 0:
            assert line.owed == 0


@given(books())
def test_reading_twice_gives_the_same_plan(lines):
    assert read_fec(fec(*lines)) == read_fec(fec(*lines))


@given(st.binary(max_size=1500))
def test_no_bytes_break_the_fec_reader(content):
    assert read_fec(Source(content)).fault_counts


@given(st.text(max_size=600), st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_no_text_below_good_headings_breaks_the_fec_reader(text, encoding):
    plan = read_fec(Source(f"{HEADINGS}\n{text}".encode(encoding, errors="replace")))

    assert plan.form == "fec"


# The real files


@pytest.mark.real_files
def test_the_real_fec_gives_its_certificate(real_files):
    name = "0000000001FEC20220831.txt"
    plan = read_fec(Source(real_files / "fec" / name, name))

    assert plan.sound
    assert len(plan.debtors) == len(plan.certificate) == 17
    assert plan.balance == {"EUR": 5_251_724}
    facts = plan.facts
    assert (facts["lines"], facts["entries"], facts["unbalanced_entries"]) == (5_422, 2_033, 0)
    assert (facts["customer_lines"], facts["lettered_lines"], facts["unbalanced_letterings"]) == (538, 528, 15)
    assert plan.warning_counts == {
        "fec.unbalanced_lettering": 6,
        "fec.lettering_of_older": 9,
        "fec.nothing_owed": 2,
    }


@pytest.mark.real_files
def test_in_the_real_fec_old_payments_use_up_the_opening_balances_to_the_cent(real_files):
    plan = read_fec(Source(real_files / "fec" / "0000000001FEC20220831.txt"))

    openings = plan.of_kind("opening")
    assert len(openings) == 7
    assert all(item.open == 0 for item in openings)
    assert [(i.debtor, i.open) for i in plan.credits] == [("CNOURR", 7913)]


@pytest.mark.real_files
def test_the_real_invoices_come_in_as_history(real_files):
    plan = read_table(Source(real_files / "receivables" / "ibm-late-payments.csv"))

    assert plan.sound
    assert plan.facts["dates"] == "dmy"
    assert (len(plan.invoices), len(plan.debtors)) == (2_466, 100)
    assert len(plan.settlements) == 2_466
    assert sum(item.disputed for item in plan.items) == 561
    assert sum(item.settled_on > item.due_on for item in plan.items) == 877


def test_two_fecs_put_together_are_read_past_the_second_headings():
    lines = (HERE / "unlettered.txt").read_text("utf-8").splitlines()
    once, twice = "\n".join(lines), "\n".join([*lines[:3], lines[0], *lines[3:]])

    plans = [read_fec(Source(text.encode())) for text in (once, twice)]

    assert [plan.fault_counts for plan in plans] == [{}, {}]
    assert [plan.balance for plan in plans] == [plans[0].balance] * 2


def test_a_fec_in_a_workbook_is_named_as_one():
    lines = [line.split("\t") for line in (HERE / "unlettered.txt").read_text("utf-8").splitlines()]

    plan = read_table(Source(workbook(lines)))

    assert [fault.code for fault in plan.faults] == ["fec.not_text"]
