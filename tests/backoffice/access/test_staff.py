"""Adding, changing and disabling staff, at the desk and by command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from backoffice.access import queries
from backoffice.access.commands import staff
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.colleagues import colleagues
from shared.debtors.service import searchable
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import use_settings
from shared.messages.models import Message
from tests.support.mailbox import open_mailbox


@pytest.fixture
def mail(settings):
    """A mail server."""
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        yield mailbox
        use_settings(settings)


def test_colleagues_stand_by_name_as_people_sort_them_and_who_has_left_last(ines, desk):
    for name in ("Zoé", "émile", "Œdipe", "Omar", "Etna"):
        desk.add(f"{searchable(name)}@guichet.example", Role.ADMIN, name)
    with transaction() as session:
        session.execute(update(StaffMember).where(StaffMember.name == "Etna").values(disabled_at=clock.now()))

    with reading() as session:
        assert [line.name for line in queries.staff(session)] == [
            "émile", "Inès Morel", "Œdipe", "Omar", "Zoé", "Etna"
        ]  # fmt: skip
        names = [each.name for each in colleagues(session, "debtors.read")]
    assert names == ["émile", "Inès Morel", "Œdipe", "Omar", "Zoé"]


def test_a_new_colleague_chooses_a_password_that_nobody_else_sees(ines, mail):
    form = {"name": "Anne", "email": "Anne@Guichet.example", "role": "accountant", "language": "en"}

    assert ines.post("/staff/new", form).status_code == 303
    perform_due()

    letter = next(each for each in mail.mails if each["To"] and "anne@" in str(each["To"]))
    text = letter.get_body(("plain",)).get_content()
    path = re.search(r"/backoffice(/welcome/[\w-]{43})", text)[1]
    with reading() as session:
        assert all(path not in each.text_body for each in session.scalars(select(Message)))
    anne = ines.other()
    assert anne.sign_in("anne@guichet.example", "").status_code == 422
    assert anne.get(path).status_code == anne.get(path).status_code == 200, "looking uses nothing up"
    weak = anne.post(path, {"new": "anne@guichet.example", "again": "anne@guichet.example"}, page=path)
    assert weak.status_code == 422
    assert "your own name" in weak.text
    chosen = {"new": "quatre vaches sur le toit", "again": "quatre vaches sur le toit"}
    assert anne.post(path, chosen).status_code == 303
    assert anne.get(path).status_code == 404
    assert anne.sign_in("anne@guichet.example", chosen["new"]).status_code == 303
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
    for act in ("password-link", "forget-second-factor", "disable", "enable"):
        ines.post(f"/staff/{charles}/{act}")

    with reading() as session:
        lines = session.scalars(
            select(AuditLine.action).where(AuditLine.subject_id == charles).order_by(AuditLine.id)
        ).all()
    assert lines == [
        "staff.added",
        "staff.password_link_sent",
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

    assert "/backoffice/welcome/" in added["link"]
    assert "password" not in added
    assert listed == [{"email": "anne@guichet.example", "name": "Anne", "role": "agent", "disabled": False}]
    assert gone.exit_code == 0
    assert json.loads(run(staff, ["list", "--json"]).output)[0]["disabled"] is True


def test_no_password_is_a_word_of_a_command_line():
    assert not [option for option in staff.commands["add"].params if option.name == "password"]


def test_no_command_takes_a_secret_that_lasts_from_its_line():
    """A code of a second factor passes once; whatever lasts is typed, mailed or stands in the environment."""
    root = Path(__file__).resolve().parents[3]
    options = [
        name
        for folder in ("shared", "payments", "portal", "backoffice")
        for path in (root / folder).rglob("*.py")
        for name in re.findall(r'click\.(?:option|argument)\(\s*"(-*[\w-]+)"', path.read_text())
    ]

    assert len(options) > 30
    assert [name for name in options if re.search("pass|secret|token|(?<!mon)key", name)] == ["--ask-password"]


def test_a_short_password_is_refused_by_the_command(desk):
    result = CliRunner().invoke(staff, ["add", "anne@guichet.example", "--ask-password"], input="short\nshort\n")

    assert result.exit_code != 0
    assert "No such option" not in result.output
    assert "short" not in result.output.replace("too short", "")
    with reading() as session:
        assert session.scalars(select(StaffMember)).all() == []
