from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.imports.faults import BadValue
from backoffice.imports.values import (
    FIRST_DAY,
    LAST_DAY,
    MarkEvidence,
    OrderEvidence,
    amount_reader,
    day_reader,
    flag,
    language,
    plain,
    text_of,
)

amounts = st.integers(-(10**12), 10**12)
days = st.dates(FIRST_DAY, LAST_DAY)


def written(minor: int, style: str) -> str:
    whole, cents = divmod(abs(minor), 100)
    sign = "-" if minor < 0 else ""
    return {
        "french": f"{sign}{whole:,}".replace(",", "\u202f") + f",{cents:02d} €",
        "spaces": f"{sign}{whole:,}".replace(",", " ") + f",{cents:02d}",
        "german": f"{sign}{whole:,}".replace(",", ".") + f",{cents:02d}",
        "bare": f"{sign}{whole},{cents:02d}",
        "padded": f"{sign}{whole:013d},{cents:02d}",
        "trailing": f"{whole},{cents:02d}{sign}",
        "brackets": f"({whole},{cents:02d})" if minor < 0 else f"{whole},{cents:02d}",
        "more": f"{sign}{whole},{cents:02d}00",
    }[style]


@given(amounts, st.sampled_from(["french", "spaces", "german", "bare", "padded", "trailing", "brackets", "more"]))
def test_an_amount_written_with_a_comma_reads_back(minor, style):
    assert amount_reader(",")(written(minor, style)) == minor


@given(amounts)
def test_an_amount_written_the_english_way_reads_back(minor):
    sign = "-" if minor < 0 else ""
    text = f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"

    assert amount_reader(".")(text) == minor


@given(st.integers(-(10**11), 10**11))
def test_a_typed_number_reads_as_the_spreadsheet_shows_it(minor):
    assert amount_reader(",")(float(Decimal(minor) / 100)) == minor
    assert amount_reader(",")(minor) == minor * 100


def test_binary_dust_in_a_typed_number_is_no_third_decimal():
    assert amount_reader(",")(97.60000000000001) == 9760


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("abc", "amount.unreadable"),
        ("", "amount.unreadable"),
        ("--1", "amount.unreadable"),
        ("(12,00", "amount.unreadable"),
        ("1_000,00", "amount.unreadable"),
        ("١٢,٠٠", "amount.unreadable"),
        ("1.23", "amount.other_mark"),
        ("1,234,567", "amount.other_mark"),
        ("12,345", "amount.too_many_decimals"),
        ("9" * 17 + ",00", "amount.too_large"),
    ],
)
def test_what_is_no_amount_says_why(text, code):
    with pytest.raises(BadValue) as caught:
        amount_reader(",")(text)

    assert caught.value.code == code


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.dates()))
def test_an_amount_reader_raises_nothing_but_its_verdict(cell):
    for mark in (",", "."):
        try:
            assert isinstance(amount_reader(mark)(cell), int)
        except BadValue as bad:
            assert bad.code.startswith("amount.")  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("values", "decided"),
    [
        (["1.234", "5.678"], None),
        (["1.234", "5.678,90"], ","),
        (["1,234", "12.5"], "."),
        (["1.234.567"], ","),
        (["0.500"], "."),
        (["1234,567"], ","),
        (["1 234", "12"], None),
        (["-1.234,50 €"], ","),
        (["nothing", ""], None),
    ],
)
def test_the_decimal_mark_is_found_or_left_open(values, decided):
    evidence = MarkEvidence()
    for value in values:
        evidence.look(value)

    assert evidence.decided == decided
    assert bool(evidence.ambiguous) == (values[0] in ("1.234", "1,234"))


@given(
    days, st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y-%m-%d 00:00:00"])
)
def test_a_day_reads_back_in_every_format(day, form):
    assert day_reader("dmy")(day.strftime(form)) == day


@given(days)
def test_a_day_reads_back_month_first(day):
    assert day_reader("mdy")(day.strftime("%m/%d/%Y")) == day


@given(days)
def test_typed_days_and_spreadsheet_serials_read_back(day):
    serial = (day - date(1899, 12, 30)).days

    assert day_reader()(day) == day
    assert day_reader()(datetime(day.year, day.month, day.day, 13, 5)) == day  # noqa: DTZ001 - a cell has no zone
    assert day_reader()(serial) == day
    assert day_reader()(float(serial)) == day
    assert day_reader()(str(serial)) == day


@pytest.mark.parametrize(
    "text",
    ["31 déc. 2026", "31 décembre 2026", "31-Dec-2026", "Dec 31, 2026", "31 DECEMBER 26", "31/12/26", "31-12-26"],
)
def test_days_in_words_and_short_years_are_read(text):
    assert day_reader("dmy")(text) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("31/02/2026", "day.impossible"),
        ("12/31/2026", "day.other_order"),
        ("demain", "day.unreadable"),
        ("01/01/0203", "day.implausible"),
        ("2026-13-01", "day.impossible"),
        ("123", "day.unreadable"),
        ("1/2/123", "day.unreadable"),
    ],
)
def test_what_is_no_day_says_why(text, code):
    with pytest.raises(BadValue) as caught:
        day_reader("dmy")(text)

    assert caught.value.code == code


def test_without_a_known_order_only_plain_days_are_read():
    read = day_reader(None)

    assert read("31/12/2026") == read("12/31/2026") == date(2026, 12, 31)
    assert read("07/07/2026") == date(2026, 7, 7)
    with pytest.raises(BadValue, match=r"day\.ambiguous"):
        read("03/04/2026")


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()))
def test_a_day_reader_raises_nothing_but_its_verdict(cell):
    for order in ("dmy", "mdy", None):
        try:
            assert isinstance(day_reader(order)(cell), date)
        except BadValue as bad:
            assert bad.code.startswith("day.")  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("values", "decided", "open_question"),
    [
        (["03/04/2026", "05/06/2026"], None, True),
        (["03/04/2026", "13/06/2026"], "dmy", True),
        (["03/04/2026", "06/13/2026"], "mdy", True),
        (["07/07/2026", "2026-01-02", ""], None, False),
    ],
)
def test_the_order_of_days_is_found_or_left_open(values, decided, open_question):
    evidence = OrderEvidence()
    for value in values:
        evidence.look(value)

    assert evidence.decided == decided
    assert bool(evidence.ambiguous) == open_question


def test_text_loses_what_cannot_be_seen():
    assert plain("  Café\u00a0 Paul\x00\u202e\n(Lyon) ") == "Café Paul (Lyon)"


@given(st.text())
def test_plain_text_is_printable_and_stable(text):
    once = plain(text)

    assert once.isprintable()
    assert plain(once) == once


def test_typed_cells_become_the_text_that_a_spreadsheet_shows():
    assert [text_of(cell) for cell in (12.0, 12.5, 1e16, True, None, date(2026, 1, 2), 7)] == [
        "12", "12.5", "1e+16", "true", "", "2026-01-02", "7",
    ]  # fmt: skip


def test_flags_and_languages_are_read_in_both_languages():
    assert [flag(word) for word in ("Oui", "yes", "", "NON", "false", True)] == [True, True, False, False, False, True]
    assert [language(word) for word in ("Français", "EN", "fr-FR", "Deutsch", None)] == ["fr", "en", "fr", None, None]
    with pytest.raises(BadValue):
        flag("maybe")
