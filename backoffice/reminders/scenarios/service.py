"""Verbs on scenarios: each leaves an audit line with the ladder before and after."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.reminders.models import Scenario, ScenarioChoice, ScenarioStep, Tone
from shared.debtors.service import lock_account
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

EARLIEST, LATEST = -60, 365
"""A step is at most so many days before or after the due day."""
MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Rung:
    """One step as somebody wants it: days after the due day (negative: before it), how it speaks, how late it may be taken."""

    offset_days: int
    tone: Tone
    catch_up_days: int = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scenario as somebody wants it. `minimum_minor`: below this sum nobody is written to."""

    name: str
    minimum_minor: int
    quiet_days: int
    rungs: Sequence[Rung]


FIRST_LADDER = (Rung(-5, Tone.NOTICE), Rung(3, Tone.KIND), Rung(15, Tone.CLEAR), Rung(30, Tone.FIRM))
"""Five days before the due day, then 3, 15 and 30 days after it."""
MINIMUM_MINOR = 100
QUIET_DAYS = 7
"""A week: an account with many due days gets one letter about them, not the same letter every third day."""


def ensure_default(session: Session, company_id: uuid.UUID) -> Scenario:
    """The company's default scenario; the first ladder is made when there is none."""
    query = select(Scenario).where(Scenario.company_id == company_id, Scenario.is_default)
    found = session.scalar(query)
    if found is not None:
        return found
    session.execute(
        insert(Scenario)
        .values(
            id=new_id(),
            company_id=company_id,
            name=_("Default"),
            is_default=True,
            minimum_minor=MINIMUM_MINOR,
            quiet_days=QUIET_DAYS,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )
    made = session.scalars(query.with_for_update()).one()
    if session.scalar(select(ScenarioStep.id).where(ScenarioStep.scenario_id == made.id).limit(1)) is None:
        _set_rungs(session, made.id, FIRST_LADDER)
    return made


def add(session: Session, company_id: uuid.UUID, wanted: Wanted, *, by: Actor) -> Scenario:
    """A further scenario. Raises Invalid for a ladder that cannot be, or a name that is taken."""
    ensure_default(session, company_id)
    _check(session, company_id, wanted, identity=None)
    scenario = Scenario(
        id=new_id(),
        company_id=company_id,
        name=wanted.name.strip(),
        minimum_minor=wanted.minimum_minor,
        quiet_days=wanted.quiet_days,
        created_at=clock.now(),
    )
    session.add(scenario)
    session.flush()
    _set_rungs(session, scenario.id, wanted.rungs)
    _record(session, scenario, "scenario.added", by, before=None)
    return scenario


def change(session: Session, company_id: uuid.UUID, scenario_id: uuid.UUID, wanted: Wanted, *, by: Actor) -> None:
    """Another name, other limits, another ladder.

    A step that is moved is a new one: invoices reminded at day 3 come to it when their day has come. Letters that are
    decided already are written as they were decided. Raises NotFound, Invalid.
    """
    scenario = _get(session, company_id, scenario_id)
    before = as_json(session, scenario)
    _check(session, company_id, wanted, identity=scenario_id)
    scenario.name = wanted.name.strip()
    scenario.minimum_minor = wanted.minimum_minor
    scenario.quiet_days = wanted.quiet_days
    _set_rungs(session, scenario_id, wanted.rungs)
    if as_json(session, scenario) != before:
        _record(session, scenario, "scenario.changed", by, before=before)


def make_default(session: Session, company_id: uuid.UUID, scenario_id: uuid.UUID, *, by: Actor) -> None:
    """From the next run on this one holds for every debtor without a choice of his own."""
    scenario = _get(session, company_id, scenario_id)
    if scenario.is_default:
        return
    session.execute(
        update(Scenario).where(Scenario.company_id == company_id, Scenario.is_default).values(is_default=False)
    )
    scenario.is_default = True
    session.flush()
    _record(session, scenario, "scenario.made_default", by, before=None)


def retire(session: Session, company_id: uuid.UUID, scenario_id: uuid.UUID, *, by: Actor) -> None:
    """Do not use a scenario any more; its debtors follow the default. Raises Conflict for the default itself."""
    scenario = _get(session, company_id, scenario_id)
    if scenario.is_default:
        raise Conflict("scenario.default", _("This is the default scenario: make another one the default first."))
    session.execute(delete(ScenarioChoice).where(ScenarioChoice.scenario_id == scenario_id))
    before = as_json(session, scenario)
    scenario.retired_at = clock.now()
    scenario.name = f"{scenario.name} ({scenario.retired_at:%Y-%m-%d %H:%M:%S})"  # the name is free again
    session.flush()
    _record(session, scenario, "scenario.retired", by, before=before)


def choose(
    session: Session, company_id: uuid.UUID, *, debtor_id: uuid.UUID, scenario_id: uuid.UUID | None, by: Actor
) -> None:
    """By which scenario a debtor is reminded; None for the default. Raises NotFound."""
    debtor = lock_account(session, debtor_id)
    if debtor.company_id != company_id:
        raise NotFound("debtor.missing", _("There is no such debtor."))
    scenario = _get(session, company_id, scenario_id) if scenario_id is not None else None
    if scenario is not None and scenario.is_default:
        scenario = None
    before = session.scalar(select(ScenarioChoice.scenario_id).where(ScenarioChoice.debtor_id == debtor_id))
    if before == (scenario.id if scenario else None):
        return
    session.execute(delete(ScenarioChoice).where(ScenarioChoice.debtor_id == debtor_id))
    if scenario is not None:
        session.add(ScenarioChoice(debtor_id=debtor_id, scenario_id=scenario.id, chosen_at=clock.now()))
    session.flush()
    audit.record(
        session,
        by,
        "debtor.scenario_chosen",
        subject_type="debtor",
        subject_id=debtor_id,
        company_id=company_id,
        debtor_id=debtor_id,
        before={"scenario": str(before) if before else None},
        after={"scenario": str(scenario.id) if scenario else None, "name": scenario.name if scenario else ""},
    )


def as_json(session: Session, scenario: Scenario) -> dict[str, Any]:
    """A scenario as the audit trail and the runs keep it."""
    session.flush()
    steps = session.scalars(
        select(ScenarioStep)
        .where(ScenarioStep.scenario_id == scenario.id, ScenarioStep.is_active)
        .order_by(ScenarioStep.offset_days)
    )
    return {
        "name": scenario.name,
        "minimum_minor": scenario.minimum_minor,
        "quiet_days": scenario.quiet_days,
        "steps": [
            {"offset_days": step.offset_days, "tone": step.tone.value, "catch_up_days": step.catch_up_days}
            for step in steps
        ],
    }


def _get(session: Session, company_id: uuid.UUID, scenario_id: uuid.UUID) -> Scenario:
    known = session.scalar(
        select(Scenario.id).where(
            Scenario.id == scenario_id, Scenario.company_id == company_id, Scenario.retired_at.is_(None)
        )
    )
    if known is None:
        raise NotFound("scenario.missing", _("There is no such scenario."))
    return db.lock(session, Scenario, scenario_id)


def _check(session: Session, company_id: uuid.UUID, wanted: Wanted, *, identity: uuid.UUID | None) -> None:
    offsets = [rung.offset_days for rung in wanted.rungs]
    if not 1 <= len(offsets) <= MOST_STEPS:
        raise Invalid("scenario.steps", _("A scenario has between 1 and %(most)s steps.", most=MOST_STEPS))
    if len(set(offsets)) != len(offsets):
        raise Invalid("scenario.twice", _("Two steps fall on the same day."))
    if any(not EARLIEST <= offset <= LATEST for offset in offsets):
        raise Invalid(
            "scenario.offset",
            _(
                "A step is at most %(before)s days before and %(after)s days after the due day.",
                before=-EARLIEST,
                after=LATEST,
            ),
        )
    if any((rung.offset_days < 0) != (rung.tone is Tone.NOTICE) for rung in wanted.rungs):
        raise Invalid("scenario.tone", _("Before the due day a step is a notice; on it or after it, a reminder."))
    if wanted.minimum_minor < 0 or wanted.quiet_days < 0 or any(rung.catch_up_days < 0 for rung in wanted.rungs):
        raise Invalid("scenario.negative", _("Days and amounts are not negative."))
    taken = select(Scenario.id).where(Scenario.company_id == company_id, Scenario.name == wanted.name.strip())
    if identity is not None:
        taken = taken.where(Scenario.id != identity)
    if not wanted.name.strip() or session.scalar(taken) is not None:
        raise Invalid("scenario.name", _("A scenario needs a name of its own."))


def _set_rungs(session: Session, scenario_id: uuid.UUID, rungs: Sequence[Rung]) -> None:
    """The ladder from now on: a rung of the same day goes on, one that is not wanted rests, others are added."""
    known = {
        step.offset_days: step
        for step in session.scalars(select(ScenarioStep).where(ScenarioStep.scenario_id == scenario_id))
    }
    wanted = {rung.offset_days: rung for rung in rungs}
    for offset, step in known.items():
        rung = wanted.get(offset)
        step.is_active = rung is not None
        if rung is not None:
            step.tone, step.catch_up_days = rung.tone, rung.catch_up_days
    position = max((step.position for step in known.values()), default=0)
    for rung in sorted(rungs, key=lambda each: each.offset_days):
        if rung.offset_days not in known:
            position += 1
            session.add(
                ScenarioStep(
                    scenario_id=scenario_id,
                    position=position,
                    offset_days=rung.offset_days,
                    tone=rung.tone,
                    catch_up_days=rung.catch_up_days,
                )
            )
    session.flush()


def _record(session: Session, scenario: Scenario, action: str, by: Actor, *, before: dict[str, Any] | None) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="scenario",
        subject_id=scenario.id,
        company_id=scenario.company_id,
        before=before,
        after=as_json(session, scenario),
    )
