"""What people type on their way in."""

from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired, Length

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm

ADDRESS_LENGTH = 254


class AddressForm(BaseForm):
    """Where a new link should go."""

    email = StringField(
        _l("Your e-mail address"), [InputRequired(_l("Write your e-mail address.")), Length(max=ADDRESS_LENGTH)]
    )


class CodeForm(BaseForm):
    """The eight digits of a message."""

    code = StringField(_l("The code in our message"), [InputRequired(_l("Write the eight digits."))])


class InvitationForm(BaseForm):
    """Somebody else who may see and pay these invoices."""

    email = StringField(
        _l("E-mail address"), [InputRequired(_l("Write the address of the person.")), Length(max=ADDRESS_LENGTH)]
    )
    name = StringField(_l("Name"), [Length(max=120)])
    language = SelectField(_l("Language"), choices=[SelectChoice("fr", "Français"), SelectChoice("en", "English")])
    is_reminded = BooleanField(_l("Also send reminders to this person"))
