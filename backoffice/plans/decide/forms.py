"""The terms that staff offer."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, IntegerField, RadioField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from backoffice.options import options
from payments.plans.rules import MOST_INSTALMENTS, Rhythm, Terms
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, CalendarField, MoneyField

_NEEDED = InputRequired(_l("This is needed."))


class TermsForm(BaseForm):
    """Terms on the table. It changes nothing and stands in the address, so it carries no token."""

    class Meta(BaseForm.Meta):
        """A question, not an act."""

        csrf = False

    split = RadioField(
        _l("Divided"), choices=options([("count", _l("in equal parts")), ("each", _l("so much each time"))])
    )
    count = IntegerField(
        _l("Instalments"),
        [
            Optional(),
            NumberRange(2, MOST_INSTALMENTS, _l("Between %(least)s and %(most)s.", least=2, most=MOST_INSTALMENTS)),
        ],
    )
    each = MoneyField(_l("Each time"))
    rhythm = RadioField(
        _l("How often"),
        choices=options(
            [
                (Rhythm.MONTHLY.value, _l("every month")),
                (Rhythm.FORTNIGHTLY.value, _l("every two weeks")),
                (Rhythm.WEEKLY.value, _l("every week")),
            ]
        ),
    )
    first_on = CalendarField(_l("The first on"), [_NEEDED])
    first = MoneyField(_l("The first is"))
    by_mandate = BooleanField(_l("Collected by direct debit"))

    def validate(self, extra_validators: Any = None) -> bool:
        """What the chosen way of dividing needs."""
        is_valid = super().validate(extra_validators)
        if self.split.data == "each" and self.each.data is None and not self.each.errors:
            self.each.errors = [_("This is needed.")]
        if self.split.data == "count" and self.count.data is None and not self.count.errors:
            self.count.errors = [_("This is needed.")]
        for field in (self.each, self.first):
            if isinstance(field.data, Money) and field.data.minor <= 0:
                field.errors = [_("The amount must be more than zero.")]
        return is_valid and not any(field.errors for field in self)

    @property
    def terms(self) -> Terms:
        """What stands in the form, which must be valid."""
        return Terms(
            first_on=self.first_on.data,
            rhythm=Rhythm(self.rhythm.data),
            count=self.count.data or 0,
            each_minor=self.each.data.minor if self.split.data == "each" else None,
            first_minor=self.first.data.minor if self.first.data else None,
            by_mandate=bool(self.by_mandate.data),
        )


class OfferForm(BaseForm):
    """What goes with an offer."""

    answer = TextAreaField(_l("What you write to the debtor"), [Length(max=2000)])
    days = IntegerField(_l("The offer stands, in days"), [_NEEDED, NumberRange(1, 60, _l("Between 1 and 60 days."))])


class ToldForm(BaseForm):
    """What the debtor is told with an act."""

    answer = TextAreaField(_l("Why, as the debtor reads it"), [DataRequired(_l("Say why.")), Length(max=2000)])


class ResumeForm(BaseForm):
    """From when a plan goes on."""

    first_on = CalendarField(_l("The next instalment on"), [_NEEDED])
