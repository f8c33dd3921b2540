"""What staff write about declared transfers."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.web.downloads import FilesField
from shared.web.forms import Above, BaseForm, CalendarField, MoneyField
from shared.web.shared_form import SharedForm

LONGEST_ANSWER = 2_000


class RecordForm(BaseForm):
    """The transfer as it arrived."""

    amount = MoneyField(_l("Received"), [InputRequired(_l("Write an amount.")), Above(Money.zero())])
    received_on = CalendarField(_l("Received on"), [InputRequired(_l("Write a day."))])
    memo = StringField(_l("Reference"), [Length(max=200)])


class DeclarationForm(BaseForm):
    """A transfer that a debtor says to have made."""

    attempt = HiddenField()
    amount = MoneyField(_l("Amount of the transfer"), [Optional(), Above(Money.zero())])
    paid_on = CalendarField(_l("Made on"), [InputRequired(_l("Choose a day."))])
    bank_reference = StringField(_l("Label of the transfer"), [Length(max=200)])
    note = TextAreaField(_l("In his words"), [Length(max=1000)])
    files = FilesField(_l("Proof"))


class RefuseForm(BaseForm):
    """What the debtor is told."""

    answer = TextAreaField(
        _l("What the debtor reads"), [InputRequired(_l("Write a few words.")), Length(max=LONGEST_ANSWER)]
    )


class TermsForm(SharedForm):
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
