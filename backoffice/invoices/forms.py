"""What staff write about an invoice."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm


class HoldForm(BaseForm):
    """An invoice put on hold."""

    reason = StringField(_l("Why"), [InputRequired(_l("Say why in a few words.")), Length(max=200)])
