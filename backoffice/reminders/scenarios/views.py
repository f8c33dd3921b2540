"""Scenarios: the list, editing a ladder, how its letters read, and which debtor has which."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.reminders import labels
from backoffice.reminders.models import Tone
from backoffice.reminders.scenarios import preview as previews
from backoffice.reminders.scenarios import queries, service
from backoffice.reminders.scenarios.forms import AFTER, BEFORE, ScenarioForm
from backoffice.reminders.scenarios.queries import ScenarioRow, StepRow
from backoffice.reminders.scenarios.service import FIRST_LADDER, MOST_STEPS, Rung
from shared.kit import words
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid, NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

SPARE_ROWS = 3


def browse(member: Member) -> ResponseReturnValue:
    """Every scenario in force with its ladder."""
    with reading() as session:
        rows = queries.scenarios(session, member.company_id, member.desk.currency)
    return page("backoffice/reminders/scenarios/browse.html", rows=rows, first=FIRST_LADDER, labels=labels)


def begin(member: Member) -> ResponseReturnValue:
    """Make the first ladder before the first run does, so that it can be changed."""
    with transaction() as session:
        made = service.ensure_default(session, member.company_id)
        identity = made.id
    return see_other("backoffice.reminders.scenarios.edit", scenario_id=identity)


def new(member: Member) -> ResponseReturnValue:
    """A further scenario."""
    form = _form(None, member)
    if form.validate_on_submit():
        try:
            with transaction() as session:
                service.add(session, member.company_id, form.wanted(), by=member.as_actor())
        except Invalid as refusal:
            return _edit_page(form, None, refusal=refusal.message)
        flash(_("The scenario is there. Give it to debtors on their pages."), "good")
        return see_other("backoffice.reminders.scenarios.browse")
    return _edit_page(form, None)


def edit(member: Member, scenario_id: uuid.UUID) -> ResponseReturnValue:
    """One scenario: name, limits, ladder, its debtors."""
    with reading() as session:
        row = queries.scenario(session, member.company_id, scenario_id, member.desk.currency)
        debtors = queries.debtors_of(session, scenario_id)
    form = _form(row, member)
    if form.validate_on_submit() and not form.met_another(_stored(row, member)):
        try:
            with transaction() as session:
                service.change(session, member.company_id, scenario_id, form.wanted(), by=member.as_actor())
        except Invalid as refusal:
            return _edit_page(form, row, debtors=debtors, refusal=refusal.message)
        flash(_("Saved. The next run decides by it."), "good")
        return see_other("backoffice.reminders.scenarios.edit", scenario_id=scenario_id)
    return _edit_page(form, row, debtors=debtors)


def _form(row: ScenarioRow | None, member: Member) -> ScenarioForm:
    if request.method == "POST":
        form = ScenarioForm()
    elif row is None:
        form = ScenarioForm(
            minimum=Money(service.MINIMUM_MINOR, member.desk.currency),
            quiet_days=service.QUIET_DAYS,
            steps=_rows(FIRST_LADDER),
        )
    else:
        form = _stored(row, member)
    form.minimum.currency = member.desk.currency
    return form


def _stored(row: ScenarioRow, member: Member) -> ScenarioForm:
    values = {"name": row.name, "minimum": row.minimum, "quiet_days": row.quiet_days, "steps": _rows(row.steps)}
    form = ScenarioForm(formdata=None, data=values)
    form.minimum.currency = member.desk.currency
    return form


def _rows(steps: Sequence[Rung] | Sequence[StepRow]) -> list[dict[str, object]]:
    """What stands in the rows: the ladder, and a few empty ones."""
    filled: list[dict[str, object]] = [
        {
            "days": abs(step.offset_days),
            "side": BEFORE if step.offset_days < 0 else AFTER,
            "tone": step.tone.value if step.tone is not Tone.NOTICE else Tone.KIND.value,
            "catch_up": step.catch_up_days,
        }
        for step in steps
    ]
    return (filled + [{} for _ in range(SPARE_ROWS)])[:MOST_STEPS]


def _edit_page(
    form: ScenarioForm,
    row: ScenarioRow | None,
    *,
    debtors: list[tuple[uuid.UUID, str, str]] | None = None,
    refusal: str = "",
) -> Response:
    return page(
        "backoffice/reminders/scenarios/edit.html",
        status=422 if form.is_submitted() else 200,
        form=form,
        row=row,
        debtors=debtors or [],
        refusal=refusal,
        labels=labels,
    )


def make_default(member: Member, scenario_id: uuid.UUID) -> ResponseReturnValue:
    """It holds for everybody without a choice of his own."""
    with transaction() as session:
        service.make_default(session, member.company_id, scenario_id, by=member.as_actor())
    flash(_("From the next run on it holds for every debtor without a scenario of his own."), "good")
    return see_other("backoffice.reminders.scenarios.browse")


def retire(member: Member, scenario_id: uuid.UUID) -> ResponseReturnValue:
    """It is not used any more; its debtors follow the default."""
    with transaction() as session:
        service.retire(session, member.company_id, scenario_id, by=member.as_actor())
    flash(_("The scenario is not used any more; its debtors follow the default."), "good")
    return see_other("backoffice.reminders.scenarios.browse")


def preview(member: Member, scenario_id: uuid.UUID) -> ResponseReturnValue:
    """How each step's letter reads, in either language, with an example debtor."""
    language = request.args.get("in", words.current_language())
    if language not in words.LANGUAGES:
        raise NotFound("language.unknown", _("There is no such language."))
    with reading() as session:
        row = queries.scenario(session, member.company_id, scenario_id, member.desk.currency)
        letters = [
            (
                step,
                previews.letter(
                    session,
                    member.company_id,
                    tone=step.tone,
                    offset_days=step.offset_days,
                    language=language,
                    today=member.today,
                ),
            )
            for step in row.steps
        ]
    return page(
        "backoffice/reminders/scenarios/preview.html", row=row, letters=letters, language=language, labels=labels
    )


def choose(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """By which scenario a debtor is reminded."""
    if request.method == "POST":
        try:
            text = request.form.get("scenario", "")
            wanted = uuid.UUID(text) if text else None
        except ValueError:
            raise NotFound("scenario.missing", _("There is no such scenario.")) from None
        with transaction() as session:
            service.choose(session, member.company_id, debtor_id=debtor_id, scenario_id=wanted, by=member.as_actor())
        flash(_("Saved. The next run decides by it."), "good")
        return see_other("backoffice.debtors.show", debtor_id=debtor_id)
    with reading() as session:
        name, chosen = queries.choice_of(session, member.company_id, debtor_id)
        rows = queries.scenarios(session, member.company_id, member.desk.currency)
    return page(
        "backoffice/reminders/scenarios/choose.html",
        debtor_id=debtor_id,
        name=name,
        chosen=chosen,
        rows=rows,
        labels=labels,
    )
