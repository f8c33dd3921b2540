"""What a company chooses about personal data."""

from __future__ import annotations

from wtforms import IntegerField, RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.options import options
from shared.kit import personal
from shared.kit.words import lazy_gettext as _l
from shared.personal.labels import GROUNDS
from shared.web.forms import BaseForm, DayField


class TermForm(BaseForm):
    """Another period for one kind of data, from a day on."""

    kind = SelectField(_l("Kind of data"))
    length = IntegerField(
        _l("Kept for, in months"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 1200, _l("Between 1 and 1200."))],
    )
    from_on = DayField(_l("From"), [InputRequired(_l("Choose a day."))])


class WishForm(BaseForm):
    """A wish to be erased that came by letter, mail or telephone."""

    on = DayField(_l("Asked on"), [InputRequired(_l("Choose a day."))])


class DeclineForm(BaseForm):
    """Why a wish to be erased is declined, as the person reads it."""

    ground = RadioField(
        _l("Legal ground"),
        [InputRequired(_l("Choose a ground."))],
        choices=options([(ground.value, word) for ground, word in GROUNDS.items()]),
    )
    answer = TextAreaField(_l("What we add to it"), [Length(max=2000)])


def term_form(**given: object) -> TermForm:
    """The form with the kinds that are for a company to choose."""
    form = TermForm(**given)
    chosen = [kind for kind in personal.all_kinds() if kind.term and kind.of_company and not kind.term.is_fixed]
    form.kind.choices = options([(kind.name, kind.label) for kind in chosen])
    return form
