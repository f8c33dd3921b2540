"""The transfer code: what a banking app reads is what the invoice says."""

from __future__ import annotations

import segno
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import epc
from shared.documents.facts import BankFacts
from shared.kit.money import Money
from tests.support import papers


def payload(amount: str, *, name: str = "Atelier Lumiere", bic: str = "AGRIFRPP", text: str = "F-2026-0143") -> str:
    lines = ["BCD", "002", "1", "SCT", bic, name, papers.BANK.iban, f"EUR{amount}", "", "", text]
    return "\n".join(lines)


def same_code(code: segno.QRCode | None, text: str) -> bool:
    assert code is not None
    expected = segno.make(text.encode(), error="m", boost_error=False, micro=False)
    return [list(row) for row in code.matrix] == [list(row) for row in expected.matrix]


def test_the_code_is_the_payload_of_the_payments_council():
    code = epc.transfer_code(papers.BANK, holder="x", amount=papers.euros("5311.89"), text="F-2026-0143")

    assert same_code(code, payload("5311.89"))


def test_another_amount_is_another_code():
    code = epc.transfer_code(papers.BANK, holder="x", amount=papers.euros("5311.88"), text="F-2026-0143")

    assert not same_code(code, payload("5311.89"))


def test_the_bank_code_may_be_missing():
    bank = BankFacts(iban=papers.BANK.iban)

    code = epc.transfer_code(bank, holder="Atelier Lumière", amount=papers.euros("10"), text="F 1")

    assert same_code(code, payload("10", bic="", text="F 1"))


def test_what_the_scheme_cannot_say_has_no_code():
    assert epc.transfer_code(BankFacts(), holder="x", amount=Money(100), text="F") is None
    assert epc.transfer_code(papers.BANK, holder="x", amount=Money(0), text="F") is None
    assert epc.transfer_code(papers.BANK, holder="x", amount=Money(100, "USD"), text="F") is None
    assert epc.transfer_code(papers.BANK, holder="x", amount=Money(10**12), text="F") is None
    assert epc.transfer_code(papers.BANK, holder="x", amount=Money(100), text="日本") is None


@given(name=st.text(max_size=300), text=st.text(max_size=300), minor=st.integers(-5, 10**12))
def test_no_text_breaks_the_code_or_its_lines(name: str, text: str, minor: int):
    bank = BankFacts(iban=papers.BANK.iban, bic="AGRIFRPP", holder=name)

    code = epc.transfer_code(bank, holder="Atelier", amount=Money(minor), text=text)

    assert code is None or code.version <= 13


def test_letters_are_those_that_banks_take():
    assert epc.latin("Œuvre d’Éloïse & fils — n° 12\n") == "OEuvre d'Eloise fils - no 12"
