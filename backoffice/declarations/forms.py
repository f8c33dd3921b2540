"""What staff write about declared transfers."""

from __future__ import annotations

from wtforms import BooleanField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.declarations.labels import REPLIES
from backoffice.options import options
from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import Above, BaseForm, CalendarField, MoneyField


class RecordForm(BaseForm):
    """The transfer as it arrived."""

    amount = MoneyField(_l("Received"), [InputRequired(_l("Write an amount.")), Above(Money.zero())])
    received_on = CalendarField(_l("Received on"), [InputRequired(_l("Write a day."))])
    memo = StringField(_l("Reference"), [Length(max=200)])


class RefuseForm(BaseForm):
    """What the debtor is told; the answer of its own stands below the ready one."""

    reply = RadioField(
        _l("What the debtor reads"),
        choices=options([(code, text) for code, text in REPLIES.items()] + [("own", _l("Only my own words"))]),
        default="not_arrived",
    )
    answer = TextAreaField(_l("My own words"), [Length(max=1000)])


class TermsForm(BaseForm):
    """What the company does with declared transfers."""

    is_offered = BooleanField(_l("Debtors may declare a transfer in the portal"))
    pause_days = IntegerField(
        _l("Days of the search"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 60, _l("Between 1 and 60."))],
    )
    back_days = IntegerField(
        _l("How old a declared transfer may be, in days"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 365, _l("Between 1 and 365."))],
    )
    match_days = IntegerField(
        _l("Receipts are suggested so many days around"),
        [InputRequired(_l("Write a number.")), NumberRange(0, 60, _l("Between 0 and 60."))],
    )
