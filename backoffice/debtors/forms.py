"""What staff write about a debtor."""

from __future__ import annotations

from typing import Any

from babel import Locale
from stdnum.fr import siren as siren_rule
from stdnum.fr import siret as siret_rule
from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from backoffice.options import LANGUAGES, options
from shared.debtors.models import ContactRole, DebtorKind
from shared.debtors.service import DebtorDetails, normalise_email
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, DayField
from shared.web.shared_form import SharedForm


class NoteForm(BaseForm):
    """Something to remember."""

    text = TextAreaField(_l("Note"), [InputRequired(_l("Write the note.")), Length(max=4000)])


class ContactForm(SharedForm):
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
    why_back = StringField(_l("Why an erased address is added again"), [Length(max=200)])

    def validate_email(self, field: Any) -> None:
        """It must be an address."""
        try:
            field.data = normalise_email(field.data)
        except Invalid as error:
            raise ValidationError(error.message) from error


class DetailsForm(SharedForm):
    """Who the debtor is."""

    name = StringField(_l("Name"), [InputRequired(_l("Write the name.")), Length(max=200)])
    kind = RadioField(
        _l("What the law says of it"),
        choices=options(
            [
                (DebtorKind.BUSINESS.value, _l("A business: penalties and the 40 € for recovery costs apply")),
                (DebtorKind.CONSUMER.value, _l("A consumer: neither penalties nor the 40 €")),
            ]
        ),
    )
    siren = StringField(_l("SIREN or SIRET"), [Length(max=20)])
    vat_number = StringField(_l("VAT number"), [Length(max=20)])
    street = StringField(_l("Street"), [Length(max=200)])
    street_more = StringField(_l("Street, second line"), [Length(max=200)])
    postcode = StringField(_l("Postcode"), [Length(max=12)])
    city = StringField(_l("City"), [Length(max=200)])
    country = StringField(_l("Country (two letters)"), [InputRequired(_l("Write two letters, like FR."))])
    language = SelectField(_l("Language"), choices=LANGUAGES)

    def validate_siren(self, field: Any) -> None:
        """A SIREN, or the SIRET that begins with it; kept as nine figures."""
        bare = "".join(c for c in field.data or "" if c.isalnum())
        if bare and not (siren_rule.is_valid(bare) or siret_rule.is_valid(bare)):
            raise ValidationError(_("This is not a SIREN or SIRET: a figure is missing or wrong."))
        field.data = bare[:9]

    def validate_country(self, field: Any) -> None:
        """An ISO 3166 code."""
        field.data = (field.data or "").strip().upper()
        if len(field.data) != 2 or field.data not in Locale("en").territories:
            raise ValidationError(_("This is not a country's code. France is FR, Belgium is BE."))

    def details(self) -> DebtorDetails:
        """What was written, fit to be kept."""
        return DebtorDetails(
            name=(self.name.data or "").strip(),
            kind=DebtorKind(self.kind.data),
            language=self.language.data,
            siren=self.siren.data or None,
            vat_number="".join((self.vat_number.data or "").split()).upper() or None,
            street=(self.street.data or "").strip(),
            street_more=(self.street_more.data or "").strip(),
            postcode=(self.postcode.data or "").strip(),
            city=(self.city.data or "").strip(),
            country=self.country.data or "FR",
        )


class MergeForm(BaseForm):
    """The account that takes this one over."""

    into = StringField(
        _l("Code of the account that stays"), [InputRequired(_l("Write a customer code.")), Length(max=64)]
    )


class PauseForm(BaseForm):
    """No reminders until a day."""

    until = DayField(_l("Up to and including"), [InputRequired(_l("Write a day."))])
    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])
