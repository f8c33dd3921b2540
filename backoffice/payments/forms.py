"""What staff ask of a payment."""

from __future__ import annotations

from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired, Length

from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import Above, BaseForm, MoneyField


class RefundForm(BaseForm):
    """Give money back."""

    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount.")), Above(Money.zero())])
    is_owed = RadioField(
        _l("Is it still owed?"),
        [InputRequired(_l("Say whether what you give back is still owed."))],
        choices=[
            SelectChoice("yes", _l("Yes: it is open again, and is asked for")),
            SelectChoice("no", _l("No: it is written off with the refund, and never asked for again")),
        ],
    )
    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])


class UndoForm(BaseForm):
    """A receipt by hand was a mistake."""

    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])
