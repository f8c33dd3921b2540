"""A file to import, and what a person says about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from backoffice.imports import labels
from backoffice.imports.queries import Asked
from backoffice.imports.roles import Role
from backoffice.imports.terms import MOST_DAYS
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm

_PREFIX = "column_"
_ANSWER = "answer_"


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
            SelectChoice("ymd", _l("26/12/31: year first")),
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

    complete = BooleanField(
        _l("This file is the complete list of what is open"),
        description=_l(
            "What is open here and not in the file is settled, save what a payment under way holds. Remembered for files like this one."
        ),
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
        said = {name: value for name, value in choices.items() if value not in (None, "", {})}
        return said | {"complete": bool(self.complete.data)}

    def columns(self) -> list[Any]:
        """The fields that say what each column is."""
        return [field for field in self if field.name.startswith(_PREFIX)]

    def mapping(self) -> dict[str, str]:
        """Role → heading, for every role: an empty one is left out on purpose."""
        return {field.name.removeprefix(_PREFIX): field.data or "" for field in self.columns()}


class UndoForm(BaseForm):
    """An import was a mistake."""

    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])


class AnswersForm(BaseForm):
    """What the file leaves open; a question that is left out stays open."""

    keys: Mapping[str, str]
    """Field → the question's key."""

    def answers(self) -> dict[str, str]:
        """Key → value of every question that was answered."""
        return {key: self[name].data for name, key in self.keys.items() if self[name].data}

    def field_of(self, key: str) -> Any:
        """The field of a question."""
        return self[_ANSWER + _short(key)]


def answers_form(questions: Sequence[Asked]) -> AnswersForm:
    """The form for the questions of a run, filled with what was answered already."""
    names = {_ANSWER + _short(each.key): each for each in questions}
    fields: dict[str, Any] = {
        name: RadioField(
            each.text,
            [Optional()],
            choices=[SelectChoice(value, word) for value, word in each.options.items()],
            validate_choice=True,
        )
        for name, each in names.items()
    }
    keys = {name: each.key for name, each in names.items()}
    made: AnswersForm = type("RunAnswersForm", (AnswersForm,), fields | {"keys": keys})(
        data={name: each.answer for name, each in names.items()}
    )
    return made


def _short(key: str) -> str:
    """A key may hold any word of the file: its field's name and anchor are plain."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


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
    said = {name: value for name, value in chosen.items() if name not in ("mapping", "answers")}
    found = {name: facts[name] for name in ("terms_days", "terms_kind") if name in facts}
    columns = {name: mapping.get(name.removeprefix(_PREFIX), "") for name in fields}
    made: ChoicesForm = type("MappingForm", (ChoicesForm,), fields)(data=found | said | columns)
    return made
