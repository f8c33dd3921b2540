"""One rule for addresses: what is taken can be written to, and what people have is taken."""

from __future__ import annotations

from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit import addresses


@pytest.mark.parametrize(
    ("written", "kept", "wire"),
    [
        (" Dora@Client.Example ", "dora@client.example", "dora@client.example"),
        ("o'neil+fr_1@a-b.co.uk", "o'neil+fr_1@a-b.co.uk", "o'neil+fr_1@a-b.co.uk"),
        ("compta@Société.fr", "compta@société.fr", "compta@xn--socit-esab.fr"),
        ("compta@XN--socit-esab.fr", "compta@société.fr", "compta@xn--socit-esab.fr"),
        ("compta@socie\u0301te\u0301.fr", "compta@société.fr", "compta@xn--socit-esab.fr"),
        ("info@例え.テスト", "info@例え.テスト", "info@xn--r8jz45g.xn--zckzah"),
        ("info@ab--cd.fr", "info@ab--cd.fr", "info@ab--cd.fr"),
    ],
)
def test_a_lawful_address_is_kept_as_people_write_it_and_sent_as_servers_take_it(written, kept, wire) -> None:
    assert addresses.normalised(written) == kept
    assert addresses.wire(written) == wire
    assert addresses.normalised(wire) == kept
    assert addresses.normalised(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "dora", "dora@", "@client.example", "dora@client", "dora@client.", "dora@.example", "dora@a..b",
        "do..ra@client.example", ".dora@client.example", "dora.@client.example", "dora@-a.fr", "dora@a_b.fr",
        "dora@client.example>", "Compta <compta@client.example>", "a@b@c.fr", "dora@127.0.0.1", "d o@client.example",
        "\u00e9lodie@client.example", "dora@client.example\r\nBcc: x@y.fr", "x" * 65 + "@client.example",
        "dora@" + "é" * 64 + ".fr", "a@" + ".".join(["é" * 30] * 8), "dora@xn--zzzzzz--.fr", "dora@a\u202eb.fr",
    ],
)  # fmt: skip
def test_what_nobody_can_be_written_to_is_no_address(written: str) -> None:
    assert addresses.normalised(written) is None
    assert addresses.wire(written) is None


@given(st.text(alphabet="aé.@-_+'<>;, \t\r\n\u200bß例xn", max_size=40))
def test_whatever_is_taken_can_stand_in_a_header(written: str) -> None:
    wire = addresses.wire(written)
    if wire is not None:
        assert wire.isascii()
        assert Address(addr_spec=wire).addr_spec == wire
        assert addresses.wire(addresses.normalised(written) or "") == wire


@pytest.mark.parametrize(
    ("cell", "good", "bad"),
    [
        ("a@x.fr; b@x.fr", ["a@x.fr", "b@x.fr"], []),
        ("A@x.fr,b@x.fr a@X.fr", ["a@x.fr", "b@x.fr"], []),
        ("a@x.fr/b@x.fr", ["a@x.fr", "b@x.fr"], []),
        ("Dora Le Gall <dora@société.fr>\nb@x.fr", ["dora@société.fr", "b@x.fr"], []),
        ("mailto:a@x.fr;\u200b", ["a@x.fr"], []),
        ("a@x.fr; b@x", ["a@x.fr"], ["b@x"]),
        ("néant", [], ["néant"]),
        ("  ", [], []),
    ],
)
def test_a_cell_may_hold_several(cell: str, good: list[str], bad: list[str]) -> None:
    assert addresses.in_cell(cell) == (good, bad)
