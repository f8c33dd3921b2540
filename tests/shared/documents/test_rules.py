"""What a total says of its VAT, names in an archive, and what a movement does to a balance."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.documents.facts import MovementFacts
from shared.documents.rules import effect, sole_line, unique_names
from shared.kit.money import Money


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [
        (10_000, 2_000, "20"),
        (10_000, 1_000, "10"),
        (10_000, 550, "5.5"),
        (10_000, 210, "2.1"),
        (10_000, 850, "8.5"),
        (10_000, 2_001, "20"),
        (10_000, 1_999, "20"),
        (10_000, 2_002, None),
        (10_000, 1_998, None),
        (10_000, 1_500, None),
        (10_000, 0, None),
        (0, 1, None),
        (-10_000, -2_000, None),
        (10_000, -1, None),
        (10, 1, None),  # ten percent and eight and a half both explain it
        (1, 1, None),
        (60, 1, "2.1"),
        (30, 0, None),  # a cent off 2.1 %, and yet no VAT at all is what the total says
        (15, -1, None),
        (-10, 1, None),
    ],
)
def test_one_usual_rate_explains_a_total_or_nothing_is_said(net, vat, rate):
    found = sole_line("Work", Money(net), Money(vat))
    if rate is None:
        assert found is None
        return
    line, tax = found
    assert (line.vat_rate, tax.rate, tax.category) == (Decimal(rate), Decimal(rate), "S")
    assert (line.description, line.quantity, line.unit_price, line.net) == (
        "Work",
        1,
        Decimal(net) / 100,
        Money(net),
    )
    assert (tax.base, tax.vat) == (Money(net), Money(vat))


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (["a.pdf", "a.pdf", "a.pdf"], ["a.pdf", "a (2).pdf", "a (3).pdf"]),
        (["a.pdf", "A.PDF"], ["a.pdf", "A (2).PDF"]),
        (["a", "a"], ["a", "a (2)"]),
        (["a (2).pdf", "a.pdf", "a.pdf"], ["a (2).pdf", "a.pdf", "a (3).pdf"]),
        (["a.b.pdf", "a.b.pdf"], ["a.b.pdf", "a.b (2).pdf"]),
        ([], []),
    ],
)
def test_no_file_of_an_archive_covers_another(names, unique):
    assert list(unique_names(names)) == unique


def movement(day: int, *, debit: int | None = None, credit: int | None = None) -> MovementFacts:
    return MovementFacts(
        on=date(2026, 2, day),
        label="x",
        reference="y",
        debit=None if debit is None else Money(debit),
        credit=None if credit is None else Money(credit),
    )


def test_a_movement_raises_or_lowers_what_is_owed_or_does_nothing():
    assert effect(movement(1, debit=5)) == Money(5)
    assert effect(movement(1, credit=5)) == Money(-5)
    assert effect(movement(1)) == Money(0)
