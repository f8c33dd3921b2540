"""Scenarios as the run needs them, and as their pages show them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.reminders.models import Scenario, ScenarioChoice, ScenarioStep, Tone
from backoffice.reminders.rules import Policy, Step
from backoffice.reminders.scenarios.service import FIRST_LADDER, MINIMUM_MINOR, QUIET_DAYS
from shared.debtors.models import BY_NAME, Debtor
from shared.debtors.service import by_name
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.words import gettext as _

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Policies:
    """A company's scenarios as the rules see them; `names` tell them apart."""

    default: Policy
    chosen: Mapping[uuid.UUID, Policy]
    names: Mapping[str, Policy]

    def of(self, scenario_id: uuid.UUID | None) -> Policy:
        """A debtor's policy; the default when he has no choice, or one that was retired a moment ago."""
        return self.chosen.get(scenario_id, self.default) if scenario_id else self.default

    def as_json(self) -> dict[str, Any]:
        """All of them as they stand, for the run that decides by them."""
        return {name: _policy_as_json(policy) for name, policy in self.names.items()}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One rung of a ladder."""

    offset_days: int
    tone: Tone
    catch_up_days: int


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One scenario with its ladder, and how many debtors were given it."""

    id: uuid.UUID
    name: str
    is_default: bool
    minimum: Money
    quiet_days: int
    debtor_count: int
    steps: Sequence[StepRow]


def policies(session: Session, company_id: uuid.UUID) -> Policies:
    """A company's scenarios in force. Before the first run the default is the first ladder; nothing is written."""
    scenarios = session.scalars(
        select(Scenario).where(Scenario.company_id == company_id, Scenario.retired_at.is_(None)).order_by(Scenario.id)
    ).all()
    steps = session.scalars(
        select(ScenarioStep)
        .where(among(ScenarioStep.scenario_id, [each.id for each in scenarios]), ScenarioStep.is_active)
        .order_by(ScenarioStep.offset_days)
    ).all()
    made = {each.id: _policy(each, [step for step in steps if step.scenario_id == each.id]) for each in scenarios}
    default = next((made[each.id] for each in scenarios if each.is_default), None) or first_policy()
    names = {each.name: made[each.id] for each in scenarios}
    return Policies(default, made, names or {_("Default"): default})


def first_policy() -> Policy:
    """The first ladder, for a company that has none yet."""
    steps = [
        Step(new_id(), position, rung.offset_days, rung.tone.value, rung.catch_up_days)
        for position, rung in enumerate(FIRST_LADDER, start=1)
    ]
    return Policy(steps, MINIMUM_MINOR, QUIET_DAYS)


def _policy(scenario: Scenario, steps: Sequence[ScenarioStep]) -> Policy:
    return Policy(
        [Step(row.id, row.position, row.offset_days, row.tone.value, row.catch_up_days) for row in steps],
        scenario.minimum_minor,
        scenario.quiet_days,
    )


def _policy_as_json(policy: Policy) -> dict[str, Any]:
    values = asdict(policy)
    for step in values["steps"]:
        step["id"] = str(step["id"])
    return values


def scenarios(session: Session, company_id: uuid.UUID, currency: str) -> list[ScenarioRow]:
    """A company's scenarios in force, the default first."""
    count = (
        select(func.count())
        .select_from(ScenarioChoice)
        .where(ScenarioChoice.scenario_id == Scenario.id)
        .correlate(Scenario)
        .scalar_subquery()
    )
    found = session.execute(
        select(Scenario, count)
        .where(Scenario.company_id == company_id, Scenario.retired_at.is_(None))
        .order_by(Scenario.id)
    ).all()
    rows = sorted(found, key=lambda row: (not row[0].is_default, by_name(row[0].name)))
    steps = session.scalars(
        select(ScenarioStep)
        .where(among(ScenarioStep.scenario_id, [row[0].id for row in rows]), ScenarioStep.is_active)
        .order_by(ScenarioStep.offset_days)
    ).all()
    return [
        ScenarioRow(
            id=each.id,
            name=each.name,
            is_default=each.is_default,
            minimum=Money(each.minimum_minor, currency),
            quiet_days=each.quiet_days,
            debtor_count=debtors,
            steps=[
                StepRow(step.offset_days, step.tone, step.catch_up_days)
                for step in steps
                if step.scenario_id == each.id
            ],
        )
        for each, debtors in rows
    ]


def scenario(session: Session, company_id: uuid.UUID, scenario_id: uuid.UUID, currency: str) -> ScenarioRow:
    """One of them; raises NotFound."""
    found = next((row for row in scenarios(session, company_id, currency) if row.id == scenario_id), None)
    if found is None:
        raise NotFound("scenario.missing", _("There is no such scenario."))
    return found


def debtors_of(session: Session, scenario_id: uuid.UUID) -> list[tuple[uuid.UUID, str, str]]:
    """The debtors who were given a scenario: id, name and account, by name; the first two hundred."""
    rows = session.execute(
        select(Debtor.id, Debtor.name, Debtor.account_code)
        .join(ScenarioChoice, ScenarioChoice.debtor_id == Debtor.id)
        .where(ScenarioChoice.scenario_id == scenario_id)
        .order_by(BY_NAME, Debtor.id)
        .limit(SHOWN)
    )
    return [(row.id, row.name, row.account_code) for row in rows]


def choice_of(session: Session, company_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[str, uuid.UUID | None]:
    """A debtor's name and the scenario he was given, None for the default; raises NotFound."""
    row = session.execute(
        select(Debtor.name, ScenarioChoice.scenario_id)
        .outerjoin(ScenarioChoice, ScenarioChoice.debtor_id == Debtor.id)
        .where(Debtor.id == debtor_id, Debtor.company_id == company_id)
    ).one_or_none()
    if row is None:
        raise NotFound("debtor.missing", _("There is no such debtor."))
    return row.name, row.scenario_id
