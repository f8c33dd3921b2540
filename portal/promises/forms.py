"""How much, and by when."""

from __future__ import annotations

from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, CalendarField, MoneyField


class PromiseForm(BaseForm):
    """A promise on chosen invoices."""

    attempt = HiddenField()
    amount = MoneyField(_l("Amount"))
    promised_on = CalendarField(_l("I will pay by"), [InputRequired(_l("Choose a day."))])
    note = TextAreaField(_l("A word to us"), [Length(max=1000)])
