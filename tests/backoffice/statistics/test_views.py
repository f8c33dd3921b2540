from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from backoffice.statistics.views import duration
from shared.disputes import service as disputes
from shared.disputes.models import DisputePart
from shared.disputes.service import Claim, CreditWish
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction

INES = Actor.staff(uuid.uuid4(), "Inès Morel")


def contest(world, invoice_id: uuid.UUID, debtor_id: uuid.UUID, minor: int, attempt: str) -> uuid.UUID:
    with transaction() as session:
        return disputes.raise_dispute(
            session,
            debtor_id=debtor_id,
            claims=[Claim(invoice_id, minor=minor)],
            reason_code="price",
            text="Too dear.",
            attempt=attempt,
            by=INES,
        ).id


@pytest.fixture
def year(world, desk, frozen) -> None:
    """One dispute credited after two days, one still open, one of another company."""
    first = contest(world, world.late, world.dora, 3_000, "1")
    contest(world, world.coming, world.dora, 2_000, "2")
    contest(world, world.foreign_invoice, world.foreign_debtor, 4_999, "3")
    frozen.advance(hours=48)
    with reading() as session:
        part = session.scalars(select(DisputePart.id).where(DisputePart.dispute_id == first)).one()
    with transaction() as session:
        from decimal import Decimal

        disputes.accept(
            session,
            dispute_id=first,
            credit=CreditWish(minors={part: 3_000}, vat_rate=Decimal("20.00")),
            text="",
            by=INES,
        )


def figure(text: str, label: str) -> str:
    found = re.search(rf'<span class="stats-label">{label}</span>\s*<span\s+class="stats-value[^"]*">([^<]*)', text)
    assert found, label
    return found[1]


def test_the_page_says_how_the_house_does(year, ines) -> None:
    text = ines.get("/quality?days=90").text

    assert figure(text, "Claim rate") == "100\N{NO-BREAK SPACE}%"
    assert figure(text, "Raised") == "2"
    assert figure(text, "Frozen now") == "€20.00"
    assert figure(text, "Half are answered within") == "2 days"
    assert figure(text, "Credited") == "€30.00"
    assert figure(text, "Kept promises") == "–"
    assert figure(text, "Plan default rate") == "–"
    assert "The price or the quantity is wrong" in text
    assert "49.99" not in text


@pytest.mark.parametrize("days", ["30", "90", "365", "7", "nonsense", ""])
def test_every_period_has_a_page(ines, world, days: str) -> None:
    answer = ines.get(f"/quality?days={days}")

    assert answer.status_code == 200
    assert answer.text.count('aria-current="true"') == 1


def test_an_empty_house_has_figures_too(ines, world) -> None:
    text = ines.get("/quality").text

    assert figure(text, "Raised") == "0"
    assert figure(text, "Half are answered within") == "–"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_figures_are_a_file_as_well(year, ines, form: str) -> None:
    answer = ines.get(f"/quality.{form}?days=30")

    assert answer.status_code == 200
    assert f"quality-2026-03-12.{form}" in answer.headers["Content-Disposition"]
    if form == "csv":
        assert "Claim rate" in answer.text


def test_an_agent_does_not_see_it(desk, world) -> None:
    desk.add("agent@guichet.example", Role.AGENT)
    desk.sign_in("agent@guichet.example")

    assert desk.get("/quality").status_code == 403
    assert "/quality" not in desk.get("/").text


@pytest.mark.parametrize(
    ("hours", "said"),
    [(None, "–"), (0.4, "less than an hour"), (1.0, "1 hour"), (47.4, "47 hours"), (48.0, "2 days"), (80.0, "3 days")],
)
def test_a_time_is_said_in_hours_then_in_days(hours: float | None, said: str) -> None:
    assert duration(hours) == said
