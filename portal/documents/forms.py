"""Which days a statement covers."""

from wtforms import SelectField
from wtforms.validators import InputRequired

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, DayField


class StatementForm(BaseForm):
    """From which day to which day, and as what."""

    class Meta(BaseForm.Meta):
        """Read by GET: it changes nothing."""

        csrf = False

    since = DayField(_l("From"), [InputRequired(_l("Write the first day."))])
    until = DayField(_l("To"), [InputRequired(_l("Write the last day."))])
    form = SelectField(_l("As"), choices=[("pdf", "PDF"), ("xlsx", "Excel (XLSX)")], default="pdf")
