"""A wish to be erased is confirmed, answered within a month with a ground, and the last word leaves before the address goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from shared.company.models import Company
from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import speaking
from shared.messages import erasures, jobs
from shared.messages.models import Message, MessageStatus
from shared.personal import sweep
from shared.personal.labels import GROUNDS, TOLD
from shared.personal.models import ErasureGround, ErasureRequest, ErasureState
from tests.shared.personal.test_sweep import CLOCK, ONE, _account, settle  # noqa: F401
from tests.support.account import Account
from tests.support.mailbox import Mailbox

JOBS = jobs  # importing it makes its jobs known
ADDRESS = "411dora@client.example"


def ask(account: Account, **more: object) -> bool:
    with transaction() as session:
        return erasures.ask(session, account.contact_id, company_id=account.company_id, by=account.dora, **more)


def decline(account: Account, ground: ErasureGround = ErasureGround.CLAIMS, answer: str = "") -> bool:
    with transaction() as session:
        return erasures.decline(
            session, account.contact_id, company_id=account.company_id, ground=ground, answer=answer, by=ONE
        )


def erase(account: Account) -> bool:
    with transaction() as session:
        return erasures.erase(session, account.contact_id, company_id=account.company_id, by=ONE)[1]


def mails() -> list[Message]:
    with reading() as session:
        found = session.scalars(select(Message).where(Message.kind.startswith("erasure_")).order_by(Message.id))
        return list(found)


def language(account: Account, code: str) -> None:
    with transaction() as session:
        session.get_one(Contact, account.contact_id).language = code


def test_a_wish_is_confirmed_once_with_the_day_of_the_answer(account: Account) -> None:
    assert ask(account)
    assert ask(account)

    (mail,) = mails()
    assert mail.to_address == ADDRESS
    assert mail.language == "fr"
    assert mail.subject == "Vous avez demandé à Atelier des Lices d’effacer vos données"
    with reading() as session, speaking("fr"):
        from shared.kit import templating

        assert templating.day(session.scalars(select(ErasureRequest.due_on)).one()) in mail.text_body


def test_a_letter_counts_from_its_own_day_and_nobody_asks_tomorrow(account: Account) -> None:
    today = clock.today()
    with pytest.raises(Invalid):
        ask(account, on=today + timedelta(days=1))
    ask(account, on=today - timedelta(days=12))

    with reading() as session:
        assert session.scalars(select(ErasureRequest.due_on)).one() == today + timedelta(days=18)


@pytest.mark.parametrize("ground", ErasureGround)
@pytest.mark.parametrize("spoken", ["fr", "en"])
def test_a_no_says_its_ground_and_where_to_complain_in_the_readers_language(
    account: Account, ground: ErasureGround, spoken: str
) -> None:
    language(account, spoken)
    ask(account)
    assert decline(account, ground, "Le litige n'est pas clos.\n\nRevenez en juin.")

    mail = mails()[-1]
    words = " ".join(mail.text_body.split())
    with speaking(spoken):
        assert str(TOLD[ground]) in words
        assert str(GROUNDS[ground])
    assert "Revenez en juin." in words
    assert "CNIL (cnil.fr/plaintes)" in words
    with reading() as session:
        wish = session.scalars(select(ErasureRequest)).one()
        assert (wish.state, wish.ground, wish.decided_by) == (ErasureState.DECLINED, ground, "Nadia")
        line = session.scalars(select(AuditLine).where(AuditLine.action == "contact.erasure_declined")).one()
        assert line.after["ground"] == ground.value
    with pytest.raises(Conflict):
        decline(account)


@pytest.mark.parametrize(("country", "words"), [("BE", "autoriteprotectiondonnees.be"), ("SE", "edpb.europa.eu")])
def test_whoever_owes_a_company_abroad_complains_there(account: Account, country: str, words: str) -> None:
    with transaction() as session:
        session.get_one(Company, account.company_id).country = country
    ask(account)
    decline(account)

    assert words in mails()[-1].text_body
    assert "CNIL" not in mails()[-1].text_body


def test_after_a_no_one_may_ask_again(account: Account) -> None:
    ask(account)
    decline(account)
    account.clock.advance(days=1)
    ask(account)

    assert [mail.kind for mail in mails()] == ["erasure_asked", "erasure_declined", "erasure_asked"]


def test_the_last_word_leaves_and_then_the_address_is_nowhere(account: Account, mail: Mailbox) -> None:
    settle(account)
    ask(account)
    account.work()

    assert erase(account)
    account.work()

    last = mail.mails[-1]
    assert last["To"].addresses[0].addr_spec == ADDRESS
    assert "effacées" in last["Subject"]
    words = " ".join(last.get_body(("plain",)).get_content().split())
    assert "L123-22" in words, "what stays, and why"
    assert mails()[-1].status is MessageStatus.SENT
    with reading() as session:
        contact = session.get_one(Contact, account.contact_id)
        assert contact.bounced_at is not None, "a mail that arrives revives nobody who was erased"

    account.clock.advance(days=2)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        tables = session.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        holding = {
            name
            for name in tables
            if session.execute(text(f"SELECT 1 FROM \"{name}\" t WHERE t::text ILIKE '%{ADDRESS}%' LIMIT 1")).first()
        }
    assert holding <= {"audit_line"}
    assert mails()[-1].text_sha256


def test_a_last_word_that_could_not_leave_yet_is_not_emptied(account: Account) -> None:
    settle(account)
    assert erase(account)
    account.clock.advance(days=9)
    sweep.sweep(by=CLOCK)

    assert mails()[-1].to_address == ADDRESS


def test_whoever_stays_for_an_account_reads_that_and_why(account: Account) -> None:
    assert erase(account)

    (mail,) = mails()
    assert mail.contact_id == account.contact_id
    assert mail.subject == "Une partie de vos données chez Atelier des Lices est effacée"
    assert "RGPD, art. 17.3.b" in " ".join(mail.text_body.split())


def test_nobody_is_said_to_be_told_whose_address_was_refused(account: Account) -> None:
    with transaction() as session:
        session.get_one(Contact, account.contact_id).bounced_at = clock.now()

    assert not ask(account)
    assert not decline(account)
    settle(account)
    assert not erase(account)
    assert mails() == []
