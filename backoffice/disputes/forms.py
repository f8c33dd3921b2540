"""What staff write on a dispute."""

from __future__ import annotations

from datetime import date

from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from shared.disputes.steps import LONGEST_TEXT
from shared.kit.words import lazy_gettext as _l
from shared.web.downloads import FilesField
from shared.web.forms import BaseForm, DayField

WORDS = [InputRequired(_l("Write a few words.")), Length(max=LONGEST_TEXT)]


class SayForm(BaseForm):
    """A word to the debtor."""

    text = TextAreaField(_l("Answer the debtor"), WORDS)
    asks = BooleanField(_l("I need something from the debtor"))
    files = FilesField(_l("Files for the debtor"))


class NoteForm(BaseForm):
    """A word among colleagues."""

    note = TextAreaField(_l("Internal note"), WORDS)
    note_files = FilesField(_l("Files for colleagues"))


class AcceptForm(BaseForm):
    """The debtor is right; the amounts by part are read beside it."""

    how = HiddenField()
    text = TextAreaField(_l("What the debtor is told"), [Length(max=LONGEST_TEXT)])
    owed_again_on = DayField(_l("What stays owed is asked for again from"))


class RejectForm(BaseForm):
    """The debtor is wrong, and is told why."""

    grounds = TextAreaField(_l("Grounds, as the debtor reads them"), WORDS)
    owed_again_on = DayField(_l("Owed again from"))


class DeadlineForm(BaseForm):
    """Another day for the answer."""

    due_on = DayField(_l("Answer due on"), [InputRequired(_l("Write a day."))])


def upcoming(form: AcceptForm | RejectForm | DeadlineForm, today: date) -> None:
    """A day without a year is the next such day."""
    for field in form:
        if isinstance(field, DayField):
            field.today = today
