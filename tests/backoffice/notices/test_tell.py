"""Staff hear of what concerns them, once, as they wish."""

from __future__ import annotations

from sqlalchemy import select, update

from backoffice.access import service as access
from backoffice.access.permissions import Role
from backoffice.notices import digest
from backoffice.notices.models import Delivery, Scope, StaffNotice
from backoffice.notices.rules import MAILS_AN_HOUR
from shared.kit import jobs
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.outbox.relay import perform_due
from tests.support.people import SYSTEM


def test_what_nobody_has_taken_is_told_to_all_who_may_act_and_to_nobody_else(office, mail) -> None:
    office.happen("dispute.raised")

    assert office.notices() == [("anna", "dispute.raised"), ("bruno", "dispute.raised")]
    assert sorted(str(each["To"]) for each in mail.mails) == [
        "anna <anna@guichet.example>",
        "bruno <bruno@guichet.example>",
    ]
    assert mail.mails[0]["Subject"] == "Dora Durand SARL disputes an invoice"


def test_what_is_assigned_is_told_to_its_member_and_to_those_who_want_all(office, mail) -> None:
    office.add("max")
    office.wish("max", Delivery.NONE, Scope.ALL)
    office.happen("dispute.said", to="anna")

    assert office.notices() == [("anna", "dispute.said"), ("max", "dispute.said")]
    assert [str(each["To"]) for each in mail.mails] == ["anna <anna@guichet.example>"]


def test_nobody_hears_of_his_own_act(office, mail) -> None:
    office.happen("dispute.assigned", by="staff", to="anna", doer="anna")
    assert office.notices() == []

    office.happen("dispute.assigned", by="staff", to="anna", doer="bruno")
    assert office.notices() == [("anna", "dispute.assigned")]
    assert mail.mails[0]["Subject"] == "A dispute of Dora Durand SARL is yours now"


def test_the_mail_speaks_the_members_language_and_leads_to_the_back_office(office, mail) -> None:
    office.add("zoe", Role.MANAGER, "fr")
    office.happen("plan.asked", to="zoe")

    (letter,) = mail.mails
    assert letter["Subject"] == "Dora Durand SARL demande un échéancier\u00a0: à vous de décider"
    text = letter.get_body(("plain",)).get_content()
    with reading() as session:
        notice = session.scalars(select(StaffNotice)).one()
    assert f"http://guichet.test/backoffice/notices/{notice.id}" in text
    assert "/backoffice/me/notices" in text


def test_a_job_that_is_performed_again_tells_nobody_twice(office, mail) -> None:
    office.happen("dispute.raised")
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.job == "notices.tell")
            .values(state=MessageState.WAITING, locked_until=None)
        )
    perform_due()

    assert len(office.notices()) == 2
    assert len(mail.mails) == 2


def test_the_same_topic_of_the_same_affair_is_told_each_time_it_happens(office, mail) -> None:
    subject = office.happen("dispute.said", to="anna")
    office.happen("dispute.said", to="anna", subject=subject)

    assert len(mail.mails) == 2


def test_every_topic_reaches_the_job(office, mail) -> None:
    from backoffice.notices.rules import TOPICS

    office.add("max", Role.MANAGER)
    for topic in TOPICS:
        assert "notices.tell" in jobs.subscribers(topic)
        office.happen(topic, to="max")

    assert {topic for _name, topic in office.notices()} == set(TOPICS)


def test_who_has_left_gets_nothing(office, mail) -> None:
    with transaction() as session:
        access.disable(session, office.people["anna"], by=SYSTEM)
    office.happen("dispute.raised")

    assert office.notices() == [("bruno", "dispute.raised")]


def test_a_storm_of_events_does_not_become_a_storm_of_mails(office, mail, frozen) -> None:
    for _ in range(MAILS_AN_HOUR + 5):
        office.happen("dispute.said", to="anna")

    assert len(mail.mails) == MAILS_AN_HOUR
    frozen.advance(days=1)
    digest.run()
    perform_due()
    assert mail.mails[-1]["Subject"] == "5 pieces of news at Atelier des Lices"


def test_the_digest_comes_once_on_the_next_working_morning(office, mail, frozen) -> None:
    office.wish("anna", Delivery.DAILY, Scope.MINE)
    office.happen("dispute.raised", to="anna")
    office.happen("promise.broken", by="clock", to="anna")
    assert digest.run() == 0, "the morning has passed"

    frozen.advance(hours=20)  # five in the morning
    assert digest.run() == 0
    frozen.advance(hours=4)
    assert (digest.run(), digest.run()) == (1, 0)
    perform_due()

    (letter,) = mail.mails
    text = letter.get_body(("plain",)).get_content()
    assert letter["Subject"] == "2 pieces of news at Atelier des Lices"
    assert text.index("Disputes") < text.index("Dora Durand SARL disputes an invoice") < text.index("Promises")


def test_no_digest_on_a_sunday_or_a_holiday(office, mail, frozen) -> None:
    office.wish("anna", Delivery.DAILY)
    frozen.advance(days=3)  # Friday
    office.happen("dispute.raised", to="anna")
    frozen.advance(days=1)
    assert digest.run() == 0
    frozen.advance(days=2)
    assert digest.run() == 1


def test_a_digest_run_killed_in_the_middle_goes_on(office, mail, frozen, monkeypatch) -> None:
    import pytest

    for name in ("anna", "bruno"):
        office.wish(name, Delivery.DAILY)
    office.happen("dispute.raised")
    frozen.advance(days=1)
    real, seen = digest._mail, []

    def dying(*given):
        seen.append(real(*given))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return seen[-1]

    monkeypatch.setattr(digest, "_mail", dying)
    with pytest.raises(KeyboardInterrupt):
        digest.run()
    monkeypatch.undo()

    assert digest.run() == 1
    perform_due()
    assert len(mail.mails) == 2


def test_who_left_before_the_morning_gets_no_digest(office, mail, frozen) -> None:
    office.wish("anna", Delivery.DAILY)
    office.happen("dispute.raised", to="anna")
    with transaction() as session:
        access.disable(session, office.people["anna"], by=SYSTEM)
    frozen.advance(days=1)

    assert digest.run() == 0
    with reading() as session:
        assert session.scalars(select(StaffNotice.delivery)).one() is Delivery.NONE


def test_choosing_no_mail_also_holds_for_what_waits(office, mail, frozen) -> None:
    office.wish("anna", Delivery.DAILY)
    office.happen("dispute.raised", to="anna")
    office.happen("promise.made", to="anna")
    office.wish("anna", Delivery.NONE)
    frozen.advance(days=1)
    digest.run()
    perform_due()

    (letter,) = mail.mails
    assert letter["Subject"] == "1 piece of news at Atelier des Lices"


def test_long_digests_are_cut_and_say_so(office, mail, frozen) -> None:
    office.wish("anna", Delivery.DAILY)
    for _ in range(digest.LISTED + 3):
        office.happen("dispute.said", to="anna")
    frozen.advance(days=1)
    digest.run()
    perform_due()

    text = mail.mails[0].get_body(("plain",)).get_content()
    assert text.count("wrote to you about a dispute") == digest.LISTED
    assert "And 3 more in the list." in text


def test_what_belongs_to_a_colleague_who_has_left_is_told_to_the_others(office, mail) -> None:
    """The debtor answered, and nobody heard of it."""
    with transaction() as session:
        access.disable(session, office.people["anna"], by=SYSTEM)
    office.happen("dispute.said", to="anna")
    assert office.notices() == [("bruno", "dispute.said")]

    office.happen("dispute.said", to="aude")
    assert office.notices()[1:] == [("bruno", "dispute.said")], "nor does it stay with a role that lost the right"
