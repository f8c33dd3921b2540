"""Personal data at the desk: what is held, the yes of two people, another period, and one person's data."""

from __future__ import annotations

import io
import json
import uuid
import zipfile

import pytest
from sqlalchemy import select

from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from shared.debtors.models import Contact, DebtorContact
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.messages.models import Message
from shared.personal import erase as erasure
from shared.personal import queries
from shared.personal.models import ErasureRequest, RetentionRelease, RetentionTerm


def contact_of(debtor_id: uuid.UUID) -> uuid.UUID:
    with reading() as session:
        return session.scalars(select(DebtorContact.contact_id).where(DebtorContact.debtor_id == debtor_id)).one()


def test_the_page_says_what_is_held_why_how_long_and_what_waits(ines, world):
    shown = ines.get("/setup/personal").text

    assert "Messages to consumers" in shown
    assert "Consumer Code L218-2" in shown
    assert "24 months, from the day of the message" in shown
    assert "Only security traces are removed so far." in shown
    assert "None yet: the first is made within a day." in shown


def test_one_person_asks_another_agrees_and_whoever_came_later_does_not(ines, world, frozen):
    with reading() as session:
        ines_id = session.scalars(select(StaffMember.id)).one()
    paul, late = ines.other(), ines.other()
    ines.add("paul@guichet.example", Role.MANAGER, "Paul")
    paul.sign_in("paul@guichet.example")
    frozen.advance(minutes=1)
    assert ines.post("/setup/personal/releases").status_code == 303
    with reading() as session:
        release = session.scalars(select(RetentionRelease)).one()
        assert release.asked_by_id == ines_id
    agree = f"/setup/personal/releases/{release.id}/approve"
    assert "The first removal waits for a second person" in ines.get("/setup/personal").text
    assert agree not in ines.get("/setup/personal").text
    assert ines.post(agree).status_code == 403
    frozen.advance(minutes=1)
    ines.add("late@guichet.example", Role.ADMIN, "Late")
    late.sign_in("late@guichet.example")
    assert late.post(agree).status_code == 403
    with reading() as session:
        assert queries.released(session, world.company) == set()

    assert "A second person has to agree" in paul.get("/").text
    assert agree in paul.get("/setup/personal").text
    assert paul.post(agree).status_code == 303
    with reading() as session:
        assert "messages_business" in queries.released(session, world.company)
    assert "Only security traces are removed so far." not in ines.get("/setup/personal").text


def test_another_period_is_taken_within_the_law_and_every_administrator_hears_of_it(ines, world):
    wrong = ines.post("/setup/personal/terms", {"kind": "contacts", "length": "61", "from_on": "10/03/2026"})
    assert wrong.status_code == 422
    assert "between 12 and 60 months" in wrong.text
    assert (
        ines.post("/setup/personal/terms", {"kind": "codes", "length": "9", "from_on": "10/03/2026"}).status_code == 422
    )
    right = ines.post("/setup/personal/terms", {"kind": "contacts", "length": "24", "from_on": "12/03/2026"})

    assert right.status_code == 303
    assert "24 months from 12 March 2026" in " ".join(ines.get("/setup/personal").text.split())
    with reading() as session:
        assert session.scalars(select(RetentionTerm.length)).all() == [24]
        message = session.scalars(select(Message)).one()
        assert message.kind == "staff_alert"
        assert "kept for 24 months, from 12 March 2026 on" in " ".join(message.text_body.split())


def test_one_persons_data_is_shown_and_handed_out_and_that_is_written_down(ines, world):
    contact_id = contact_of(world.dora)

    shown = ines.get(f"/people/{contact_id}/data").text
    assert "411dora@client.example" in shown
    assert "Name and address would stay." in shown
    answer = ines.get(f"/people/{contact_id}/data.zip")

    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:  # in the person's own language, whoever takes it
        assert archive.namelist() == ["donnees-sur-vous.html", "donnees-sur-vous.json"]
        assert json.loads(archive.read("donnees-sur-vous.json"))["about"]["address"] == "411dora@client.example"
        assert "Données sur vous chez" in archive.read("donnees-sur-vous.html").decode()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "contact.exported")).one()
        assert line.subject_id == contact_id


def test_another_companys_person_is_not_found(ines, world):
    contact_id = contact_of(world.foreign_debtor)

    assert ines.get(f"/people/{contact_id}/data").status_code == 404
    assert ines.get(f"/people/{contact_id}/data.zip").status_code == 404
    assert ines.post(f"/people/{contact_id}/data/erase").status_code == 404
    with reading() as session:
        assert session.get_one(Contact, contact_id).name


@pytest.mark.usefixtures("world")
def test_a_wish_to_be_erased_is_todays_work_and_ends_with_the_erasure(ines, world):
    contact_id = contact_of(world.dora)
    with transaction() as session:
        erasure.ask(session, contact_id, company_id=world.company, by=Actor.contact(contact_id, "Dora"))

    assert "People who want to be erased" in ines.get("/").text
    assert f"/people/{contact_id}/data" in ines.get("/setup/personal").text
    assert "The law wants an answer by 9 April 2026." in ines.get(f"/people/{contact_id}/data").text
    answer = ines.post(f"/people/{contact_id}/data/erase")

    assert answer.status_code == 303
    assert "an account still needs this person" in ines.get("/setup/personal").text
    assert "People who want to be erased" not in ines.get("/").text


def wish_of(contact_id: uuid.UUID) -> ErasureRequest:
    with reading() as session:
        return session.scalars(
            select(ErasureRequest).where(ErasureRequest.contact_id == contact_id).order_by(ErasureRequest.id.desc())
        ).first()


def told() -> list[str]:
    with reading() as session:
        return list(
            session.scalars(select(Message.kind).where(Message.kind.startswith("erasure_")).order_by(Message.id))
        )


def test_a_wish_that_came_by_letter_is_late_a_month_after_its_own_day_and_is_declined_on_a_ground(ines, world, frozen):
    contact_id = contact_of(world.dora)
    page = f"/people/{contact_id}/data"
    late = ines.post(f"/people/{contact_id}/data/wishes", {"on": "11/03/2026"})
    assert late.status_code == 422
    assert "still to come" in late.text

    ines.post(f"/people/{contact_id}/data/wishes", {"on": "01/03/2026"})
    assert "The wish is written down. The person is told by mail." in ines.get(page).text
    assert "This person asked to be erased on 1 March 2026" in ines.get(page).text
    assert "The law wants an answer by 31 March 2026." in ines.get(page).text
    frozen.advance(days=22)
    ines.sign_in()
    assert "The answer is late: the law wanted it by 31 March 2026." in ines.get(page).text
    assert "1 day late" in ines.get("/setup/personal").text

    bare = ines.post(f"/people/{contact_id}/data/decline", {"answer": "x"})
    assert bare.status_code == 422
    assert "Choose a ground." in bare.text
    ines.post(f"/people/{contact_id}/data/decline", {"ground": "claims", "answer": "The hearing is in June."})

    assert "The wish is declined. The person is told why by mail." in ines.get("/setup/personal").text
    shown = ines.get(page).text
    assert "GDPR art. 17.3.e" in shown
    assert "The hearing is in June." in shown
    assert told() == ["erasure_asked", "erasure_declined"]
    assert wish_of(contact_id).decided_by == "Inès Morel"
    assert ines.post(f"/people/{contact_id}/data/decline", {"ground": "law"}).status_code == 409


def test_nobody_is_said_to_be_told_when_no_message_can_be_sent(ines, world):
    contact_id = contact_of(world.dora)
    with transaction() as session:
        session.get_one(Contact, contact_id).bounced_at = clock.now()

    for path, form in (("wishes", {"on": "10/03/2026"}), ("decline", {"ground": "law"}), ("erase", {})):
        ines.post(f"/people/{contact_id}/data/{path}", form)
        shown = ines.get("/setup/personal").text
        assert "Please tell them another way." in shown, path
        assert "is told" not in shown, path
    assert told() == []
