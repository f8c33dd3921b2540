"""Cells into amounts, days, flags and plain text: pure, exact, and fast enough for a million lines.

A reader is made once for a file, from what the whole file shows (its decimal mark, its order of day and month), and
then reads cell by cell; it raises BadValue, never anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Literal

from babel import Locale

from backoffice.imports.faults import BadValue

Mark = Literal[",", "."]
Order = Literal["dmy", "mdy", "ymd"]
Cell = str | int | float | bool | date | datetime | None

LARGEST_MINOR = 10**14
FIRST_DAY = date(1980, 1, 1)
LAST_DAY = date(2099, 12, 31)
MEMO = 50_000

_EXCEL_EPOCH = date(1899, 12, 30)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'\u2019]+")
_NOTHING = frozenset(["-", "–", "—", "\u2212"])
"""How spreadsheets show nothing in an accounting format."""
_NOISE = re.compile(r"0{6,}\d{1,4}|9{6,}\d{1,4}")
"""What is left of a binary fraction behind the decimals: 97.60000000000001, 1234.4999999999998."""
_CURRENCY = re.compile(r"(?:€|\$|£|[A-Za-z]{3})")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.,]\d{3})+")
_AMOUNT = re.compile(r"(\()?([-+])?([0-9.,]{1,40})([-+])?(\))?")


def plain(text: str) -> str:
    """One line of readable text: no control or direction characters, single spaces, none at the ends."""
    text = text.strip()
    if text.isprintable() and "  " not in text:
        return text
    kept = [
        " " if c.isspace() or unicodedata.category(c)[0] == "Z" else c
        for c in text
        if c.isspace() or unicodedata.category(c)[0] != "C"
    ]
    return " ".join("".join(kept).split())


def text_of(cell: Cell) -> str:
    """A cell of any type as text, as the spreadsheet shows it: 12.0 is "12", a day is ISO."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


# Amounts


_SIGN_OF = {"€": ("EUR",), "£": ("GBP",), "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN")}
_CODES = frozenset(
    [
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "CAD",
        "AUD",
        "NZD",
        "JPY",
        "CNY",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
        "TND",
        "MAD",
        "DZD",
        "XOF",
        "XAF",
        "XPF",
        "MUR",
        "SGD",
        "HKD",
        "INR",
        "BRL",
        "MXN",
        "ZAR",
        "ILS",
        "AED",
    ]
)
"""The currencies that are taken for one when they stand beside an amount: other three letters are words."""


def foreign_currency(text: str, currency: str) -> str | None:
    """The currency that stands in a text when it cannot be `currency`, else None: "$200", "100.00 USD", "Amount (USD)"."""
    for sign, possible in _SIGN_OF.items():
        if sign in text and currency not in possible:
            return possible[0]
    words = re.findall(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])|(?<=[a-z])[A-Z]{3}(?![A-Za-z])", text)
    found = {word.upper() for word in words} & _CODES
    return min(found) if found and currency not in found else None


_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "EURO": "EUR", "EUROS": "EUR"}


def currency_named(cell: Cell) -> str | None:
    """The ISO 4217 code that a cell names ("€", "eur", "Euro - EUR"), "" where it is blank, None where it names none."""
    text = text_of(cell).strip().upper()
    code = _SIGNS.get(text, text)
    if len(code) > 3 and (named := re.findall(r"\b[A-Z]{3}\b", code)):
        code = named[-1]
    return code if not code or (len(code) == 3 and code.isalpha() and code.isascii()) else None


_THOUSANDS = re.compile(
    r"(?<![a-z])(?:[kmt] ?€|€ ?[km](?![a-z])|[kmt] ?euros?\b|[kmt] ?eur\b|tsd\b|tausend|milliers|millions?\b|thousands?\b|miles de|migliaia)"
)


def in_thousands(heading: str) -> bool:
    """Whether a heading says that its amounts are rounded to thousands or millions: "Montant (K€)", "TEUR"."""
    return bool(_THOUSANDS.search(folded(heading)))


def _bare(text: str) -> tuple[str, bool]:
    """Digits and marks of an amount, and whether it is negative; raises BadValue."""
    if text.strip() in _NOTHING:
        return "0", False
    compact = _CURRENCY.sub("", _SPACES.sub("", text.replace("\u2212", "-")), count=1)
    match = _AMOUNT.fullmatch(compact)
    if not match:
        raise BadValue("amount.unreadable")
    opening, leading, body, trailing, closing = match.groups()
    if bool(opening) != bool(closing) or (leading and trailing):
        raise BadValue("amount.unreadable")
    negative = (leading == "-") ^ (trailing == "-") ^ bool(opening)
    return body, negative


class MarkEvidence:
    """Finds which of comma and point is the decimal mark, from the amounts of a whole file.

    "1.234" alone says nothing: it is a thousand in Paris and one and a bit in London. `decided` stays None until one
    value settles it; `ambiguous` keeps the first value that could be read both ways.
    """

    def __init__(self) -> None:
        self.decided: Mark | None = None
        self.ambiguous: tuple[int, str] | None = None

    def look(self, cell: Cell, line: int = 0) -> None:
        """Learn from one cell."""
        if self.decided or not isinstance(cell, str):
            return
        point, comma = cell.rfind("."), cell.rfind(",")
        if point < 0 and comma < 0:
            return
        try:
            body, _ = _bare(cell)
        except BadValue:
            return
        point, comma = body.rfind("."), body.rfind(",")
        mark: Mark = "," if comma > point else "."
        other: Mark = "." if mark == "," else ","
        head, _, tail = body.rpartition(mark)
        if other in head:
            self.decided = mark if head.count(mark) == 0 else None
        elif mark in head:
            self.decided = other
        elif len(tail) != 3 or head in ("", "0") or len(head) > 3:
            self.decided = mark
        elif self.ambiguous is None:
            self.ambiguous = (line, cell.strip())


def amount_reader(mark: Mark, places: int = 2, currency: str = "") -> Callable[[Cell], int]:
    """A function from a cell to minor units, for one decimal mark and one currency's number of decimals.

    With a `currency` an amount that says another one is refused.

    Reads "1 234,56", "1.234,56", "000001234,56", "12-", "(12,00)", "12,00 €" and typed numbers. Refuses more decimals
    than the currency has (trailing zeros are forgiven) and groups that are not of three digits.
    """

    def read(cell: Cell) -> int:
        if type(cell) is str:
            head, found, tail = cell.partition(mark)
            if found and len(tail) == places:
                digits = head + tail
                if len(digits) <= 14 and digits.isascii() and digits.isdigit():
                    return int(digits)
            other = foreign_currency(cell, currency) if currency else None
            if other:
                raise BadValue("currency.other", expected=currency)
            return _written_amount(cell, mark, places)
        return _typed_amount(cell, places)

    return read


def _written_amount(text: str, mark: Mark, places: int) -> int:
    body, negative = _bare(text)
    whole, found, decimals = body.rpartition(mark)
    if not found:
        whole, decimals = body, ""
    other = "." if mark == "," else ","
    grouped = not whole or whole.isdigit() or bool(_GROUPED.fullmatch(whole) and mark not in whole)
    if not grouped or other in decimals:
        raise BadValue("amount.other_mark", mark=mark)
    digits = whole.replace(other, "")
    up = 0
    if decimals[places:].strip("0"):
        if not _NOISE.fullmatch(decimals[places:]):
            raise BadValue("amount.too_many_decimals", places=places)
        up = decimals[places] == "9"
    if not (digits + decimals).isascii() or not digits + decimals:
        raise BadValue("amount.unreadable")
    minor = int(digits + decimals[:places].ljust(places, "0") or "0") + up
    if minor > LARGEST_MINOR:
        raise BadValue("amount.too_large")
    return -minor if negative else minor


def _typed_amount(cell: Cell, places: int) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise BadValue("amount.unreadable")
    if isinstance(cell, int):
        minor = cell * int(10**places)
    else:
        # A spreadsheet keeps 15 significant digits and computes in binary: 97.60000000000001 is what it shows as 97.6.
        shown = f"{cell:.15g}"
        if "e" in shown or "n" in shown:
            raise BadValue("amount.too_large" if abs(cell) > 1 else "amount.too_many_decimals", places=places)
        whole, _, decimals = shown.lstrip("-").partition(".")
        if decimals[places:].strip("0"):
            raise BadValue("amount.too_many_decimals", places=places)
        minor = int(whole + decimals[:places].ljust(places, "0"))
        minor = -minor if cell < 0 else minor
    if abs(minor) > LARGEST_MINOR:
        raise BadValue("amount.too_large")
    return minor


# Days

_THREE = re.compile(
    r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|[-+]\d{2}:?\d{2}))?)?"
)
_WORDS = re.compile(r"(?:(\d{1,2})(?:er|st|nd|rd|th|º|°)?[ \-./]+(?:de )?([^\W\d_]+)\.?,?[ \-./]+(?:del? )?(\d{2,4}))")
_WORD_FIRST = re.compile(r"([^\W\d_]+)\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})")
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january jan janvier janv januar janner enero ene gennaio gen",
            "february feb fevrier fevr fev februar feber febrero febbraio",
            "march mar mars marz mrz maerz marzo",
            "april apr avril avr abril abr aprile",
            "may mai mayo maggio mag",
            "june jun juin juni junio giugno giu",
            "july jul juillet juil juli julio luglio lug",
            "august aug aout agosto ago",
            "september sept sep septembre septiembre settembre set sett",
            "october oct octobre oktober okt octubre ottobre ott",
            "november nov novembre noviembre",
            "december dec decembre dezember dez diciembre dic dicembre",
        ),
        start=1,
    )
    for name in names.split()
}


def folded(text: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


class OrderEvidence:
    """Finds whether days come before months, from the days of a whole file.

    03/04/2026 says nothing; 13/04/2026 does. `decided` stays None until one value settles it; `ambiguous` keeps the
    first value that could be read both ways. Where years have two figures they may stand in front (26-06-15): so they do where
    only that gives years near `today`.
    """

    def __init__(self, told: Order | None = None, today: date | None = None) -> None:
        self.ambiguous: tuple[int, str] | None = None
        self._told = told
        self._found: Order | None = None
        self._near = range(today.year - 10, today.year + 3) if today else range(0)
        self._is_short = False
        self._first_near = self._last_near = True

    @property
    def decided(self) -> Order | None:
        if self._told or not (self._is_short and self._first_near and not self._last_near and self._near):
            return self._told or self._found
        return "ymd"

    @property
    def is_final(self) -> bool:
        """Whether nothing that comes later can change what is decided."""
        return bool(self._told or (self._found and not self._is_short))

    def look(self, cell: Cell, line: int = 0) -> None:
        """Learn from one cell."""
        if self.is_final or not isinstance(cell, str | int | float) or isinstance(cell, bool):
            return
        parts = _three_of(cell)
        if not parts or len(parts[0]) > 2:
            return
        first, second = int(parts[0]), int(parts[1])
        if len(parts[2]) == 2:
            self._is_short = True
            self._first_near &= second <= 12 and _year(parts[0].zfill(2)) in self._near
            self._last_near &= _year(parts[2]) in self._near
        if first > 12 >= second:
            self._found = self._found or "dmy"
        elif second > 12 >= first:
            self._found = self._found or "mdy"
        elif first != second and self.ambiguous is None:
            self.ambiguous = (line, text_of(cell).strip())


class TurnedEvidence:
    """Finds a column in which a spreadsheet took the days that it could for month and day, and left the others as texts.

    A list with 15/06/2026 and 05/06/2026, opened where months come first, keeps the first as a text and makes 6 May of the second. What
    is typed in such a column has no day above 12, and the texts have nothing else.
    """

    def __init__(self) -> None:
        self._typed: dict[int, list[date]] = {}
        self._texts: set[int] = set()
        self._cleared: set[int] = set()

    def look(self, place: int, cell: Cell) -> None:
        """Learn from one cell of a column of days."""
        if isinstance(cell, date):
            if cell.day > 12:
                self._cleared.add(place)
            elif cell.day != cell.month:
                self._typed.setdefault(place, []).append(cell)
        elif isinstance(cell, str) and (parts := _three_of(cell)) and len(parts[0]) <= 2:
            if int(parts[0]) > 12 or int(parts[1]) > 12:
                self._texts.add(place)
            else:
                self._cleared.add(place)

    @property
    def found(self) -> dict[int, date]:
        """The columns, each with a day that it holds; one such day alone may be chance."""
        return {
            place: days[0]
            for place, days in self._typed.items()
            if len(days) > 1 and place in self._texts - self._cleared
        }


def day_reader(order: Order | None = "dmy") -> Callable[[Cell], date]:
    """A function from a cell to a day, for one order of day and month (None: refuse days that need it).

    Reads 31/12/2026, 31-12-26, 31.12.2026, 2026-12-31 (also with a time and its offset behind), 20261231, 31122026, 311226, "31 déc. 2026",
    spreadsheet serials (46387) and typed cells. Two-digit years are 1970 to 2069, and come first only where `order` says so.
    """
    memo: dict[Cell, date] = {}

    def read(cell: Cell) -> date:
        found = memo.get(cell)
        if found is None:
            found = _day(cell, order)
            if len(memo) < MEMO:
                memo[cell] = found
        return found

    return read


def _day(cell: Cell, order: Order | None) -> date:
    if isinstance(cell, datetime):
        return _plausible(cell.date())
    if isinstance(cell, date):
        return _plausible(cell)
    if isinstance(cell, bool) or cell is None:
        raise BadValue("day.unreadable")
    if isinstance(cell, int | float) and cell < 100_000:
        return _serial(cell)
    text = " ".join(text_of(cell).split())
    parts = _three_of(text)
    if parts:
        return _parts(*parts, order)
    if text.isascii() and text.isdigit():
        return _digits(text if isinstance(cell, str) else text.zfill(8))
    return _worded(text)


def _three_of(cell: str | float) -> tuple[str, str, str] | None:
    """The three numbers of a day: of 15/06/2026 and, without separators, of 150626, which a spreadsheet may keep as 50626."""
    if not isinstance(cell, str):
        cell = str(int(cell)) if 100_000 <= cell < 1_000_000 and float(cell).is_integer() else ""
    text = cell.strip()
    if len(text) == 6 and text.isascii() and text.isdigit():
        return text[:2], text[2:4], text[4:]
    match = _THREE.fullmatch(text)
    return (match[1], match[2], match[3]) if match else None


def _digits(text: str) -> date:
    if len(text) == 7 and text[3:5] in ("19", "20"):  # 5062026: the zero in front is lost
        text = f"0{text}"
    if len(text) == 8:
        if text[4:6] in ("19", "20"):  # 31122026: no month has these numbers, so that nothing can be read both ways
            return _built(int(text[4:]), int(text[2:4]), int(text[:2]))
        return _built(int(text[:4]), int(text[4:6]), int(text[6:]))
    if len(text) == 5:
        return _serial(int(text))
    raise BadValue("day.unreadable")


def _serial(number: float) -> date:
    if not 0 < number < 100_000:
        raise BadValue("day.unreadable")
    return _plausible(_EXCEL_EPOCH + timedelta(days=int(number)))


def _parts(first: str, second: str, third: str, order: Order | None) -> date:
    if len(first) == 4 and len(third) <= 2:
        return _built(int(first), int(second), int(third))
    if len(first) > 2 or len(third) not in (2, 4):
        raise BadValue("day.unreadable")
    if order == "ymd":
        if len(third) == 4:
            raise BadValue("day.other_order", order=order)
        return _built(_year(first.zfill(2)), int(second), int(third))
    year = _year(third)
    a, b = int(first), int(second)
    if order is None:
        if a <= 12 and b <= 12 and a != b:
            raise BadValue("day.ambiguous")
        order = "dmy" if b <= 12 else "mdy"
    day, month = (a, b) if order == "dmy" else (b, a)
    if month > 12 >= day:
        raise BadValue("day.other_order", order=order)
    return _built(year, month, day)


def _worded(text: str) -> date:
    match = _WORDS.fullmatch(text)
    if match:
        day, name, year = match[1], match[2], match[3]
    else:
        match = _WORD_FIRST.fullmatch(text)
        if not match:
            raise BadValue("day.unreadable")
        name, day, year = match[1], match[2], match[3]
    month = _MONTHS.get(folded(name))
    if month is None or len(year) not in (2, 4):
        raise BadValue("day.unreadable")
    return _built(_year(year), month, int(day))


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 1900 + year if year >= 70 else 2000 + year


def _built(year: int, month: int, day: int) -> date:
    try:
        return _plausible(date(year, month, day))
    except ValueError as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue("day.impossible") from error


def _plausible(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise BadValue("day.implausible", first=FIRST_DAY.year, last=LAST_DAY.year)
    return day


# Words

_YES = frozenset(["yes", "y", "true", "1", "oui", "o", "vrai", "x", "ja", "j", "si", "s"])
_NO = frozenset(["no", "n", "false", "0", "non", "faux", "nein"])
_LANGUAGES = {
    "fr": "fr", "fra": "fr", "fre": "fr", "francais": "fr", "french": "fr", "fr fr": "fr",
    "en": "en", "eng": "en", "anglais": "en", "english": "en", "en gb": "en", "en us": "en",
}  # fmt: skip


def flag(cell: Cell) -> bool:
    """Yes or no in either language; empty is no; raises BadValue."""
    word = folded(text_of(cell)).strip()
    if word in _YES:
        return True
    if not word or word in _NO:
        return False
    raise BadValue("flag.unreadable")


def language(cell: Cell) -> str | None:
    """The code "fr" or "en", or None when the cell is empty or another language."""
    return _LANGUAGES.get(re.sub(r"[\W_]+", " ", folded(text_of(cell))).strip())


def country(text: str) -> str | None:
    """The ISO 3166 code of a country given by code or by its name in five languages; None when it is none."""
    word = re.sub(r"[\W_]+", " ", folded(text)).strip()
    return _countries().get(word)


@cache
def _countries() -> dict[str, str]:
    names = {"uk": "GB", "angleterre": "GB", "england": "GB", "hollande": "NL", "holland": "NL", "usa": "US", "f": "FR"}
    for tongue in ("nl", "it", "es", "de", "en", "fr"):  # the last one holds
        for code, name in Locale(tongue).territories.items():
            if len(code) == 2 and code.isalpha():
                names[re.sub(r"[\W_]+", " ", folded(name)).strip()] = code
                names[code.lower()] = code
    return names
