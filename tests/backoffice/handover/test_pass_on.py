"""What belonged to a colleague who has left is told to the others, passed on, or nobody's; nothing is his for ever."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from backoffice.access import service as access
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.handover.pass_on import held, release_departed
from shared.disputes import service as disputes
from shared.disputes.models import Dispute
from shared.invoices.models import Invoice
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from tests.support.people import SYSTEM


def somebody(name: str, role: Role = Role.AGENT) -> uuid.UUID:
    with transaction() as session:
        return access.add_member(
            session, email=f"{name}@guichet.example", name=name, role=role, password_hash="x", language="en", by=SYSTEM
        ).id


@pytest.fixture
def anna(ines, world):
    """Anna looks after a dispute of Dora's."""
    identity = somebody("anna")
    with transaction() as session:
        invoice = session.scalars(
            select(Invoice).where(Invoice.debtor_id == world.dora, Invoice.open_minor > 0)
        ).first()
        dispute = disputes.raise_dispute(
            session,
            debtor_id=world.dora,
            claims=[disputes.Claim(invoice.id)],
            reason_code="price",
            text="No.",
            attempt=str(uuid.uuid4()),
            by=SYSTEM,
        )
        disputes.assign(session, dispute_id=dispute.id, assignee=disputes.Assignee(identity, "anna"), by=SYSTEM)
    return identity


def holder() -> tuple[uuid.UUID | None, str]:
    with reading() as session:
        dispute = session.scalars(select(Dispute)).one()
        return dispute.assignee_id, dispute.assignee_name


def leave(identity: uuid.UUID) -> None:
    with transaction() as session:
        access.disable(session, identity, by=SYSTEM)


def test_what_a_member_looks_after_is_shown_and_passed_on_with_a_line_in_the_trail(ines, world, anna) -> None:
    bruno = somebody("bruno")
    page = ines.get(f"/staff/{anna}/affairs").text
    assert "Disputes" in page
    assert str(bruno) in page

    assert ines.post(f"/staff/{anna}/affairs", {"assignee": str(bruno)}).status_code == 303

    assert holder() == (bruno, "bruno")
    with reading() as session:
        assert held(session, anna) == []
        line = session.scalars(
            select(AuditLine).where(AuditLine.action == "dispute.assigned").order_by(AuditLine.id.desc())
        ).first()
    assert (line.before["assignee"], line.after["assignee"]) == ("anna", "bruno")


def test_nothing_is_passed_on_to_who_may_not_act(ines, world, anna) -> None:
    auditor = somebody("aude", Role.AUDITOR)
    assert ines.post(f"/staff/{anna}/affairs", {"assignee": str(auditor)}).status_code == 404
    assert holder()[0] == anna


def test_what_belongs_to_who_has_left_becomes_nobodys_after_a_time_to_pass_it_on(ines, world, anna, frozen) -> None:
    leave(anna)
    assert release_departed() == 0
    assert holder()[0] == anna

    frozen.advance(minutes=15)
    assert release_departed() == 1
    assert release_departed() == 0

    assert holder() == (None, "")
    assert "Dora Durand SARL" in ines.get("/disputes?state=unassigned").text


def test_a_role_that_lost_the_right_holds_nothing_any_more(ines, world, anna) -> None:
    with transaction() as session:
        session.get_one(StaffMember, anna).role = Role.AUDITOR

    assert release_departed() == 1
    assert holder()[0] is None


def test_who_is_at_work_keeps_what_is_his(ines, world, anna, frozen) -> None:
    frozen.advance(days=3)
    assert release_departed() == 0
    assert holder()[0] == anna
