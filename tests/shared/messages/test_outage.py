"""Refusals of a real mail server: whose address is marked, what waits, what stops, and how it goes on."""

from __future__ import annotations

import uuid
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import func, select, text

from shared.access.models import MagicLink
from shared.debtors.models import Contact
from shared.debtors.service import add_contact
from shared.kit.db import reading, transaction
from shared.kit.mailer import Stage
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import use_settings
from shared.messages import outage
from shared.messages.deliver import next_start_at, send_what_waits
from shared.messages.models import MailOutage, Message, MessageStatus
from shared.messages.service import send_again
from tests.support.mailbox import Mailbox
from tests.support.people import SYSTEM

OURS = [
    ("answer_to_recipient", "554 5.7.1 Relay access denied"),
    ("answer_to_recipient", "550 blocked using zen.spamhaus.org"),
    ("answer_to_recipient", "450 4.7.1 rate limit exceeded"),
    ("answer_to_sender", "550 we do not know you"),
    ("answer_to_sender", "451 not now"),
    ("answer_after_data", "554 sending quota exceeded"),
    ("answer_after_data", "550 5.7.26 unauthenticated mail is prohibited by DMARC"),
    ("answer_after_data", "451 4.3.0 queue file write error"),
]


def statuses() -> list[MessageStatus]:
    with reading() as session:
        return list(session.scalars(select(Message.status).order_by(Message.id)))


def marked() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Contact.email).where(Contact.bounced_at.is_not(None))))


def outages() -> list[MailOutage]:
    with reading() as session:
        return list(session.scalars(select(MailOutage).order_by(MailOutage.id)))


def count(what) -> int:
    with reading() as session:
        return session.scalar(select(func.count(what.id))) or 0


@pytest.mark.parametrize(("where", "answer"), OURS)
def test_a_refusal_of_the_relay_marks_nobody_stops_the_row_and_a_probe_goes_on(
    dora, mail, frozen, where, answer
) -> None:
    letters = dora.letters(30)
    setattr(mail, where, answer)

    for _ in range(3):
        send_what_waits()

    assert marked() == []
    assert statuses() == [MessageStatus.WAITING] * 30
    (lasts,) = outages()
    assert lasts.is_certain
    assert lasts.ended_at is None
    assert answer[:3] in lasts.answer
    with reading() as session:
        assert session.scalars(select(Message.try_at).distinct()).all() == [None]
    assert count(MagicLink) == 0, "links of what did not leave are taken back"

    setattr(mail, where, "250 OK")
    send_what_waits()
    assert mail.mails == [], "not before the probe"
    frozen.advance(minutes=5)
    send_what_waits()

    assert sorted(each["Message-ID"] for each in mail.mails) == sorted(f"<{each}@guichet.example>" for each in letters)
    assert statuses() == [MessageStatus.SENT] * 30
    assert outages()[0].ended_at is not None
    assert count(MagicLink) == 30


def test_a_mailbox_that_is_not_there_is_marked_and_the_others_are_written_to(dora, mail) -> None:
    dora.letters(5)
    mail.answers["p2@client.example"] = "550 5.1.1 no such user"

    send_what_waits()

    assert marked() == ["p2@client.example"]
    assert statuses().count(MessageStatus.SENT) == 4
    assert statuses()[2] is MessageStatus.REFUSED
    assert outages() == []


def test_a_bare_refusal_marks_when_it_is_said_again_on_another_day(dora, mail, frozen) -> None:
    dora.letters(1)
    mail.answers["p0@client.example"] = "550 no such mailbox"

    send_what_waits()
    assert marked() == []
    assert statuses() == [MessageStatus.WAITING]
    frozen.advance(hours=12)
    send_what_waits()
    assert len(statuses()) == 1
    assert marked() == []
    frozen.advance(hours=12)
    send_what_waits()

    assert marked() == ["p0@client.example"]
    assert statuses() == [MessageStatus.REFUSED]


def test_a_mailbox_that_is_full_is_tried_again_and_holds_nobody_up(dora, mail, frozen) -> None:
    dora.letters(4)
    mail.answers["p0@client.example"] = "452 4.2.2 mailbox full"

    send_what_waits()
    assert statuses() == [MessageStatus.WAITING] + [MessageStatus.SENT] * 3
    mail.answers.clear()
    send_what_waits()
    assert statuses()[0] is MessageStatus.WAITING
    frozen.advance(minutes=5)
    send_what_waits()

    assert statuses() == [MessageStatus.SENT] * 4
    assert (marked(), outages()) == ([], [])


def test_one_message_that_is_refused_as_it_is_does_not_stop_the_others(dora, mail, frozen) -> None:
    dora.letters(30)
    mail.data_answers["p3@client.example"] = "554 5.7.1 message content rejected"

    send_what_waits()

    assert statuses().count(MessageStatus.SENT) == 29
    assert statuses()[3] is MessageStatus.WAITING
    assert [each.is_certain for each in outages()] == [False]
    assert outages()[0].ended_at is not None
    for _ in range(40):
        frozen.advance(hours=3)
        send_what_waits()
    assert statuses()[3] is MessageStatus.REFUSED
    assert marked() == []


def test_a_message_too_large_is_refused_and_nobody_is_marked(dora, mail) -> None:
    dora.letters(3)
    mail.data_answers["p1@client.example"] = "552 5.3.4 message size exceeds limit"

    send_what_waits()

    assert statuses() == [MessageStatus.SENT, MessageStatus.REFUSED, MessageStatus.SENT]
    assert (marked(), outages()) == ([], [])


def test_a_relay_that_has_lost_its_directory_marks_nobody(dora, mail, frozen) -> None:
    dora.letters(30)
    mail.answer_to_recipient = "550 5.1.1 user unknown"

    send_what_waits()

    assert marked() == []
    assert statuses() == [MessageStatus.WAITING] * 30
    assert outages()[0].is_certain
    mail.answer_to_recipient = "250 OK"
    frozen.advance(minutes=1)
    send_what_waits()
    assert statuses() == [MessageStatus.SENT] * 30


def test_a_mail_server_away_for_33_hours_loses_nothing_and_what_waits_leaves_at_once(
    dora, mail, frozen, settings
) -> None:
    letters = dora.letters(30)
    use_settings(settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1", "mail_sender": "g@guichet.example"}))
    for _ in range(33 * 6):
        perform_due()
        frozen.advance(minutes=10)
    (lasts,) = outages()
    assert lasts.is_certain
    assert statuses() == [MessageStatus.WAITING] * 30

    use_settings(settings.model_copy(update={"smtp_url": mail.url, "mail_sender": "g@guichet.example"}))
    perform_due()

    assert [each["Message-ID"] for each in mail.mails] == [f"<{identity}@guichet.example>" for identity in letters]
    assert outages()[0].ended_at is not None
    assert next_start_at() is None


def test_what_became_untrue_while_the_server_was_away_is_dropped_with_its_reason(dora, mail, frozen) -> None:
    first, second = dora.letters(2)
    with transaction() as session:
        session.get_one(Message, first).until_at = frozen.now() + timedelta(hours=1)
    frozen.advance(hours=2)

    send_what_waits()

    assert statuses() == [MessageStatus.DROPPED, MessageStatus.SENT]
    with reading() as session:
        assert session.get_one(Message, first).error == "its time has passed"
    assert len(mail.mails) == 1
    assert second


def test_who_no_longer_acts_for_the_account_gets_nothing_and_a_corrected_address_gets_what_waits(dora, mail) -> None:
    from shared.debtors.service import remove_contact

    first, second = dora.letters(2)
    with transaction() as session:
        gone, stays = (session.get_one(Message, each).contact_id for each in (first, second))
        remove_contact(session, debtor_id=dora.debtor_id, contact_id=gone, by=SYSTEM)
        session.get_one(Contact, stays).email = "better@client.example"

    send_what_waits()

    assert [each["To"].addresses[0].addr_spec for each in mail.mails] == ["better@client.example"]
    assert statuses() == [MessageStatus.DROPPED, MessageStatus.SENT]


def test_a_message_that_arrives_clears_the_mark_and_so_does_an_address_saved_anew(dora, mail) -> None:
    (identity,) = dora.letters(1)
    mail.answers["p0@client.example"] = "550 5.1.1 no such user"
    send_what_waits()
    assert marked() == ["p0@client.example"]

    mail.answers.clear()
    with transaction() as session:
        send_again(session, identity, by=SYSTEM)
    send_what_waits()
    assert marked() == []

    dora.change(bounced_at=dora_now())
    assert len(marked()) == 1
    with transaction() as session:
        contact = session.get_one(Contact, dora.contact_id)
        debtor = session.get_one(_debtor(), dora.debtor_id)
        add_contact(session, debtor=debtor, email=contact.email, by=SYSTEM)
    assert marked() == []


def dora_now():
    from shared.kit import clock

    return clock.now()


def _debtor():
    from shared.debtors.models import Debtor

    return Debtor


def test_what_cannot_be_written_is_refused_at_once_and_the_others_leave(dora, mail) -> None:
    """One unvalidated setting stopped all mail of a company."""
    from shared.company.models import Company

    first, second, third = dora.letters(3)
    with transaction() as session:
        session.get_one(Company, dora.company_id).email = "Compta <compta@client.example>"
        contact_id = session.get_one(Message, first).contact_id
        session.get_one(Contact, contact_id).email = "not an address"
        session.get_one(Message, second).attachments = [
            {"name": "x.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}
        ]

    send_what_waits()

    assert statuses() == [MessageStatus.REFUSED, MessageStatus.REFUSED, MessageStatus.SENT]
    assert marked() == ["not an address"]
    assert mail.mails[0]["Reply-To"] is None
    assert mail.mails[0]["Content-Language"] == "en"
    assert third


def test_words_of_others_never_become_a_link(dora, mail) -> None:
    """PERSONAL-LINK in a text became a live token in the writer's own address."""
    with transaction() as session:
        from shared.messages import service

        service.write(
            session,
            kind="invitation",
            debtor_id=dora.debtor_id,
            contact_ids=[dora.contact_id],
            reason="a test",
            facts={"inviter": "PERSONAL-LINK ONE-TIME-CODE"},
            link=_invitation(),
            dedupe_key="hostile",
        )

    send_what_waits()

    text = mail.mails[0].get_body(("plain",)).get_content()
    assert "PERSONAL-LINK ONE-TIME-CODE" in text
    assert text.count("/l/") == 1
    with reading() as session:
        kept = session.scalars(select(Message)).one()
    assert kept.marker
    assert kept.marker in kept.text_body
    assert kept.marker not in text


def _invitation():
    from shared.access.models import LinkPurpose

    return LinkPurpose.INVITATION


def test_a_domain_with_accents_is_written_to(dora, mail: Mailbox) -> None:
    with transaction() as session:
        debtor = session.get_one(_debtor(), dora.debtor_id)
        add_contact(session, debtor=debtor, email="compta@Société.fr", by=SYSTEM)
        contact = session.scalars(select(Contact).where(Contact.email == "compta@société.fr")).one()
    dora.contact_id = contact.id
    dora.hear(1, is_news=False)

    send_what_waits()

    assert mail.mails[0]["To"].addresses[0].addr_spec == "compta@xn--socit-esab.fr"
    assert uuid.UUID(mail.mails[0]["Message-ID"][1:37])


def test_two_processes_that_meet_a_silent_server_at_once_begin_one_outage(dora) -> None:
    def begin(answer: str) -> None:
        with transaction() as session:
            outage.goes_on(session, stage=Stage.CONNECTION, answer=answer, is_certain=True)

    with transaction() as session:
        outage.goes_on(session, stage=Stage.CONNECTION, answer="first", is_certain=False)
        session.flush()
        other = Thread(target=begin, args=("second",))
        other.start()
        for _ in range(200):
            waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if session.scalar(waits):
                break
            other.join(0.02)
    other.join()

    assert [(each.answer, each.is_certain, each.probes) for each in outages()] == [("second", True, 1)]
