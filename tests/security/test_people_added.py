"""An agent who makes himself a debtor's owner can look and pay, is seen by those who are there, and gets no further."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from backoffice.access.permissions import Role
from shared.access.models import PortalSession
from shared.debtors.models import Contact, DebtorContact
from shared.kit.db import reading, transaction
from shared.messages.models import Message
from tests.security.conftest import Account, Town, sit, visit
from tests.security.people import another_account

OWN = "agent@guichet.example"


def add_oneself(backoffice, town: Town, email: str = OWN, role: str = "owner") -> Account:
    form = {"email": email, "name": "", "language": "en", "role": role, "is_reminded": "y"}
    answer = sit(backoffice, town, Role.AGENT).post(f"/debtors/{town.dora.debtor_id}/people/new", data=form)
    assert answer.status_code == 303
    with reading() as session:
        contact = session.scalars(select(Contact).where(Contact.email == email)).one()
    return Account("agent", town.dora.company_id, town.dora.debtor_id, contact.id, "", email, dict(town.dora.ids))


def told(kind: str = "people_changed") -> list[tuple[str, str]]:
    with reading() as session:
        rows = session.execute(select(Message.to_address, Message.text_body).where(Message.kind == kind))
        return [(row.to_address, row.text_body) for row in rows]


def test_whom_staff_add_sees_and_pays_but_cancels_no_mandate(backoffice, portal, town: Town, frozen) -> None:
    agent = add_oneself(backoffice, town)
    client = visit(portal, agent, tier=2)

    assert client.get("/invoices").status_code == 200
    refused = client.post(f"/mandate/{town.dora.ids['mandate_id']}/cancel")
    assert refused.status_code == 403
    assert "opens to you" in refused.text
    assert client.post("/code/send").status_code == 403, "no code is sent either"

    frozen.advance(hours=73)
    late = visit(portal, agent, tier=2)
    assert late.get("/access").status_code == 200


def test_those_who_are_there_are_told(backoffice, town: Town) -> None:
    add_oneself(backoffice, town)

    [(address, text)] = told()
    assert address == town.dora.email
    assert OWN in text


def test_adding_somebody_needs_a_fresh_proof(backoffice, town: Town, frozen) -> None:
    client = sit(backoffice, town, Role.AGENT)
    frozen.advance(minutes=16)

    for path in ("new", str(town.dora.contact_id), f"{town.dora.contact_id}/remove"):
        answer = client.post(f"/debtors/{town.dora.debtor_id}/people/{path}", data={})
        assert answer.headers["Location"].startswith("/confirm"), path


def test_a_holder_agrees_to_the_new_one(backoffice, portal, town: Town) -> None:
    agent = add_oneself(backoffice, town)
    assert visit(portal, agent, tier=2).post(f"/access/people/{agent.contact_id}/agree").status_code == 403

    dora = visit(portal, town.dora, tier=2)
    assert "Added by our staff" in dora.get("/access").text
    assert dora.post(f"/access/people/{agent.contact_id}/agree").status_code == 303

    assert visit(portal, agent, tier=2).get("/access").status_code == 200


def test_a_manager_agrees_and_not_the_agent_himself(backoffice, town: Town) -> None:
    agent = add_oneself(backoffice, town)
    path = f"/debtors/{town.dora.debtor_id}/people/{agent.contact_id}/agree"

    assert sit(backoffice, town, Role.AGENT).post(path).status_code == 403
    assert sit(backoffice, town, Role.MANAGER).post(path).status_code == 303
    with reading() as session:
        link = session.scalars(select(DebtorContact).where(DebtorContact.contact_id == agent.contact_id)).one()
        assert link.trusted_from is None


def test_a_manager_does_not_agree_to_whom_he_added(backoffice, town: Town) -> None:
    form = {"email": OWN, "name": "", "language": "en", "role": "owner", "is_reminded": "y"}
    manager = sit(backoffice, town, Role.MANAGER)
    manager.post(f"/debtors/{town.dora.debtor_id}/people/new", data=form)
    with reading() as session:
        contact = session.scalars(select(Contact.id).where(Contact.email == OWN)).one()

    assert manager.post(f"/debtors/{town.dora.debtor_id}/people/{contact}/agree").status_code == 403


def test_an_address_that_staff_change_is_a_new_person(backoffice, portal, town: Town) -> None:
    form = {"email": OWN, "name": "Dora", "language": "en", "role": "owner", "is_reminded": "y"}
    sit(backoffice, town, Role.AGENT).post(f"/debtors/{town.dora.debtor_id}/people/{town.dora.contact_id}", data=form)

    [(address, text)] = told()
    assert address == town.dora.email, "at the old address"
    assert OWN in text
    assert visit(portal, town.dora, tier=2).get("/access").status_code == 403


def test_proof_for_one_account_does_not_open_one_into_which_staff_put_oneself(backoffice, portal, town: Town) -> None:
    both = another_account(town.dora)
    with transaction() as session:
        link = session.scalars(select(DebtorContact).where(DebtorContact.debtor_id == both.ids["debtor_id"])).all()
        for each in link:
            each.trusted_from = each.created_at + timedelta(hours=72)
    client = visit(portal, town.dora, tier=2)

    client.post(f"/accounts/{both.ids['debtor_id']}")

    with reading() as session:
        row = session.scalars(
            select(PortalSession).order_by(PortalSession.created_at.desc(), PortalSession.id.desc())
        ).first()
        assert row is not None
        assert row.debtor_id == both.ids["debtor_id"]
    assert client.get("/access").status_code == 403
