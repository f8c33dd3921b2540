"""Fields: what is nothing but blanks is nothing, whatever the field makes of it."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, TextAreaField
from wtforms.validators import InputRequired

from shared.web.forms import BaseForm, DayField, IbanField, MoneyField, StringField

BLANKS = [" ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u202f", "\u3000", "\u200b", "\ufeff", " \u200b\u00a0 "]


class Everything(BaseForm):
    iban = IbanField("IBAN", [InputRequired("needed")])
    amount = MoneyField("Amount", [InputRequired("needed")])
    day = DayField("Day", [InputRequired("needed")])
    text = TextAreaField("Text", [InputRequired("needed")])
    word = StringField("Word", [InputRequired("needed")])
    yes = BooleanField("Yes")


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_do_not_pass_for_something_obligatory(blank: str) -> None:
    app = Flask("fields")
    app.config.update(SECRET_KEY="s" * 32, WTF_CSRF_ENABLED=False)
    with app.test_request_context("/", method="POST"):
        form = Everything(MultiDict(dict.fromkeys(("iban", "amount", "day", "text", "word"), blank)))

        assert not form.validate()
        assert {name: errors for name, errors in form.errors.items() if errors != ["needed"]} == {}
        assert set(form.errors) == {"iban", "amount", "day", "text", "word"}


def test_blanks_around_and_within_a_text_stay() -> None:
    app = Flask("fields")
    app.config.update(SECRET_KEY="s" * 32, WTF_CSRF_ENABLED=False)
    with app.test_request_context("/", method="POST"):
        form = Everything(MultiDict({"word": " a b ", "text": "", "amount": "12,50", "yes": "y"}))

        assert form.word.data == " a b "
        assert form.amount.data.minor == 1250
        assert form.yes.data is True
