"""One administrator does not switch four eyes off."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from backoffice.access import service as desk
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.setup import limits
from shared.company.models import Company
from shared.giving import limit
from shared.giving.models import LimitRaise, RaiseState
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.messages.models import Message
from tests.backoffice.setup.test_views import form_of
from tests.security.conftest import Town, sit

LIMIT = 50_000


@pytest.fixture(name="admin")
def _admin(backoffice, town: Town):
    with transaction() as session:
        session.execute(update(Company).values(four_eyes_minor=LIMIT))
        session.execute(delete(LimitRaise))
    return sit(backoffice, town, Role.ADMIN)


def change(client, amount: str):
    return client.post("/setup", data=form_of(client) | {"four_eyes": amount})


def limit_of(town: Town) -> int:
    with reading() as session:
        return session.get_one(Company, town.dora.company_id).four_eyes_minor


def waiting(town: Town) -> LimitRaise | None:
    with reading() as session:
        return limit.waiting(session, town.dora.company_id)


def told() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Message.to_address).where(Message.kind == "staff_alert")))


def a_second_administrator(town: Town, *, made_by: uuid.UUID | None = None) -> uuid.UUID:
    by = Actor.staff(made_by, "admin") if made_by else Actor.system("command line")
    with transaction() as session:
        made = desk.add_member(session, email="second@guichet.example", name="Second", role=Role.ADMIN, by=by)
        session.execute(
            update(StaffMember).where(StaffMember.id == made.id).values(created_at=clock.now() - timedelta(days=9))
        )
    return made.id


def test_a_higher_limit_counts_once_a_second_administrator_agrees(backoffice, town: Town, admin, frozen) -> None:
    second = a_second_administrator(town)

    assert change(admin, "9999999").status_code == 303
    row = waiting(town)
    assert row is not None
    assert (limit_of(town), row.ripe_at) == (LIMIT, None)
    assert told() == {"admin@guichet.example", "second@guichet.example"}
    assert "once a second administrator agrees" in admin.get("/setup").text
    assert admin.post(f"/setup/limit/{row.id}/agree").status_code == 403
    assert sit(backoffice, town, Role.MANAGER).post(f"/setup/limit/{row.id}/agree").status_code == 403
    frozen.advance(days=2)
    limits.ripen()
    assert limit_of(town) == LIMIT, "it does not ripen where somebody can agree"

    town.staff[Role.ADMIN] = second
    assert sit(backoffice, town, Role.ADMIN).post(f"/setup/limit/{row.id}/agree").status_code == 303
    assert limit_of(town) == 999_999_900
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "company.limit_raised")).one()
        assert (line.actor_name, line.before["minor"], line.after["minor"]) == ("Second", LIMIT, 999_999_900)


def test_with_one_administrator_it_waits_a_day_of_which_every_leader_is_told(town: Town, admin, frozen) -> None:
    a_second_administrator(town, made_by=town.staff[Role.ADMIN])  # whom the first one made could not agree

    change(admin, "600")
    assert told() == {"admin@guichet.example", "second@guichet.example", "manager@guichet.example"}
    assert "unless a manager or an administrator declines it" in admin.get("/setup").text
    frozen.advance(hours=23)
    limits.ripen()
    assert limit_of(town) == LIMIT
    frozen.advance(hours=2)
    limits.ripen()

    assert limit_of(town) == 60_000
    assert waiting(town) is None
    limits.ripen()
    assert limit_of(town) == 60_000


def test_a_manager_stops_it_in_its_waiting_time(backoffice, town: Town, admin, frozen) -> None:
    change(admin, "600")
    row = waiting(town)
    assert change(admin, "700").status_code == 422, "one at a time"

    assert sit(backoffice, town, Role.ACCOUNTANT).post(f"/setup/limit/{row.id}/decline").status_code == 403
    assert sit(backoffice, town, Role.MANAGER).post(f"/setup/limit/{row.id}/decline").status_code == 303
    frozen.advance(days=2)
    limits.ripen()

    assert limit_of(town) == LIMIT
    with reading() as session:
        assert session.scalars(select(LimitRaise.state)).all() == [RaiseState.DECLINED]


def test_a_lower_limit_counts_at_once_and_ends_a_wish_for_a_higher_one(town: Town, admin) -> None:
    change(admin, "600")
    change(admin, "100")

    assert limit_of(town) == 10_000
    assert waiting(town) is None
