"""Amounts in words, as French and English write them."""

from __future__ import annotations

import pytest

from shared.documents.spelled import amount_in_words, english, french
from shared.kit.money import Money


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zéro"),
        (16, "seize"),
        (17, "dix-sept"),
        (21, "vingt et un"),
        (70, "soixante-dix"),
        (71, "soixante et onze"),
        (79, "soixante-dix-neuf"),
        (80, "quatre-vingts"),
        (81, "quatre-vingt-un"),
        (90, "quatre-vingt-dix"),
        (91, "quatre-vingt-onze"),
        (99, "quatre-vingt-dix-neuf"),
        (100, "cent"),
        (101, "cent un"),
        (200, "deux cents"),
        (201, "deux cent un"),
        (280, "deux cent quatre-vingts"),
        (1000, "mille"),
        (1080, "mille quatre-vingts"),
        (2000, "deux mille"),
        (80_000, "quatre-vingt mille"),
        (200_000, "deux cent mille"),
        (21_021, "vingt et un mille vingt et un"),
        (1_000_000, "un million"),
        (80_000_000, "quatre-vingts millions"),
        (200_000_001, "deux cents millions un"),
        (3_000_000_000, "trois milliards"),
    ],
)
def test_french_numbers(number, words):
    assert french(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (42, "forty-two"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (1_000, "one thousand"),
        (1_005, "one thousand and five"),
        (1_234, "one thousand two hundred and thirty-four"),
        (2_000_001, "two million and one"),
    ],
)
def test_english_numbers(number, words):
    assert english(number) == words


@pytest.mark.parametrize(
    ("minor", "fr", "en"),
    [
        (100, "un euro", "one euro"),
        (1, "zéro euro et un centime", "zero euros and one cent"),
        (120_005, "mille deux cents euros et cinq centimes", "one thousand two hundred euros and five cents"),
        (100_000_000, "un million d’euros", "one million euros"),
        (100_000_100, "un million un euros", "one million and one euros"),
    ],
)
def test_amounts_of_euros(minor, fr, en):
    assert (amount_in_words(Money(minor), "fr"), amount_in_words(Money(minor), "en")) == (fr, en)


def test_another_currency_is_named_by_its_code():
    assert amount_in_words(Money(1_050, "USD"), "fr") == "dix USD et cinquante / 100"
    assert amount_in_words(Money(500, "JPY"), "en") == "five hundred JPY"


def test_what_has_no_words_is_refused():
    for number in (-1, 10**12):
        with pytest.raises(ValueError, match="no word"):
            french(number)
        with pytest.raises(ValueError, match="no word"):
            english(number)


def test_no_two_numbers_have_the_same_words():
    assert len({french(number) for number in range(20_000)}) == 20_000
    assert len({english(number) for number in range(20_000)}) == 20_000
