"""Scenarios: whoever has one is reminded by it; nobody is reminded twice on a day, whatever is edited."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

import wsgi
from backoffice.reminders import run as reminders
from backoffice.reminders.models import Reminder, ReminderDecision, ReminderRun, Scenario, ScenarioStep, Tone
from backoffice.reminders.scenarios import queries, service
from backoffice.reminders.scenarios.service import FIRST_LADDER, Rung, Wanted
from shared.debtors.models import Debtor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.outbox.relay import perform_due
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

SOFT = Wanted("Soft", 500, 5, [Rung(10, Tone.KIND), Rung(40, Tone.CLEAR)])


class Place:
    """A company with Dora (12 days late) and Bruno (12 days late)."""

    def __init__(self) -> None:
        with transaction() as session:
            company = a_company(session)
            self.company = company.id
            self.dora, self.bruno = (a_debtor(session, company, code, code).id for code in ("411DORA", "411BRUNO"))
            for debtor in (self.dora, self.bruno):
                an_invoice(session, session.get_one(Debtor, debtor), "F-1", 10_000, due_in=-10)

    def add(self, wanted: Wanted = SOFT) -> uuid.UUID:
        with transaction() as session:
            return service.add(session, self.company, wanted, by=SYSTEM).id

    def default(self) -> uuid.UUID:
        with transaction() as session:
            return service.ensure_default(session, self.company).id

    def give(self, debtor: uuid.UUID, scenario: uuid.UUID | None) -> None:
        with transaction() as session:
            service.choose(session, self.company, debtor_id=debtor, scenario_id=scenario, by=SYSTEM)

    def change(self, scenario: uuid.UUID, *rungs: Rung, name: str = "Soft") -> None:
        with transaction() as session:
            service.change(session, self.company, scenario, Wanted(name, 100, 3, rungs), by=SYSTEM)

    def run(self) -> dict[str, tuple[str, int | None]]:
        """Today's run: decision and step by debtor."""
        reminders.run(self.company)
        perform_due()
        with reading() as session:
            rows = session.execute(
                select(Debtor.name, ReminderDecision.outcome, ReminderDecision.step_offset)
                .join(Debtor, Debtor.id == ReminderDecision.debtor_id)
                .order_by(ReminderDecision.id)
            )
            return {name: (outcome, offset) for name, outcome, offset in rows}

    def offsets(self, scenario: uuid.UUID) -> list[int]:
        with reading() as session:
            return [step.offset_days for step in queries.scenario(session, self.company, scenario, "EUR").steps]


@pytest.fixture
def place(database, frozen, settings) -> Place:
    wsgi.import_jobs()
    return Place()


def rows(model):
    with reading() as session:
        return list(session.scalars(select(model)))


def test_each_debtor_is_reminded_by_his_own_scenario(place: Place) -> None:
    place.give(place.bruno, place.add())

    assert place.run() == {"411DORA": ("remind", 3), "411BRUNO": ("remind", 10)}
    (run,) = rows(ReminderRun)
    assert set(run.scenario) == {"Soft", "Par défaut"} or set(run.scenario) == {"Soft", "Default"}


def test_the_choice_taken_back_follows_the_default(place: Place) -> None:
    place.give(place.bruno, place.add())
    place.give(place.bruno, None)

    assert place.run()["411BRUNO"] == ("remind", 3)


def test_going_over_to_another_ladder_never_repeats_a_day(place: Place, frozen) -> None:
    assert place.run()["411DORA"] == ("remind", 3)
    place.give(place.dora, place.add(Wanted("Same", 100, 0, [Rung(3, Tone.KIND), Rung(60, Tone.FIRM)])))
    frozen.advance(days=1)

    assert place.run()["411DORA"] == ("already", None)


def test_a_moved_step_is_a_new_one_and_the_old_one_rests(place: Place, frozen) -> None:
    scenario = place.default()
    place.run()
    place.change(scenario, Rung(14, Tone.CLEAR), name="Default")
    assert place.offsets(scenario) == [14]
    assert {step.offset_days for step in rows(ScenarioStep)} == {-5, 3, 14, 15, 30}
    frozen.advance(days=4)

    assert place.run()["411DORA"] == ("remind", 14)
    assert len(rows(Reminder)) == 4


def test_a_step_put_back_is_the_same_step_and_is_not_taken_twice(place: Place, frozen) -> None:
    scenario = place.default()
    place.run()
    place.change(scenario, Rung(14, Tone.CLEAR), name="Default")
    place.change(scenario, Rung(3, Tone.FIRM), name="Default")
    frozen.advance(days=1)

    assert place.run()["411DORA"] == ("already", None)
    assert len([step for step in rows(ScenarioStep) if step.offset_days == 3]) == 1


def test_another_default_holds_for_everybody_without_a_choice(place: Place) -> None:
    with transaction() as session:
        service.make_default(session, place.company, place_add(session, place), by=SYSTEM)

    assert {step for _outcome, step in place.run().values()} == {10}
    assert [each.is_default for each in rows(Scenario)].count(True) == 1


def test_scenarios_stand_by_name_as_people_sort_them_the_default_first(place: Place) -> None:
    names = ("Zürich", "étranger", "Œuvres", "Ordinaire", "Etna")
    with transaction() as session:
        for name in names:
            service.add(session, place.company, replace(SOFT, name=name), by=SYSTEM)
    with reading() as session:
        listed = [row.name for row in queries.scenarios(session, place.company, "EUR")]

    assert [name for name in listed[1:] if name in names] == ["Etna", "étranger", "Œuvres", "Ordinaire", "Zürich"]


def place_add(session, place: Place) -> uuid.UUID:
    return service.add(session, place.company, SOFT, by=SYSTEM).id


def test_a_retired_scenario_gives_its_debtors_and_its_name_back(place: Place) -> None:
    scenario = place.add()
    place.give(place.bruno, scenario)
    with transaction() as session:
        service.retire(session, place.company, scenario, by=SYSTEM)

    assert place.run()["411BRUNO"] == ("remind", 3)
    place.add()
    with transaction() as session, pytest.raises(NotFound):
        service.retire(session, place.company, scenario, by=SYSTEM)


def test_the_default_is_not_retired(place: Place) -> None:
    default = place.default()
    with transaction() as session, pytest.raises(Conflict):
        service.retire(session, place.company, default, by=SYSTEM)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("", 100, 3, FIRST_LADDER),
        Wanted("Soft", 100, 3, []),
        Wanted("Soft", 100, 3, [Rung(3, Tone.KIND), Rung(3, Tone.FIRM)]),
        Wanted("Soft", 100, 3, [Rung(-61, Tone.NOTICE)]),
        Wanted("Soft", 100, 3, [Rung(366, Tone.FIRM)]),
        Wanted("Soft", 100, 3, [Rung(-3, Tone.FIRM)]),
        Wanted("Soft", 100, 3, [Rung(3, Tone.NOTICE)]),
        Wanted("Soft", -1, 3, FIRST_LADDER),
        Wanted("Soft", 100, 3, [Rung(offset, Tone.KIND) for offset in range(13)]),
        Wanted("Taken", 100, 3, FIRST_LADDER),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(place: Place, wanted: Wanted) -> None:
    place.add(Wanted("Taken", 100, 3, FIRST_LADDER))
    with transaction() as session, pytest.raises(Invalid):
        service.add(session, place.company, wanted, by=SYSTEM)


def test_nothing_of_another_company_is_changed_or_given(place: Place) -> None:
    mine = place.add()
    with transaction() as session:
        other = a_company(session, "other")
        octave = a_debtor(session, other, "411OCTAVE", "Octave")
        other_id, octave_id = other.id, octave.id
    for act in (
        lambda session: service.change(session, other_id, mine, SOFT, by=SYSTEM),
        lambda session: service.make_default(session, other_id, mine, by=SYSTEM),
        lambda session: service.retire(session, other_id, mine, by=SYSTEM),
        lambda session: service.choose(session, place.company, debtor_id=octave_id, scenario_id=None, by=SYSTEM),
        lambda session: service.choose(session, other_id, debtor_id=octave_id, scenario_id=mine, by=SYSTEM),
    ):
        with pytest.raises(NotFound), transaction() as session:
            act(session)


def test_every_change_leaves_an_audit_line_with_before_and_after(place: Place) -> None:
    scenario = place.add()
    place.change(scenario, Rung(7, Tone.KIND))
    place.change(scenario, Rung(7, Tone.KIND))

    lines = [line for line in rows(AuditLine) if line.subject_type == "scenario"]
    assert [line.action for line in lines] == ["scenario.added", "scenario.changed"]
    assert [step["offset_days"] for step in lines[-1].before["steps"]] == [10, 40]
    assert [step["offset_days"] for step in lines[-1].after["steps"]] == [7]


def test_looking_writes_nothing(place: Place) -> None:
    with reading() as session:
        assert queries.policies(session, place.company).default.steps[0].offset_days == -5
    reminders.run(place.company, dry=True)

    assert rows(Scenario) == []
