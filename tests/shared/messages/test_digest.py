"""The weekly digest: once a week, everything once, nothing lost."""

from __future__ import annotations

import pytest

from shared.debtors.models import Debtor
from shared.debtors.service import add_contact
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.messages import digest
from shared.messages.models import Message, MessageStatus
from tests.support.people import SYSTEM, a_company, a_debtor

S = MessageStatus


def body(mail) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_news_waits_and_leaves_on_monday_morning_as_one_message(dora, mail, frozen) -> None:
    dora.hear(1)
    frozen.advance(days=2)
    dora.hear(2)
    perform_due()
    assert digest.run() == 0
    assert mail.mails == []

    frozen.advance(days=4)  # Monday, ten in the morning
    assert digest.run() == 1
    perform_due()

    assert [each["Subject"] for each in mail.mails] == ["Your week at Atelier des Lices"]
    text = body(mail.mails[0])
    assert text.index("PAY-1") < text.index("PAY-2")
    assert "€10.01" in text
    assert "You get this because you paid." not in text, "the foot of each message stays behind"
    assert text.count("/l/") == 1, "one link, not one for each piece of news"
    assert "You asked for one message a week" in text


def test_what_it_told_is_marked_with_it(dora, mail, frozen) -> None:
    dora.hear(1)
    frozen.advance(days=6)
    digest.run()

    told, sent = dora.messages()
    assert (told.status, told.digest_id) == (S.TOLD, sent.id)
    assert told.sent_at == clock.now()


def test_twice_is_one_digest(dora, mail, frozen) -> None:
    dora.hear(1)
    frozen.advance(days=6)
    assert (digest.run(), digest.run()) == (1, 0)
    perform_due()
    assert len(mail.mails) == 1


def test_a_run_killed_in_the_middle_goes_on_where_it_stood(dora, mail, frozen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends between two digests, and in the middle of the second one: nobody hears twice, nobody nothing."""
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        other = add_contact(session, debtor=debtor, email="max@client.example", name="Max", language="en", by=SYSTEM)
        other.wants_digest = True
        other_id = other.id
    dora.hear(1)
    max_ = type(dora)(dora.company_id, dora.debtor_id, other_id)
    max_.hear(2)
    frozen.advance(days=6)
    written, real = [], digest._write

    def dying(*given):
        if written:
            real(*given)  # written, but the transaction never commits
            raise KeyboardInterrupt
        written.append(given)
        return real(*given)

    monkeypatch.setattr(digest, "_write", dying)
    with pytest.raises(KeyboardInterrupt):
        digest.run()
    monkeypatch.undo()

    assert digest.run() == 1
    perform_due()
    assert sorted(str(each["To"]).split("<")[1] for each in mail.mails) == [
        "411dora@client.example>",
        "max@client.example>",
    ]


def test_what_is_gathered_after_the_moment_waits_for_the_next_week(dora, mail, frozen) -> None:
    frozen.advance(days=6)  # Monday, ten: the moment has passed
    dora.hear(1)
    assert digest.run() == 0

    frozen.advance(days=7)
    assert digest.run() == 1


def test_after_an_outage_over_monday_it_leaves_by_day_on_the_next_day(dora, mail, frozen) -> None:
    dora.hear(1)
    frozen.advance(days=6, hours=16)  # two in the night of Tuesday
    assert digest.run() == 0
    frozen.advance(hours=7)
    assert digest.run() == 1


def test_a_person_of_two_accounts_gets_one_digest_for_each(dora, mail, frozen) -> None:
    with transaction() as session:
        first = session.get_one(Debtor, dora.debtor_id)
        second = a_debtor(session, _company(session, first.company_id), "411DEUX", "Dora Deux")
        add_contact(session, debtor=second, email="411dora@client.example", name="Dora", language="en", by=SYSTEM)
        second_id = second.id
    dora.hear(1)
    dora.hear(2, debtor_id=second_id)
    frozen.advance(days=6)

    assert digest.run() == 2


def _company(session, company_id):
    from shared.company.models import Company

    return session.get_one(Company, company_id)


def test_switching_the_digest_off_sends_at_once_what_is_gathered(dora, mail, frozen) -> None:
    dora.hear(1)
    dora.hear(2)
    dora.choose(wants=False)
    perform_due()

    assert len(mail.mails) == 2
    frozen.advance(days=6)
    assert digest.run() == 0
    with reading() as session:
        last = session.query(AuditLine).order_by(AuditLine.id.desc()).first()
        assert last is not None
        assert (last.action, last.after) == ("contact.digest_chosen", {"wants_digest": False})


def test_choosing_what_is_chosen_changes_nothing(dora) -> None:
    with reading() as session:
        before = session.query(AuditLine).count()
    dora.choose(wants=True)
    with reading() as session:
        assert session.query(AuditLine).count() == before


def test_news_gathered_in_the_moment_of_switching_off_is_not_stuck(dora, mail, frozen) -> None:
    dora.hear(1)
    dora.change(wants_digest=False)  # the other transaction had not seen the message yet
    digest.run()
    perform_due()

    assert [each.status for each in dora.messages()] == [S.SENT]


def test_what_asks_something_of_its_reader_never_waits(dora, mail) -> None:
    dora.hear(1, is_news=False)
    perform_due()
    assert len(mail.mails) == 1


def test_for_a_refused_address_news_waits_until_somebody_corrects_it(dora, mail, frozen) -> None:
    dora.hear(1)
    dora.change(bounced_at=clock.now())
    frozen.advance(days=6)
    assert digest.run() == 0

    dora.change(bounced_at=None, email="dora.new@client.example")
    assert digest.run() == 1
    perform_due()
    assert "dora.new@client.example" in mail.mails[0]["To"]


def test_who_no_longer_acts_for_the_account_hears_nothing_of_it(dora, mail, frozen) -> None:
    from shared.debtors.models import DebtorContact

    dora.hear(1)
    with transaction() as session:
        session.query(DebtorContact).update({"removed_at": clock.now()})
    frozen.advance(days=6)

    assert digest.run() == 0
    assert [each.status for each in dora.messages()] == [S.DROPPED]


def test_a_company_elsewhere_has_its_own_monday(dora, mail, frozen) -> None:
    with transaction() as session:
        far = a_company(session, "far", zone="Pacific/Auckland")
        debtor = a_debtor(session, far, "411KIWI", "Kiwi")
        session.flush()
        contact_id = debtor.id and _contact(session, debtor.id)
        far_id, debtor_id = far.id, debtor.id
    kiwi = type(dora)(far_id, debtor_id, contact_id)
    kiwi.change(wants_digest=True)
    kiwi.hear(7)
    frozen.advance(days=5, hours=11)  # Sunday 20:00 UTC is Monday 09:00 there

    assert digest.run() == 1


def _contact(session, debtor_id):
    from shared.debtors.models import DebtorContact

    return session.query(DebtorContact).filter_by(debtor_id=debtor_id).one().contact_id


def test_the_digest_is_written_in_the_readers_language(dora, mail, frozen) -> None:
    dora.change(language="fr")
    dora.hear(1)
    frozen.advance(days=6)
    digest.run()
    perform_due()

    assert mail.mails[0]["Subject"] == "Votre semaine chez Atelier des Lices"
    assert "10,01" in body(mail.mails[0])
    assert {each.language for each in _all()} == {"fr"}


def _all() -> list[Message]:
    with reading() as session:
        return list(session.query(Message))
