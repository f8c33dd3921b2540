"""Forms: fields that read what people type, and say what is wrong in their language."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from flask_wtf import FlaskForm
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from werkzeug.datastructures import MultiDict
from wtforms import StringField as TextField
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import DateInput

from shared.kit import words
from shared.kit.money import Money, MoneyParseError, format_money
from shared.kit.words import gettext as _
from shared.web.stamps import FormCSRF


class _Words:
    """WTForms' own messages in the reader's language."""

    def gettext(self, message: str) -> str:
        return words.gettext(message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return words.catalogue(words.current_language()).ngettext(singular, plural, n)


class BaseForm(FlaskForm):
    """A form with CSRF protection and messages in the reader's language."""

    if TYPE_CHECKING:  # Flask-WTF ships without types

        def __init__(self, formdata: Any = ..., **given: Any) -> None: ...
        def is_submitted(self) -> bool: ...
        def validate_on_submit(self, extra_validators: Any = None) -> bool: ...

    class Meta(FlaskForm.Meta):
        """Our words instead of WTForms' catalogues, stamped tokens, and blanks that count as nothing."""

        csrf_class = FormCSRF

        def get_translations(self, form: Any) -> _Words:  # noqa: ARG002 - WTForms' signature
            return _Words()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            return without_blanks(super().wrap_formdata(form, formdata))  # type: ignore[no-untyped-call]


def without_blanks(given: Any) -> Any:
    """The same form data, where a value of nothing but blanks is empty: "obligatory" means that something is there."""
    if not given or not any(_is_blank(text) for _name, texts in given.lists() for text in texts):
        return given
    return MultiDict((name, "" if _is_blank(text) else text) for name, texts in given.lists() for text in texts)


def _is_blank(text: Any) -> bool:
    return isinstance(text, str) and text != "" and _BLANKS.fullmatch(text) is not None


_BLANKS = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\u3164\ufeff]*")
"""Spaces of every kind, and characters that nobody sees."""


class StringField(TextField):
    """A text input whose `data` may be something better than text."""

    data: Any
    raw_data: Any


class MoneyField(StringField):
    """An amount as people type it; `data` is Money or None."""

    def __init__(self, label: Any = None, validators: Any = None, *, currency: str = "EUR", **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.currency = currency

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if isinstance(self.data, Money):
            return format_money(self.data, words.current_language())
        return ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        if not text:
            self.data = None
            return
        try:
            self.data = Money.parse(text, self.currency)
        except MoneyParseError as error:
            self.data = None
            raise ValueError(_("This is not an amount. Write it like 1234.50.")) from error


class DayField(StringField):
    """A day as people type it: 14/3, 14/03/2026, 14 03 26, 2026-03-14; `data` is a date or None.

    A day without a year is the next such day from `today` (set by the view).
    """

    today: date | None = None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.strftime("%d/%m/%Y") if isinstance(self.data, date) else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            self.data = parse_day(text, self.today)
        except ValueError as error:
            raise ValueError(_("This is not a day. Write it like 14/03/2026.")) from error


class CalendarField(DayField):
    """A day that the browser's own calendar offers; typed by hand it reads like a DayField."""

    widget = DateInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.isoformat() if isinstance(self.data, date) else ""


def parse_day(text: str, today: date | None) -> date:
    """Read a day, day first; raises ValueError."""
    iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    if iso:
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    parts = re.fullmatch(r"(\d{1,2})[/. -](\d{1,2})(?:[/. -](\d{2}|\d{4}))?", text)
    if not parts:
        raise ValueError(text)
    day, month = int(parts[1]), int(parts[2])
    if parts[3]:
        year = int(parts[3])
        return date(year + 2000 if year < 100 else year, month, day)
    if today is None:
        raise ValueError(text)
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


class IbanField(StringField):
    """An account number; `data` is compact, and checked with its national key."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = re.sub(r"\s+", "", str(valuelist[0])).upper() if valuelist else ""
        if not self.data:
            return
        try:
            IBAN(self.data, validate_bban=True)
        except SchwiftyException as error:
            raise ValueError(_("This IBAN is not valid. Please check it against your bank details.")) from error


class Above:
    """The amount must exceed a minimum (exclusive) and may not exceed a maximum."""

    def __init__(self, minimum: Money, maximum: Money | None = None) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def __call__(self, _form: Any, field: Any) -> None:
        if field.data is None:
            raise StopValidation
        if field.data <= self.minimum:
            raise ValidationError(_("The amount must be more than zero."))
        if self.maximum is not None and field.data > self.maximum:
            most = format_money(self.maximum, words.current_language())
            raise ValidationError(_("The amount cannot exceed %(most)s.", most=most))
