"""Adding, changing and disabling staff, at the desk and by command."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner
from sqlalchemy import select

from backoffice.access.commands import staff
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from shared.kit.audit import AuditLine
from shared.kit.db import reading


def test_a_new_colleague_gets_a_password_that_is_shown_once(ines):
    form = {"name": "Anne", "email": "Anne@Guichet.example", "role": "accountant", "language": "fr"}

    page = ines.post("/staff/new", form)

    password = re.search(r'value="([a-z0-9]{5}(?:-[a-z0-9]{5}){3})"', page.text)[1]
    anne = ines.other()
    assert anne.sign_in("anne@guichet.example", password).status_code == 303
    assert anne.get("/staff/new").status_code == 403


def test_a_known_address_is_refused_beside_its_field(ines):
    form = {"name": "Anne", "email": "ines@guichet.example", "role": "agent", "language": "fr"}

    page = ines.post("/staff/new", form)

    assert page.status_code == 422
    assert "already a member of staff" in page.text


def test_another_role_ends_the_sessions(ines):
    charles = ines.add("charles@guichet.example", Role.MANAGER)
    elsewhere = ines.other()
    elsewhere.sign_in("charles@guichet.example")

    ines.post(f"/staff/{charles}", {"name": "Charles", "role": "auditor"})

    assert elsewhere.get("/debtors").status_code == 303


def test_a_disabled_colleague_is_out_at_once(ines):
    charles = ines.add("charles@guichet.example", Role.MANAGER)
    elsewhere = ines.other()
    elsewhere.sign_in("charles@guichet.example")

    ines.post(f"/staff/{charles}/disable")

    assert elsewhere.get("/debtors").status_code == 303
    assert elsewhere.sign_in("charles@guichet.example").status_code == 422
    ines.post(f"/staff/{charles}/enable")
    assert elsewhere.sign_in("charles@guichet.example").status_code == 303


def test_the_last_administrator_stays(ines):
    with reading() as session:
        me = session.scalars(select(StaffMember.id)).one()

    assert ines.post(f"/staff/{me}/disable").status_code == 409
    assert ines.post(f"/staff/{me}", {"name": "Inès", "role": "agent"}).status_code == 409


def test_every_act_on_staff_leaves_a_line(ines):
    charles = ines.add("charles@guichet.example", Role.MANAGER)
    for act in ("new-password", "forget-second-factor", "disable", "enable"):
        ines.post(f"/staff/{charles}/{act}")

    with reading() as session:
        lines = session.scalars(
            select(AuditLine.action).where(AuditLine.subject_id == charles).order_by(AuditLine.id)
        ).all()
    assert lines == [
        "staff.added",
        "staff.password_changed",
        "staff.second_factor_reset",
        "staff.disabled",
        "staff.enabled",
    ]


def test_the_command_adds_lists_and_disables(desk):
    run = CliRunner().invoke

    added = json.loads(
        run(staff, ["add", "anne@guichet.example", "--name", "Anne", "--role", "agent", "--json"]).output
    )
    listed = json.loads(run(staff, ["list", "--json"]).output)
    gone = run(staff, ["disable", "anne@guichet.example"], standalone_mode=False, catch_exceptions=True)

    assert len(added["password"]) == 23
    assert listed == [{"email": "anne@guichet.example", "name": "Anne", "role": "agent", "disabled": False}]
    assert gone.exit_code == 0
    assert json.loads(run(staff, ["list", "--json"]).output)[0]["disabled"] is True


def test_a_short_password_is_refused_by_the_command(desk):
    result = CliRunner().invoke(staff, ["add", "anne@guichet.example", "--password", "short"])

    assert result.exit_code != 0
    with reading() as session:
        assert session.scalars(select(StaffMember)).all() == []
