import re
from pathlib import Path

import pytest

from backoffice import imports
from backoffice.imports.faults import Fault, Findings
from backoffice.imports.sentences import codes, place, sentence, told
from shared.kit.words import speaking

ROOM = Path(imports.__file__).parent


def test_every_code_in_the_room_has_words():
    used = set()
    for path in ROOM.glob("*.py"):
        if path.name not in {"sentences.py", "models.py"}:
            text = path.read_text("utf-8")
            used |= set(
                re.findall(
                    r'"((?:file|xlsx|mapping|amount|day|number|debtor|text|email|flag|terms|currency|due|open|fec|code|rows|amounts|ledger|sheet|foreign|xls|siren|country|contact|row)\.[a-z_]+)"',
                    text,
                )
            )
    used -= {"file.csv"}

    assert used
    assert used <= codes()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sentence_can_be_filled(language):
    facts = dict.fromkeys(
        [
            "megabytes",
            "limit",
            "called",
            "encoding",
            "columns",
            "expected",
            "places",
            "first",
            "mark",
            "account",
            "debit",
            "credit",
            "difference",
            "left",
            "settled",
            "held",
            "paid",
            "found",
            "last",
            "covered",
            "waits",
            "total",
            "invoices",
            "wanted",
            "balance",
            "lines",
            "open",
            "invoices",
            "rows",
            "waits",
            "total",
            "net",
            "vat",
        ],
        1234,
    ) | {"on": "2026-03-02"}
    with speaking(language):
        for code in codes():
            text = sentence(Fault(code, 3, "Montant", "x", facts))
            assert "%(" not in text
            assert text.endswith((".", "…"))


def test_a_fault_is_told_with_its_place_and_value():
    fault = Fault("amount.unreadable", 12, "Montant TTC", "abc")

    assert told(fault) == "line 12, column Montant TTC: This is not an amount. [abc]"
    with speaking("fr"):
        assert told(fault) == "ligne 12, colonne Montant TTC : Ce n’est pas un montant. [abc]"
    assert place(Fault("file.empty")) == ""


def test_amounts_are_written_as_the_reader_writes_them():
    fault = Fault("fec.unbalanced_entry", 5, None, "VE 12", {"debit": 123456, "credit": 0})

    assert "€1,234.56" in sentence(fault)
    with speaking("fr"):
        assert "1\u202f234,56\u00a0€" in sentence(fault)


def test_a_fault_survives_storage():
    fault = Fault("fec.short_line", 7, None, "x", {"columns": 3, "expected": 18})

    assert Fault.from_json(fault.as_json()) == fault


def test_values_are_shown_short_and_printable():
    findings = Findings()
    findings.add("amount.unreadable", value="a\x00b" + "c" * 500)

    value = next(iter(findings)).value
    assert len(value) == 80
    assert value.startswith("a\ufffdb")
