"""More people and things around an account, each made when a test asks for it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from payments import service as payments
from payments.models import Means, Provider
from payments.service import PaymentDraft
from shared.access import service as access
from shared.access.models import PortalSession
from shared.company.models import Company
from shared.debtors.models import ContactRole, Debtor, DebtorContact
from shared.debtors.service import add_contact, lock_debtor
from shared.invoices.models import Invoice
from shared.kit.db import transaction
from shared.ledger.rules import Part
from tests.security.conftest import Account, a_link
from tests.support.people import SYSTEM, a_debtor


def colleague(account: Account, email: str = "colleague@client.example") -> Account:
    """The account, with the id of another person who acts for it."""
    with transaction() as session:
        made = add_contact(session, debtor=session.get_one(Debtor, account.debtor_id), email=email, by=SYSTEM)
        return replace(account, ids=account.ids | {"contact_id": made.id})


def member(account: Account, email: str = "member@client.example") -> Account:
    """The account as another person has it who may see and pay, but not decide who else may."""
    with transaction() as session:
        made = add_contact(
            session,
            debtor=session.get_one(Debtor, account.debtor_id),
            email=email,
            role=ContactRole.MEMBER,
            language="en",
            by=SYSTEM,
        )
        session.flush()
        made_id = made.id
    return replace(account, contact_id=made_id)


def link_and_session(account: Account) -> Account:
    """The account, with the ids of a link of its own and of a session that came by it."""
    with transaction() as session:
        opened = access.redeem(session, token=a_link(session, account), address="192.0.2.9", user_agent="Safari")
        assert opened is not None
        row = session.get_one(PortalSession, opened.session_id)
        return replace(account, ids=account.ids | {"link_id": row.link_id, "session_id": row.id})


def in_flight(account: Account) -> Account:
    """The account, with the id of a card payment that is under way."""
    with transaction() as session:
        late = session.scalars(select(Invoice).where(Invoice.debtor_id == account.debtor_id)).first()
        assert late is not None
        draft = PaymentDraft(
            attempt=f"flight-{account.debtor_id}",
            means=Means.CARD,
            provider=Provider.STRIPE,
            parts=[Part(late.id, 1_000)],
            contact_id=account.contact_id,
        )
        made = payments.start(session, lock_debtor(session, account.debtor_id), draft, by=SYSTEM)
        return replace(account, ids=account.ids | {"payment_id": made.id})


def another_account(account: Account) -> Account:
    """The account, with the id of a second one of the same person and company."""
    with transaction() as session:
        company = session.get_one(Company, account.company_id)
        code = "411SECOND"
        second = session.scalar(select(Debtor).where(Debtor.account_code == code))
        if second is None:
            second = a_debtor(session, company, code, "Dora Durand Nord")
            add_contact(session, debtor=second, email=account.email, by=SYSTEM)
        session.flush()
        assert session.scalar(select(DebtorContact.id).where(DebtorContact.debtor_id == second.id).limit(1))
        return replace(account, ids=account.ids | {"debtor_id": second.id})
