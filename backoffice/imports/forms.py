"""A file to import, and what a person says about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import Optional, ValidationError

from backoffice.imports import labels
from backoffice.imports.columns import Role
from backoffice.imports.terms import MOST_DAYS
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm

_PREFIX = "column_"


class UploadForm(BaseForm):
    """A file and, if its owner knows better, its format."""

    file = FileField(_l("File"), [FileRequired(_l("Choose a file."))])
    form = SelectField(
        _l("Format"),
        choices=[
            SelectChoice("", _l("Find it out")),
            SelectChoice("fec", labels.FORMATS["fec"]),
            SelectChoice("csv", labels.FORMATS["csv"]),
        ],
    )


class ChoicesForm(BaseForm):
    """How the file is to be read, where a person knows better."""

    dates = SelectField(
        _l("Order of days"),
        choices=[
            SelectChoice("", _l("Find it out")),
            SelectChoice("dmy", _l("31/12/2026: day before month")),
            SelectChoice("mdy", _l("12/31/2026: month before day")),
        ],
    )
    decimal = SelectField(
        _l("Decimal mark"),
        choices=[
            SelectChoice("", _l("Find it out")),
            SelectChoice(",", "1 234,56"),
            SelectChoice(".", "1,234.56"),
        ],
    )
    terms_days = IntegerField(
        _l("Due, where the file does not say"),
        [Optional()],
    )
    terms_kind = SelectField(
        _l("Counted as"), choices=[SelectChoice(kind.value, word) for kind, word in labels.TERMS.items()]
    )

    def validate_terms_days(self, field: IntegerField) -> None:
        if field.data is not None and not 0 <= field.data <= MOST_DAYS:
            raise ValidationError(_("Write a number of days, at most a year."))

    def as_choices(self) -> dict[str, Any]:
        """What was said, as the run keeps it."""
        choices: dict[str, Any] = {
            "mapping": self.mapping(),
            "dates": self.dates.data,
            "decimal": self.decimal.data,
        }
        if self.terms_days.data is not None:
            choices |= {"terms_days": self.terms_days.data, "terms_kind": self.terms_kind.data}
        return {name: value for name, value in choices.items() if value not in (None, "", {})}

    def columns(self) -> list[Any]:
        """The fields that say what each column is."""
        return [field for field in self if field.name.startswith(_PREFIX)]

    def mapping(self) -> dict[str, str]:
        """Role → heading, for every role: an empty one is left out on purpose."""
        return {field.name.removeprefix(_PREFIX): field.data or "" for field in self.columns()}


def choices_form(facts: Mapping[str, Any], chosen: Mapping[str, Any]) -> ChoicesForm:
    """The form for a file that was read, filled with what was found in it (`facts`) and said of it (`chosen`)."""
    names = [name for name in facts.get("headings", []) if name.strip()]
    mapping = facts.get("mapping", {})
    fields: dict[str, Any] = {
        _PREFIX + role.value: SelectField(
            word, choices=[SelectChoice("", "–"), *(SelectChoice(name, name) for name in names)]
        )
        for role, word in labels.ROLES.items()
        if names and role is not Role.IBAN
    }
    said = {name: value for name, value in chosen.items() if name != "mapping"}
    found = {name: facts[name] for name in ("terms_days", "terms_kind") if name in facts}
    columns = {name: mapping.get(name.removeprefix(_PREFIX), "") for name in fields}
    made: ChoicesForm = type("MappingForm", (ChoicesForm,), fields)(data=found | said | columns)
    return made
