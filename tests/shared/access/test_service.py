"""Links, codes and sessions: what opens an account, for how long, and what closes it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.access import queries, service
from shared.access.models import LinkPurpose, MagicLink, OneTimeCode, PortalSession
from shared.access.service import CodeCheck
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import add_contact, remove_contact
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import transaction
from shared.kit.errors import NotFound
from shared.kit.settings import Settings
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

BY = Actor.contact(uuid.UUID(int=7), "Dora")


class Account:
    """A debtor, its contact, a link."""

    def __init__(self, session: Session, code: str = "411DORA") -> None:
        debtor = a_debtor(session, a_company(session, code.lower()), code)
        contact = session.scalars(select(Contact).where(Contact.company_id == debtor.company_id)).one()
        self.debtor_id, self.contact_id = debtor.id, contact.id
        self.token = self.new_link(session)

    def new_link(self, session: Session) -> str:
        return service.make_link(
            session, debtor_id=self.debtor_id, contact_id=self.contact_id, purpose=LinkPurpose.REMINDER
        )


@pytest.fixture
def dora(database: object, frozen: clock.FrozenClock, settings: Settings) -> Account:
    with transaction() as session:
        return Account(session)


@pytest.fixture
def session(dora: Account) -> Iterator[Session]:
    with transaction() as session:
        yield session


def open_(session: Session, token: str) -> service.Opened:
    opened = service.redeem(session, token=token, address="192.0.2.1", user_agent="Firefox")
    assert opened is not None
    return opened


def test_a_link_opens_any_number_of_sessions_and_each_is_counted(session: Session, dora: Account) -> None:
    opened = [open_(session, dora.token) for _ in range(20)]

    assert len({one.token for one in opened}) == 20
    assert session.scalars(select(MagicLink)).one().use_count == 20
    assert all(queries.find_visitor(session, one.token) for one in opened)


def test_neither_tokens_nor_codes_are_stored(session: Session, dora: Account) -> None:
    opened = open_(session, dora.token)
    code = service.make_code(session, session_id=opened.session_id)
    session.flush()

    link, row, sent = (session.scalars(select(model)).one() for model in (MagicLink, PortalSession, OneTimeCode))
    assert dora.token.encode() not in link.token_hash
    assert opened.token.encode() not in row.token_hash
    assert code.encode() not in sent.code_hash
    assert len(link.token_hash) == len(row.token_hash) == len(sent.code_hash) == 32


@pytest.mark.parametrize("fate", ["over", "revoked", "removed", "wrong"])
def test_a_link_that_is_over_revoked_or_orphaned_opens_nothing(
    session: Session, dora: Account, frozen: clock.FrozenClock, fate: str
) -> None:
    token = dora.token
    if fate == "over":
        frozen.advance(days=45)
    elif fate == "revoked":
        service.revoke_links(session, debtor_id=dora.debtor_id, by=SYSTEM)
    elif fate == "removed":
        remove_contact(session, debtor_id=dora.debtor_id, contact_id=dora.contact_id, by=SYSTEM)
    else:
        token = token[:-1] + ("A" if token[-1] != "A" else "B")

    assert service.redeem(session, token=token, address="", user_agent="") is None
    assert queries.find_landing(session, token) is None


def test_a_session_idles_out_after_half_an_hour_and_ends_after_twelve(
    session: Session, dora: Account, frozen: clock.FrozenClock
) -> None:
    opened = open_(session, dora.token)

    for _ in range(24):
        frozen.advance(minutes=29)
        if queries.find_visitor(session, opened.token) is None:
            break
        service.touch(session, session_id=opened.session_id, is_verified=False)
    assert clock.now() - session.scalars(select(PortalSession.created_at)).one() == timedelta(minutes=29 * 24)
    frozen.advance(minutes=29)
    assert queries.find_visitor(session, opened.token) is None, "twelve hours are the end, however busy"

    other = open_(session, dora.token)
    frozen.advance(minutes=30)
    assert queries.find_visitor(session, other.token) is None, "half an hour without use is the end"


def test_the_second_tier_idles_out_before_the_session_does(
    session: Session, dora: Account, frozen: clock.FrozenClock
) -> None:
    opened = open_(session, dora.token)
    code = service.make_code(session, session_id=opened.session_id)
    assert service.check_code(session, session_id=opened.session_id, code=code, by=BY) is CodeCheck.RIGHT
    session.flush()
    assert queries.find_visitor(session, opened.token).tier == 2  # type: ignore[union-attr]

    frozen.advance(minutes=15)

    assert queries.find_visitor(session, opened.token).tier == 1  # type: ignore[union-attr]


def test_a_code_works_once_and_only_in_the_session_that_asked(session: Session, dora: Account) -> None:
    mine, other = open_(session, dora.token), open_(session, dora.token)
    code = service.make_code(session, session_id=mine.session_id)

    assert service.check_code(session, session_id=other.session_id, code=code, by=BY) is CodeCheck.SPENT
    assert service.check_code(session, session_id=mine.session_id, code=code, by=BY) is CodeCheck.RIGHT
    assert service.check_code(session, session_id=mine.session_id, code=code, by=BY) is CodeCheck.SPENT


def test_five_wrong_tries_spend_a_code_even_for_who_knows_it(session: Session, dora: Account) -> None:
    mine = open_(session, dora.token)
    code = service.make_code(session, session_id=mine.session_id)
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    answers = [service.check_code(session, session_id=mine.session_id, code=wrong, by=BY) for _ in range(5)]

    assert answers == [CodeCheck.WRONG] * 4 + [CodeCheck.SPENT]
    assert service.check_code(session, session_id=mine.session_id, code=code, by=BY) is CodeCheck.SPENT


def test_a_code_lives_ten_minutes_and_a_newer_one_replaces_it(
    session: Session, dora: Account, frozen: clock.FrozenClock
) -> None:
    mine = open_(session, dora.token)
    first = service.make_code(session, session_id=mine.session_id)
    frozen.advance(seconds=1)
    second = service.make_code(session, session_id=mine.session_id)

    assert service.check_code(session, session_id=mine.session_id, code=first, by=BY) is CodeCheck.WRONG
    frozen.advance(minutes=10)
    assert service.check_code(session, session_id=mine.session_id, code=second, by=BY) is CodeCheck.SPENT


def test_revoking_one_link_ends_its_sessions_and_leaves_the_others(session: Session, dora: Account) -> None:
    second = dora.new_link(session)
    mine, other = open_(session, dora.token), open_(session, second)
    link_id = session.scalars(select(PortalSession.link_id).where(PortalSession.id == mine.session_id)).one()

    assert service.revoke_links(session, debtor_id=dora.debtor_id, link_id=link_id, by=BY) == 1

    assert queries.find_visitor(session, mine.token) is None
    assert queries.find_visitor(session, other.token) is not None
    assert [line.action for line in session.scalars(select(AuditLine))][-1] == "link.revoked"


def test_revoking_all_ends_also_sessions_that_came_over_from_another_account(session: Session, dora: Account) -> None:
    debtor = session.get_one(Debtor, dora.debtor_id)
    second = a_debtor(session, session.get_one(Company, debtor.company_id), "411SECOND")
    add_contact(session, debtor=second, email="411dora@client.example", by=SYSTEM)
    opened = service.switch(session, session_id=open_(session, dora.token).session_id, debtor_id=second.id)
    session.flush()
    assert queries.find_visitor(session, opened.token).debtor_id == second.id  # type: ignore[union-attr]

    service.revoke_links(session, debtor_id=second.id, by=BY)

    assert queries.find_visitor(session, opened.token) is None


def test_nobody_goes_over_to_an_account_that_is_not_theirs(session: Session, dora: Account) -> None:
    stranger = Account(session, "411OTHER")
    opened = open_(session, dora.token)

    with pytest.raises(NotFound):
        service.switch(session, session_id=opened.session_id, debtor_id=stranger.debtor_id)


def test_a_removed_contact_is_out_at_once(session: Session, dora: Account) -> None:
    opened = open_(session, dora.token)

    remove_contact(session, debtor_id=dora.debtor_id, contact_id=dora.contact_id, by=SYSTEM)
    session.flush()

    assert queries.find_visitor(session, opened.token) is None


def test_an_address_finds_one_account_of_each_company_the_one_that_owes_most(session: Session, dora: Account) -> None:
    debtor = session.get_one(Debtor, dora.debtor_id)
    company = session.get_one(Company, debtor.company_id)
    second = a_debtor(session, company, "411SECOND")
    add_contact(session, debtor=second, email="411dora@client.example", by=SYSTEM)
    an_invoice(session, second, "FA-9")
    session.flush()

    assert queries.find_contacts(session, "411dora@client.example") == [(dora.contact_id, second.id)]
    assert queries.find_contacts(session, "nobody@client.example") == []
