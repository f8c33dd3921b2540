"""What staff write about contested payments."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm


class NoteForm(BaseForm):
    """A note for colleagues."""

    note = TextAreaField(_l("Note for colleagues"), [InputRequired(_l("Write a few words.")), Length(max=2_000)])


class DecideForm(BaseForm):
    """What becomes of the debt, and why: the debtor reads it."""

    text = TextAreaField(_l("What the debtor reads"), [InputRequired(_l("Write a few words.")), Length(max=2_000)])
