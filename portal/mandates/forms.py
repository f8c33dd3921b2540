"""What a debtor decides about direct debit."""

from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, MoneyField


class MandateForm(BaseForm):
    """Consent to be sent to the page where the mandate is signed."""

    agree = BooleanField(
        _l("I may dispose of this account, and I agree that invoices are debited from it."),
        [InputRequired(_l("Tick this box to go on."))],
    )


class AutopayForm(BaseForm):
    """Whether invoices are paid by themselves on their due day, and up to how much."""

    autopay = RadioField(
        _l("Automatic payment"),
        choices=[
            SelectChoice("on", _l("Pay each invoice by itself on its due date")),
            SelectChoice("off", _l("I pay each invoice myself")),
        ],
        validators=[InputRequired(_l("Choose one."))],
    )
    maximum = MoneyField(_l("At most, for one debit"))
