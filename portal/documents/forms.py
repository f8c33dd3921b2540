"""Which days a statement covers."""

from wtforms import SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired

from shared.kit.words import lazy_gettext as _l
from shared.web.forms import BaseForm, DayField


class StatementForm(BaseForm):
    """From which day to which day, and as what."""

    class Meta(BaseForm.Meta):
        """Read by GET: it changes nothing."""

        csrf = False

    since = DayField(_l("First day"), [InputRequired(_l("Write the first day."))])
    until = DayField(_l("Last day"), [InputRequired(_l("Write the last day."))])
    form = SelectField(
        _l("Format"),
        choices=[SelectChoice("pdf", "PDF"), SelectChoice("xlsx", "Excel (XLSX)"), SelectChoice("csv", "CSV")],
        default="pdf",
    )
