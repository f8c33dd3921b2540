"""Editing scenarios at the desk."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from backoffice.reminders.models import Scenario, ScenarioChoice
from backoffice.reminders.scenarios import queries
from shared.kit.db import reading
from tests.backoffice.conftest import World


def scenarios() -> list[Scenario]:
    with reading() as session:
        return list(session.scalars(select(Scenario).order_by(Scenario.id)))


def ladder(**rows: str) -> dict[str, object]:
    """A form: name, limits, and steps given as step0="3 after kind"."""
    form: dict[str, object] = {"name": "Soft", "minimum": "5.00", "quiet_days": "4"}
    for key, text in rows.items():
        number = key.removeprefix("step")
        days, side, tone = text.split()
        form |= {
            f"steps-{number}-days": days,
            f"steps-{number}-side": side,
            f"steps-{number}-tone": tone,
            f"steps-{number}-catch_up": "3",
        }
    return form


def test_the_first_ladder_is_shown_before_it_is_made_and_looking_makes_nothing(ines, world: World) -> None:
    page = ines.get("/reminders/scenarios").text
    assert "The first ladder" in page
    assert "15 days after" in page
    ines.get("/reminders/try-out")
    assert scenarios() == []

    assert ines.post("/reminders/scenarios").status_code == 303
    assert [each.is_default for each in scenarios()] == [True]


def test_a_scenario_is_written_given_to_a_debtor_previewed_and_edited(ines, world: World) -> None:
    answer = ines.post(
        "/reminders/scenarios/new", ladder(step0="7 before kind", step1="10 after kind", step2="40 after firm")
    )
    assert answer.status_code == 303
    soft = next(each for each in scenarios() if each.name == "Soft")

    page = ines.get(f"/reminders/debtors/{world.dora}").text
    assert "Soft" in page
    assert ines.post(f"/reminders/debtors/{world.dora}", {"scenario": str(soft.id)}).status_code == 303
    with reading() as session:
        assert session.scalars(select(ScenarioChoice.scenario_id)).one() == soft.id

    preview = ines.get(f"/reminders/scenarios/{soft.id}/preview?in=fr").text
    assert "7 days before" in preview
    assert "Vidal" in preview
    assert "un mois" in preview or "IBAN" in preview
    assert ines.get(f"/reminders/scenarios/{soft.id}/preview?in=xx").status_code == 404

    page = ines.get(f"/reminders/scenarios/{soft.id}").text
    assert "Dora Durand SARL" in page
    assert re.search(r'name="steps-1-days"[^>]*value="10"', page)
    ines.post(f"/reminders/scenarios/{soft.id}", ladder(step0="12 after clear") | {"name": "Softer"})
    with reading() as session:
        row = queries.scenario(session, world.company, soft.id, "EUR")
    assert (row.name, [step.offset_days for step in row.steps], row.minimum.minor) == ("Softer", [12], 500)


def test_the_debtors_page_leads_there(ines, world: World) -> None:
    assert f"/reminders/debtors/{world.dora}" in ines.get(f"/debtors/{world.dora}").text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (ladder(), "between 1 and 12"),
        (ladder(step0="3 after kind", step1="3 after firm"), "fall on the same day"),
        (ladder(step0="x after kind"), ""),
        (ladder(step0="3 after kind") | {"name": ""}, "This is needed."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_lost(ines, world: World, form, said) -> None:
    answer = ines.post("/reminders/scenarios/new", form)

    assert answer.status_code == 422
    assert said in answer.text
    assert [each.name for each in scenarios() if each.name == "Soft"] == []


def test_default_and_retire(ines, world: World) -> None:
    ines.post("/reminders/scenarios/new", ladder(step0="10 after kind"))
    first, soft = scenarios()
    assert ines.post(f"/reminders/scenarios/{first.id}/retire").status_code == 409
    ines.post(f"/reminders/scenarios/{soft.id}/default")
    assert ines.post(f"/reminders/scenarios/{first.id}/retire").status_code == 303

    assert [each.name for each in scenarios() if each.retired_at is None] == ["Soft"]


def test_a_scenario_that_is_not_there_is_not_found(ines, world: World) -> None:
    assert ines.get(f"/reminders/scenarios/{uuid.uuid4()}").status_code == 404
    assert ines.get(f"/reminders/debtors/{world.foreign_debtor}").status_code == 404
    assert ines.post(f"/reminders/debtors/{world.dora}", {"scenario": "rubbish"}).status_code == 404


def test_an_agent_reads_and_does_not_edit(desk, world: World) -> None:
    desk.add("agent@guichet.example", Role.AGENT)
    desk.sign_in("agent@guichet.example")

    page = desk.get("/reminders/scenarios").text
    assert "New scenario" not in page
    assert desk.get("/reminders/scenarios/new").status_code == 403
    assert desk.post("/reminders/scenarios").status_code == 403
    assert desk.get(f"/reminders/debtors/{world.dora}").status_code == 403
