"""How much was paid, when, and how to recognise it."""

from __future__ import annotations

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from shared.kit.words import lazy_gettext as _l
from shared.web.downloads import FilesField
from shared.web.forms import BaseForm, CalendarField, MoneyField


class DeclarationForm(BaseForm):
    """A transfer that was made, for chosen invoices."""

    attempt = HiddenField()
    amount = MoneyField(_l("Amount of the transfer"))
    paid_on = CalendarField(_l("Made on"), [InputRequired(_l("Choose a day."))])
    bank_reference = StringField(_l("Label of the transfer"), [Length(max=200)])
    files = FilesField(_l("Proof"))
    note = TextAreaField(_l("A word to us"), [Length(max=1000)])
