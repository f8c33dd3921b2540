"""What staff write about a debtor."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from backoffice.options import LANGUAGES, options
from shared.debtors.models import ContactRole
from shared.debtors.service import normalise_email
from shared.kit.errors import Invalid
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, DayField


class NoteForm(BaseForm):
    """Something to remember."""

    text = TextAreaField(_l("Note"), [InputRequired(_l("Write the note.")), Length(max=4000)])


class ContactForm(BaseForm):
    """A person who acts for the debtor."""

    name = StringField(_l("Name"), [Length(max=120)])
    email = EmailField(_l("E-mail address"), [InputRequired(_l("Write an e-mail address.")), Length(max=254)])
    phone = StringField(_l("Telephone"), [Length(max=40)])
    language = SelectField(_l("Language"), choices=LANGUAGES)
    role = RadioField(
        _l("What this person may do"),
        choices=options(
            [
                (ContactRole.OWNER.value, _l("Everything, also give others access")),
                (ContactRole.MEMBER.value, _l("See and pay")),
            ]
        ),
        default=ContactRole.OWNER.value,
    )
    is_reminded = BooleanField(_l("Reminders go to this person"), default=True)

    def validate_email(self, field: Any) -> None:
        """It must be an address."""
        try:
            field.data = normalise_email(field.data)
        except Invalid as error:
            raise ValidationError(error.message) from error


class PauseForm(BaseForm):
    """No reminders until a day."""

    until = DayField(_l("Up to and including"), [InputRequired(_l("Write a day."))])
    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])
