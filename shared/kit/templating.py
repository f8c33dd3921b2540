"""Jinja furnished alike for pages, mail and paper: two languages, and filters for money and days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.kit import words
from shared.kit.money import Money, format_money
from shared.kit.sheets import Sheets

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"


def _locale() -> str:
    return "fr_FR" if words.current_language() == "fr" else "en_GB"


def money(value: Money) -> str:
    """1 234,50 € in French, €1,234.50 in English."""
    return format_money(value, words.current_language())


def day(value: date) -> str:
    """14 mars 2026."""
    return _day(value, words.current_language())


@lru_cache(maxsize=8192)
def _day(value: date, language: str) -> str:
    text = format_date(value, "d MMMM y", locale=_locale())
    return text.replace("1 ", "1er ", 1) if language == "fr" and value.day == 1 else text


def day_short(value: date) -> str:
    """14/03/2026, for dense tables."""
    return f"{value.day:02}/{value.month:02}/{value.year}"


def moment(value: datetime, zone: str = "Europe/Paris") -> str:
    """14 mars 2026 à 09:30 in the given zone."""
    pattern = "d MMM y, HH:mm"
    return format_datetime(value.astimezone(ZoneInfo(zone)), pattern, locale=_locale())


def distance(value: date, today: date) -> str:
    """How far a day is: "today", "in 5 days", "12 days ago"."""
    days = (value - today).days
    if days == 0:
        return words.gettext("today")
    if days == 1:
        return words.gettext("tomorrow")
    if days == -1:
        return words.gettext("yesterday")
    if days > 0:
        return words.ngettext("in %(n)s day", "in %(n)s days", days)
    return words.ngettext("%(n)s day ago", "%(n)s days ago", -days)


def lateness(value: date, today: date) -> str:
    """What a due day means: "due today", "due in 5 days", "12 days late"."""
    days = (value - today).days
    if days == 0:
        return words.gettext("due today")
    if days > 0:
        return words.ngettext("due in %(n)s day", "due in %(n)s days", days)
    return words.ngettext("%(n)s day late", "%(n)s days late", -days)


def percent(value: Decimal) -> str:
    return str(format_percent(value, "#,##0.##\u00a0%", locale=_locale()))


def number(value: int | Decimal) -> str:
    return str(format_decimal(value, locale=_locale()))


def furnish(env: Environment) -> None:
    """Give an environment (Flask's or ours) the languages, the filters and strictness."""
    env.undefined = StrictUndefined
    env.trim_blocks = True
    env.lstrip_blocks = True
    env.add_extension("jinja2.ext.i18n")
    env.add_extension("jinja2.ext.do")
    env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: words.catalogue(words.current_language()).gettext(message),
        lambda one, many, n: words.catalogue(words.current_language()).ngettext(one, many, n),
        newstyle=True,
    )
    env.globals["_"] = env.globals["gettext"]  # Jinja's own looks gettext up anew at each word
    env.filters.update(
        money=money,
        day=day,
        day_short=day_short,
        moment=moment,
        distance=distance,
        lateness=lateness,
        percent=percent,
        number=number,
    )
    env.globals["current_language"] = words.current_language


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment of mail and paper."""
    env = Sheets(loader=FileSystemLoader(TEMPLATES), autoescape=_autoescape)
    furnish(env)
    return env


def _autoescape(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")
