"""What does not leave, at the desk: addresses that take nothing, messages nobody knows of, a mail server that is away."""

from __future__ import annotations

import re

from sqlalchemy import select, update

from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.mailer import Stage
from shared.messages import outage, service
from shared.messages.models import Message, MessageStatus

ANSWER = "550 5.1.1 <x> no such user"


def refused(company_id) -> list[str]:
    with transaction() as session:
        session.execute(update(Contact).values(bounced_at=clock.now(), bounce_answer=ANSWER))
        return [
            str(each)
            for each in session.scalars(select(Contact.id).where(Contact.company_id == company_id).order_by(Contact.id))
        ]


def test_addresses_that_refuse_are_listed_with_what_the_server_said_and_tried_again_together(ines, world):
    people = refused(world.company)
    page = ines.get("/messages/unreachable").text
    assert "550 5.1.1 &lt;x&gt; no such user" in page
    assert "/messages/unreachable" in ines.get("/").text
    assert "411dora@client.example" in ines.get("/messages/unreachable?q=dora").text
    assert "411dora@client.example" not in ines.get("/messages/unreachable?q=octave").text

    assert ines.post("/messages/unreachable", {"id": people}).status_code == 303

    with reading() as session:
        left = session.scalars(select(Contact.company_id).where(Contact.bounced_at.is_not(None))).all()
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "contact.tried_again")).all()
    assert world.company not in left
    assert {str(line.subject_id) for line in lines} == set(people)
    assert lines[0].before["answer"] == ANSWER
    assert "Every address takes messages" in ines.get("/messages/unreachable").text


def test_nothing_ticked_lifts_nothing(ines, world):
    refused(world.company)
    ines.post("/messages/unreachable", {})
    with reading() as session:
        assert session.scalars(select(Contact.id).where(Contact.bounced_at.is_(None))).all() == []


def test_uncertain_messages_are_decided_together(ines, world):
    with transaction() as session:
        ids = [
            service.write(
                session, kind="link", debtor_id=world.dora, reason="r", dedupe_key=f"k{n}", at_most_once=True
            )[0]
            for n in range(3)
        ]
        session.execute(update(Message).values(status=MessageStatus.UNCERTAIN))
    page = ines.get("/messages?state=uncertain").text
    assert re.search(r'name="act" value="again"|value="again"', page)

    ines.post("/messages", {"id": [str(ids[0])], "act": "again"})
    ines.post("/messages", {"id": [str(ids[1]), str(ids[0])], "act": "leave"})

    with reading() as session:
        found = [session.get_one(Message, each).status for each in ids]
    assert found == [MessageStatus.WAITING, MessageStatus.DROPPED, MessageStatus.UNCERTAIN]
    assert "somebody decided not to send it again" in ines.get(f"/messages/{ids[1]}").text


def test_a_mail_server_that_takes_nothing_is_said_at_the_desk_with_its_words(ines, world, frozen):
    with transaction() as session:
        outage.goes_on(session, stage=Stage.DATA, answer="554 quota exceeded", is_certain=True)
    frozen.advance(minutes=6)

    assert "554 quota exceeded" in ines.get("/messages").text
    assert "The mail server takes no messages" in ines.get("/").text


def test_the_address_of_another_company_is_nobodys_here(ines, world):
    ours = refused(world.company)
    with reading() as session:
        other = session.scalars(select(Contact.id).where(Contact.company_id != world.company)).first()
    assert other is not None

    assert ines.post("/messages/unreachable", {"id": [ours[0], str(other)]}).status_code == 404
    assert "550 5.1.1" in ines.get("/messages/unreachable").text


def test_an_act_that_could_tell_nobody_says_so(ines, world):
    """It said that the debtor is told although nothing was written."""
    from shared.disputes import service as disputes
    from shared.invoices.models import Invoice
    from tests.support.people import SYSTEM

    refused(world.company)
    with transaction() as session:
        invoice = session.scalars(
            select(Invoice).where(Invoice.debtor_id == world.dora, Invoice.open_minor > 0)
        ).first()
        assert invoice is not None
        dispute = disputes.raise_dispute(
            session,
            debtor_id=world.dora,
            claims=[disputes.Claim(invoice.id)],
            reason_code="price",
            text="No.",
            attempt="00000000-0000-0000-0000-000000000001",
            by=SYSTEM,
        )

    ines.post(f"/disputes/{dispute.id}/say", {"text": "We look into it."})

    assert "No message was written to Dora Durand SARL" in ines.get("/").text


def test_a_message_that_an_address_since_corrected_refused_is_not_said_to_have_failed_for_another_reason(ines, world):
    with transaction() as session:
        [message] = service.write(session, kind="link", debtor_id=world.dora, reason="r", dedupe_key="one")
        row = session.get_one(Message, message)
        row.status, row.error = MessageStatus.REFUSED, ANSWER

    page = ines.get("/").text

    assert "Messages that could not leave" in page
    assert "for another reason" not in page
    assert "read why, and send again what may leave now" in page
