"""A scenario as staff type it."""

from __future__ import annotations

from wtforms import FieldList, Form, FormField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from backoffice.options import options
from backoffice.reminders.labels import TONES
from backoffice.reminders.models import Tone
from backoffice.reminders.scenarios.service import LATEST, MOST_STEPS, Rung, Wanted
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import MoneyField
from shared.web.shared_form import SharedForm

_NEEDED = InputRequired(_l("This is needed."))
BEFORE, AFTER = "before", "after"


class StepForm(Form):
    """One rung; a row without days is no step."""

    days = IntegerField(_l("How many days"), [Optional(), NumberRange(0, LATEST)])
    side = SelectField(
        _l("Before or after"),
        choices=options([(AFTER, _l("after the due day")), (BEFORE, _l("before the due day"))]),
        default=AFTER,
    )
    tone = SelectField(
        _l("How it speaks"),
        choices=options((tone.value, TONES[tone]) for tone in (Tone.KIND, Tone.CLEAR, Tone.FIRM)),
        default=Tone.KIND.value,
    )
    catch_up = IntegerField(_l("Days of grace"), [Optional(), NumberRange(0, 60)], default=3)


class ScenarioForm(SharedForm):
    """Name, limits and ladder."""

    name = StringField(_l("Name"), [_NEEDED, Length(max=80)])
    minimum = MoneyField(_l("Nobody is written to below"), [_NEEDED])
    quiet_days = IntegerField(_l("Days of quiet between two letters"), [_NEEDED, NumberRange(0, 60)])
    steps = FieldList(FormField(StepForm), min_entries=1, max_entries=MOST_STEPS)

    def wanted(self) -> Wanted:
        """What was typed, once it is valid. Before the due day a step is a notice, whatever tone stands beside it."""
        rungs = []
        for row in self.steps:
            days = row.form.days.data
            if days is None:
                continue
            is_before = row.form.side.data == BEFORE and days > 0
            tone = Tone.NOTICE if is_before else Tone(row.form.tone.data)
            grace = row.form.catch_up.data
            rungs.append(Rung(-days if is_before else days, tone, 3 if grace is None else grace))
        return Wanted(
            name=self.name.data or "",
            minimum_minor=self.minimum.data.minor if self.minimum.data else 0,
            quiet_days=self.quiet_days.data or 0,
            rungs=sorted(rungs, key=lambda rung: rung.offset_days),
        )
