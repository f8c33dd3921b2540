"""The company."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from schwifty import BIC
from schwifty.exceptions import SchwiftyException
from stdnum.eu import vat
from stdnum.fr import siren
from wtforms import BooleanField, DecimalField, EmailField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from backoffice.options import LANGUAGES, options
from shared.company.models import TermsKind
from shared.debtors.service import normalise_email
from shared.kit.colours import hex_colour, to_hex
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import IbanField, MoneyField
from shared.web.shared_form import SharedForm

ZONES = ("Europe/Paris", "Europe/Brussels", "Europe/Luxembourg", "Europe/Zurich", "Europe/Madrid", "Europe/Berlin")
_NEEDED = InputRequired(_l("This is needed."))
_LARGEST_LIMIT = 1_000_000_000
"""Minor units; more would be no limit."""


class TimeField(StringField):
    """A time of day as people type it: 8, 8:30, 8h30, 08.30; `data` is a time."""

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.strftime("%H:%M") if isinstance(self.data, time) else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        parts = re.fullmatch(r"(\d{1,2})(?:[:hH.](\d{2})?)?", text)
        self.data = None
        if parts and int(parts[1]) < 24 and int(parts[2] or 0) < 60:
            self.data = time(int(parts[1]), int(parts[2] or 0))
        elif text:
            raise ValueError(_("This is not a time. Write it like 8:30."))


class CompanyForm(SharedForm):
    """Who collects, its terms and its hours. Bank details have a form of their own."""

    trade_name = StringField(_l("Name that debtors know"), [_NEEDED, Length(max=120)])
    legal_name = StringField(_l("Legal name"), [_NEEDED, Length(max=200)])
    legal_form = StringField(_l("Legal form"), [Length(max=40)])
    capital = StringField(_l("Share capital"), [Length(max=40)])
    siren = StringField(_l("SIREN"), [_NEEDED])
    trade_register = StringField(_l("Trade register"), [Length(max=80)])
    vat_number = StringField(_l("VAT number"), [Length(max=20)])
    street = StringField(_l("Street"), [_NEEDED, Length(max=200)])
    street_more = StringField(_l("More of the address"), [Length(max=200)])
    postcode = StringField(_l("Postcode"), [_NEEDED, Length(max=12)])
    city = StringField(_l("City"), [_NEEDED, Length(max=120)])
    email = EmailField(_l("E-mail address for debtors"), [_NEEDED, Length(max=254)])
    phone = StringField(_l("Telephone for debtors"), [Length(max=40)])
    website = StringField(
        _l("Website"), [Length(max=200), Optional(), Regexp(r"^https?://\S+$", message=_l("Write it with https://."))]
    )

    language = SelectField(_l("Language"), choices=LANGUAGES)
    zone = SelectField(_l("Time zone"), choices=options([(zone, zone) for zone in ZONES]))
    accent = StringField(_l("Brand colour"), [_NEEDED])

    terms_days = IntegerField(
        _l("Payment terms, in days"), [_NEEDED, NumberRange(0, 120, _l("Between 0 and 120 days."))]
    )
    terms_kind = SelectField(
        _l("Counted"),
        choices=options(
            [
                (TermsKind.NET.value, _l("from the invoice day")),
                (TermsKind.END_OF_MONTH_THEN_DAYS.value, _l("to the end of the month, then the days")),
                (TermsKind.DAYS_THEN_END_OF_MONTH.value, _l("the days, then to the end of that month")),
            ]
        ),
    )
    penalty_rate = DecimalField(
        _l("Late penalties, percent a year"),
        [Optional(), NumberRange(0, 100, _l("Between 0 and 100 percent."))],
        places=3,
    )
    discount_terms = TextAreaField(_l("Discount for early payment"), [Length(max=500)])

    notice_days = IntegerField(
        _l("Notice before a debit, in days"), [_NEEDED, NumberRange(1, 30, _l("Between 1 and 30 days."))]
    )
    collects = BooleanField(_l("Debit by itself on the due day (autopay)"))
    reminds = BooleanField(_l("Send reminders by itself"))
    sends_from = TimeField(_l("Send from"), [_NEEDED])
    sends_until = TimeField(_l("Send until"), [_NEEDED])
    takes_cards = BooleanField(_l("Take cards"))
    takes_debits = BooleanField(_l("Take SEPA direct debits"))
    four_eyes = MoneyField(_l("Refunds, credits and write-offs need a second person above"), [_NEEDED])
    link_days = IntegerField(_l("Links live, in days"), [_NEEDED, NumberRange(1, 90, _l("Between 1 and 90 days."))])

    def validate_email(self, field: Any) -> None:
        """Answers of debtors go there: it stands in every message."""
        try:
            field.data = normalise_email(field.data or "")
        except Invalid as error:
            raise ValidationError(error.message) from error

    def validate_siren(self, field: Any) -> None:
        """Nine digits with their key."""
        field.data = re.sub(r"\s", "", field.data or "")
        if not siren.is_valid(field.data):
            raise ValidationError(_("This is not a SIREN: nine digits, the last being a check digit."))

    def validate_vat_number(self, field: Any) -> None:
        """A European VAT number, when there is one."""
        field.data = re.sub(r"\s", "", field.data or "").upper()
        if field.data and not vat.is_valid(field.data):
            raise ValidationError(_("This is not a VAT number."))

    def validate_accent(self, field: Any) -> None:
        """#rrggbb."""
        colour = hex_colour(field.data or "")
        if colour is None:
            raise ValidationError(_("Write the colour like #1f5f5b."))
        field.data = to_hex(colour)

    def validate_sends_until(self, field: Any) -> None:
        """After the beginning."""
        if self.sends_from.data and field.data and field.data <= self.sends_from.data:
            raise ValidationError(_("This must be later than the beginning."))

    def validate_four_eyes(self, field: Any) -> None:
        """Zero means: always."""
        if field.data is not None and field.data.minor < 0:
            raise ValidationError(_("The amount cannot be negative."))
        if field.data is not None and field.data.minor > _LARGEST_LIMIT:
            raise ValidationError(_("This is more than the limit can be: 10,000,000 at most."))


class BankForm(SharedForm):
    """Where transfers go, and who collects by SEPA."""

    iban = IbanField(_l("IBAN"), [InputRequired(_l("Write the IBAN."))])
    bic = StringField(_l("BIC"), [Length(max=11)])
    ics = StringField(_l("SEPA creditor identifier (ICS)"), [Length(max=35)])

    def validate_bic(self, field: Any) -> None:
        """Eight or eleven characters of a bank, when there are any."""
        field.data = re.sub(r"\s", "", field.data or "").upper()
        if field.data:
            try:
                BIC(field.data)
            except SchwiftyException as error:
                raise ValidationError(_("This is not a BIC.")) from error


class NewCompanyForm(CompanyForm, BankForm):
    """The first company of an installation, or one more."""

    code = StringField(
        _l("Short name for commands"),
        [_NEEDED, Length(max=32), Regexp(r"^[a-z][a-z0-9-]*$", message=_l("Small letters, digits and hyphens."))],
    )
