"""French and English for the twins' own pages, without Guichet: the English text is the key."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from flask import g, has_request_context, request

from payments.twins.clock import BANK_ZONE

LANGUAGES = ("fr", "en")
CATALOGUE = Path(__file__).parents[2] / "shared" / "translations" / "fr" / "twins.po"


@cache
def _french() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and message.string}


def choose(*wishes: str | None) -> str:
    """The first of some wishes that we speak, else what the browser asks for, else French; remembered for the request."""
    spoken = [wish[:2].lower() for wish in (request.args.get("lang"), *wishes) if wish]
    for language in spoken:
        if language in LANGUAGES:
            g.twin_language = language
            return language
    g.twin_language = request.accept_languages.best_match(LANGUAGES) or "fr"
    return str(g.twin_language)


def language() -> str:
    return str(g.get("twin_language", "en")) if has_request_context() else "en"


def gettext(text: str, **facts: object) -> str:
    """The text in the language of the page being made."""
    spoken = _french().get(text, text) if language() == "fr" else text
    return spoken % facts if facts else spoken


_ = gettext


def amount(minor: int, currency: str) -> str:
    """`12 345,60 €` or `€12,345.60`."""
    return format_currency(Decimal(minor) / 100, currency.upper(), locale=_locale())


def moment(seconds: int) -> str:
    """`ven. 27 nov., 08:15`."""
    at = datetime.fromtimestamp(seconds, BANK_ZONE)
    return format_datetime(at, "EEE d MMM, HH:mm", locale=_locale())


def number(value: float) -> str:
    return format_decimal(value, "0.#", locale=_locale())


def day(seconds: int) -> str:
    """`vendredi 27 novembre 2026`."""
    return format_date(datetime.fromtimestamp(seconds, BANK_ZONE).date(), "full", locale=_locale())


def _locale() -> str:
    return "fr_FR" if language() == "fr" else "en_GB"
