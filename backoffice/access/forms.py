"""Forms of signing in and of the staff."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, HiddenField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from backoffice.access.labels import ROLES
from backoffice.access.permissions import Role
from backoffice.access.rules import MAXIMUM_LENGTH, MINIMUM_LENGTH
from backoffice.options import LANGUAGES, options
from shared.debtors.service import normalise_email
from shared.kit.errors import Invalid
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm
from shared.web.shared_form import SharedForm


class SignInForm(BaseForm):
    """Who, and the password."""

    email = EmailField(_l("E-mail address"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password.")), Length(max=MAXIMUM_LENGTH)])
    next = HiddenField()


class CodeForm(BaseForm):
    """A code of the second factor."""

    code = StringField(_l("Code"), [InputRequired(_l("Write the code.")), Length(max=40)])
    next = HiddenField()


class ConfirmForm(BaseForm):
    """The password once more."""

    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password.")), Length(max=MAXIMUM_LENGTH)])
    next = HiddenField()


class PasswordForm(BaseForm):
    """Another password."""

    present = PasswordField(_l("Present password"), [InputRequired(_l("Write your password."))])
    new = PasswordField(
        _l("New password"),
        [
            InputRequired(_l("Write a new password.")),
            Length(
                MINIMUM_LENGTH,
                MAXIMUM_LENGTH,
                _l("A password has at least %(least)s characters.", least=MINIMUM_LENGTH),
            ),
        ],
    )
    again = PasswordField(_l("New password, once more"), [EqualTo("new", _l("The two passwords differ."))])


class ChosenPasswordForm(BaseForm):
    """The first password, or a new one, chosen by a link."""

    new = PasswordField(_l("New password"), [InputRequired(_l("Write a new password.")), Length(max=MAXIMUM_LENGTH)])
    again = PasswordField(_l("New password, once more"), [EqualTo("new", _l("The two passwords differ."))])


class StaffForm(SharedForm):
    """A member of staff."""

    name = StringField(_l("Name"), [InputRequired(_l("Write a name.")), Length(max=120)])
    role = RadioField(
        _l("Role"), choices=options([(role.value, word) for role, word in ROLES.items()]), default=Role.AGENT.value
    )


class NewStaffForm(StaffForm):
    """A new member of staff."""

    email = EmailField(_l("E-mail address"), [InputRequired(_l("Write an e-mail address.")), Length(max=254)])
    language = SelectField(_l("Language"), choices=LANGUAGES)

    def validate_email(self, field: Any) -> None:
        """It must be an address."""
        try:
            field.data = normalise_email(field.data)
        except Invalid as error:
            raise ValidationError(error.message) from error
