"""How a debtor says what he can pay."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import BooleanField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired, Length
from wtforms.widgets import DateInput

from payments.plans.rules import Rhythm, Terms
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.kit.words import ngettext
from shared.web.forms import BaseForm, DayField, MoneyField

MOST_OFFERED = 24
"""More instalments than that nobody proposes; a person may still agree to more."""

RHYTHMS = (
    (Rhythm.MONTHLY, _l("Every month")),
    (Rhythm.FORTNIGHTLY, _l("Every two weeks")),
    (Rhythm.WEEKLY, _l("Every week")),
)


class CalendarField(DayField):
    """A day from the browser's calendar, or typed as people type it."""

    widget = DateInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.isoformat() if isinstance(self.data, date) else ""


class WishForm(BaseForm):
    """The terms that a debtor wishes for. It changes nothing and stands in the address, so it carries no token."""

    class Meta(BaseForm.Meta):
        """A question, not an act."""

        csrf = False

    split = RadioField(
        _l("How would you like to divide it?"),
        choices=[SelectChoice("count", _l("In equal parts")), SelectChoice("each", _l("So much each time"))],
        default="count",
    )
    count = SelectField(_l("How many instalments"), coerce=int, default=3)
    each = MoneyField(_l("How much each time"))
    rhythm = RadioField(
        _l("How often"),
        choices=[SelectChoice(rhythm.value, word) for rhythm, word in RHYTHMS],
        default=Rhythm.MONTHLY.value,
    )
    first_on = CalendarField(_l("The first one on"), [InputRequired(_l("Choose a day."))])
    first = MoneyField(_l("How much at first"))
    means = RadioField(
        _l("How would you like to pay them?"),
        choices=[SelectChoice("debit", _l("By direct debit")), SelectChoice("self", _l("I pay each one myself"))],
        default="self",
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.count.choices = [
            SelectChoice(number, ngettext("%(n)s instalment", "%(n)s instalments", number))
            for number in range(2, MOST_OFFERED + 1)
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """An amount is needed only where it was chosen; amounts are more than zero."""
        is_valid = super().validate(extra_validators)
        if self.split.data == "each" and self.each.data is None and not self.each.errors:
            self.each.errors = [_("Write how much you can pay each time.")]
        for field in (self.each, self.first):
            if isinstance(field.data, Money) and field.data.minor <= 0:
                field.errors = [_("The amount must be more than zero.")]
        return is_valid and not self.each.errors and not self.first.errors

    @property
    def terms(self) -> Terms:
        """What was chosen; the form must be valid."""
        return Terms(
            first_on=self.first_on.data,
            rhythm=Rhythm(self.rhythm.data),
            count=self.count.data,
            each_minor=self.each.data.minor if self.split.data == "each" else None,
            first_minor=self.first.data.minor if self.first.data else None,
            by_mandate=self.means.data == "debit",
        )


class AskForm(BaseForm):
    """What somebody writes with a proposal."""

    message = TextAreaField(_l("Something we should know?"), [Length(max=2000)])


class AgreeForm(BaseForm):
    """The explicit consent to an acknowledgement of debt."""

    agree = BooleanField(
        _l("I have read this. I acknowledge that I owe this sum, and I agree to pay it by this plan."),
        [InputRequired(_l("Tick this box to agree to the plan."))],
    )
