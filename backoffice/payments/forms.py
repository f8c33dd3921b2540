"""What staff ask of a payment."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import Above, BaseForm, MoneyField


class RefundForm(BaseForm):
    """Give money back."""

    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount.")), Above(Money.zero())])
    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])


class UndoForm(BaseForm):
    """A receipt by hand was a mistake."""

    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])
