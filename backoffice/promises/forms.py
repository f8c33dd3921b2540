"""What staff write about promises."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, CalendarField, MoneyField
from shared.web.shared_form import SharedForm


class PromiseForm(BaseForm):
    """A promise that a debtor gave by telephone or letter."""

    attempt = HiddenField()
    promised_on = CalendarField(_l("Pays by"), [InputRequired(_l("Choose a day."))])
    amount = MoneyField(_l("Amount"))
    note = TextAreaField(_l("In his words"), [Length(max=1000)])


class LimitsForm(SharedForm):
    """What the company allows."""

    is_offered = BooleanField(_l("Debtors may promise a day of payment in the portal"))
    days_ahead = IntegerField(
        _l("Longest time ahead, in days"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 365, _l("Between 1 and 365."))],
    )
    grace_days = IntegerField(
        _l("Grace after the promised day, in days"),
        [InputRequired(_l("Write a number.")), NumberRange(0, 30, _l("Between 0 and 30."))],
    )
    live_most = IntegerField(
        _l("Open at once, for one debtor"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 100, _l("Between 1 and 100."))],
    )
    year_most = IntegerField(
        _l("In twelve months, for one debtor"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 1000, _l("Between 1 and 1000."))],
    )
    broken_most = IntegerField(
        _l("No more after so many broken ones in twelve months"),
        [InputRequired(_l("Write a number.")), NumberRange(0, 1000, _l("Between 0 and 1000."))],
    )
