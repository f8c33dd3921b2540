"""What a company chooses about personal data."""

from __future__ import annotations

from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from backoffice.options import options
from shared.kit import personal
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, DayField


class TermForm(BaseForm):
    """Another period for one kind of data, from a day on."""

    kind = SelectField(_l("Kind of data"))
    length = IntegerField(
        _l("Kept for, in months"),
        [InputRequired(_l("Write a number.")), NumberRange(1, 1200, _l("Between 1 and 1200."))],
    )
    from_on = DayField(_l("From"), [InputRequired(_l("Choose a day."))])


def term_form(**given: object) -> TermForm:
    """The form with the kinds that are for a company to choose."""
    form = TermForm(**given)
    chosen = [kind for kind in personal.all_kinds() if kind.term and kind.of_company and not kind.term.is_fixed]
    form.kind.choices = options([(kind.name, kind.label) for kind in chosen])
    return form
