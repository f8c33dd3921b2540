"""Amounts in words, as an acknowledgement of debt must have them (C. civ. 1376): "mille deux cents euros". Pure."""

from __future__ import annotations

from shared.kit.money import Money, minor_digits

_FR_UNITS = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
_FR_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}
_EN_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
LARGEST = 10**12
"""Numbers below this are spelled."""


def amount_in_words(money: Money, language: str) -> str:
    """An amount of zero or more in words: "mille deux cents euros et cinq centimes", "one thousand two hundred euros".

    Raises ValueError for a negative or an absurdly large amount.
    """
    digits = minor_digits(money.currency)
    whole, rest = divmod(money.minor, 10**digits)
    if language == "fr":
        words = (
            french(whole)
            + (" " if whole < 10**6 or whole % 10**6 else _d_or_de(money.currency))
            + _unit_fr(whole, money)
        )
        return words if not rest else f"{words} et {french(rest)} {_cents_fr(rest, money)}"
    words = f"{english(whole)} {_unit_en(whole, money)}"
    return words if not rest else f"{words} and {english(rest)} {_cents_en(rest, money)}"


def french(number: int) -> str:
    """A whole number in French words, in the traditional spelling: "quatre-vingt-onze", "deux cents", "deux cent un"."""
    if not 0 <= number < LARGEST:
        raise ValueError("no word for this number")
    parts = []
    for size, name in ((10**9, "milliard"), (10**6, "million")):
        count, number = divmod(number, size)
        if count:
            parts.append(f"{_fr_hundreds(count)} {name}{'s' if count > 1 else ''}")
    thousands, number = divmod(number, 1000)
    if thousands:
        # "mille" never takes an s, and what stands before it loses its own.
        parts.append("mille" if thousands == 1 else f"{_fr_hundreds(thousands, ends=False)} mille")
    if number or not parts:
        parts.append(_fr_hundreds(number))
    return " ".join(parts)


def english(number: int) -> str:
    """A whole number in English words: "one thousand two hundred and thirty-four"."""
    if not 0 <= number < LARGEST:
        raise ValueError("no word for this number")
    parts, rest = [], number
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{_en_hundreds(count)} {name}")
    if rest or not parts:
        parts.append(("and " if parts and rest < 100 else "") + _en_hundreds(rest))
    return " ".join(parts)


def _fr_hundreds(number: int, *, ends: bool = True) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _fr_tens(rest, ends=ends)
    word = "cent" if hundreds == 1 else f"{_FR_UNITS[hundreds]} cent{'s' if ends and not rest else ''}"
    return word if not rest else f"{word} {_fr_tens(rest, ends=ends)}"


def _fr_tens(number: int, *, ends: bool) -> str:
    if number < 20:
        return _FR_UNITS[number]
    tens, unit = divmod(number, 10)
    if tens >= 8:
        if number == 80:
            return "quatre-vingts" if ends else "quatre-vingt"
        return f"quatre-vingt-{_FR_UNITS[number - 80]}"
    if tens == 7:
        tens, unit = 6, number - 60
    if unit in (1, 11):
        return f"{_FR_TENS[tens]} et {_FR_UNITS[unit]}"
    return f"{_FR_TENS[tens]}-{_FR_UNITS[unit]}" if unit else _FR_TENS[tens]


def _en_hundreds(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    head = f"{_EN_UNITS[hundreds]} hundred" if hundreds else ""
    if not rest and head:
        return head
    return f"{head} and {_en_tens(rest)}" if head else _en_tens(rest)


def _en_tens(number: int) -> str:
    if number < 20:
        return _EN_UNITS[number]
    tens, unit = divmod(number, 10)
    return f"{_EN_TENS[tens]}-{_EN_UNITS[unit]}" if unit else _EN_TENS[tens]


def _d_or_de(currency: str) -> str:
    return " d’" if currency == "EUR" else " "


def _unit_fr(whole: int, money: Money) -> str:
    if money.currency != "EUR":
        return money.currency
    return "euros" if whole > 1 else "euro"


def _cents_fr(rest: int, money: Money) -> str:
    if money.currency != "EUR":
        return f"/ {10 ** minor_digits(money.currency)}"
    return "centimes" if rest > 1 else "centime"


def _unit_en(whole: int, money: Money) -> str:
    if money.currency != "EUR":
        return money.currency
    return "euro" if whole == 1 else "euros"


def _cents_en(rest: int, money: Money) -> str:
    if money.currency != "EUR":
        return f"/ {10 ** minor_digits(money.currency)}"
    return "cent" if rest == 1 else "cents"
