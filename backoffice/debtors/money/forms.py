"""What came in, and what it pays."""

from __future__ import annotations

from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length

from backoffice.options import options
from payments.models import Means
from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import Above, BaseForm, DayField, MoneyField


class ReceiptForm(BaseForm):
    """A transfer or cheque that came in."""

    attempt = HiddenField()
    means = RadioField(
        _l("What came in"),
        choices=options(
            [
                (Means.TRANSFER.value, _l("Transfer")),
                (Means.CHEQUE.value, _l("Cheque")),
                (Means.CASH.value, _l("Cash")),
            ]
        ),
        default=Means.TRANSFER.value,
    )
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount.")), Above(Money.zero())])
    received_on = DayField(_l("Received on"), [InputRequired(_l("Write a day."))])
    memo = StringField(_l("Reference"), [Length(max=200)])
    spread = RadioField(
        _l("What it pays"),
        choices=options(
            [("oldest", _l("The oldest due day first")), ("by_hand", _l("As I write beside each invoice"))]
        ),
        default="oldest",
    )


class CreditForm(BaseForm):
    """Unapplied credit put to use."""

    attempt = HiddenField()
    spread = RadioField(
        _l("What it pays"),
        choices=options(
            [("oldest", _l("The oldest due day first")), ("by_hand", _l("As I write beside each invoice"))]
        ),
        default="oldest",
    )
