"""Whoever asked to be erased is brought back by nobody unasked: no file, no colleague, no change of address, no merging."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from backoffice.debtors.merge import merge
from backoffice.imports import run
from backoffice.imports.models import ImportRun
from backoffice.imports.sentences import told
from shared.debtors import erased
from shared.debtors.models import Contact, ContactRole, Debtor, DebtorContact, ErasedAddress
from shared.debtors.service import add_contact, change_contact
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid
from shared.kit.words import speaking
from tests.shared.personal.test_erasing import erase
from tests.shared.personal.test_sweep import ONE, _account, settle  # noqa: F401
from tests.support.account import Account
from tests.support.people import SYSTEM, a_debtor

ADDRESS = "411dora@client.example"


@pytest.fixture(name="gone")
def _gone(account: Account) -> Account:
    settle(account)
    erase(account)
    return account


def people() -> dict[str, str]:
    with reading() as session:
        rows = session.execute(
            select(Contact.email, Debtor.account_code)
            .join(DebtorContact, DebtorContact.contact_id == Contact.id)
            .join(Debtor, Debtor.id == DebtorContact.debtor_id)
            .where(DebtorContact.removed_at.is_(None))
        )
        return {row.email: row.account_code for row in rows}


def test_an_erased_address_is_added_with_a_reason_or_not_at_all(gone: Account) -> None:
    with speaking("en"), transaction() as session:
        debtor = session.get_one(Debtor, gone.debtor_id)
        for why in ("", "  "):
            with pytest.raises(erased.AskedToBeErased, match=r"erased on \d+ \w+ \d{4} at its owner’s wish"):
                add_contact(session, debtor=debtor, email=ADDRESS.upper(), why_back=why, by=ONE)
    assert people() == {}

    with transaction() as session:
        debtor = session.get_one(Debtor, gone.debtor_id)
        back = add_contact(session, debtor=debtor, email=ADDRESS, why_back="Dora orders again", by=ONE)
        assert back.id != gone.contact_id

    assert people() == {ADDRESS: "411DORA"}
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "contact.welcomed_back")).one()
        assert line.after["reason"] == "Dora orders again"
        assert line.actor_name == "Nadia"
        assert ADDRESS not in json.dumps(line.after)
        assert session.scalar(select(func.count()).select_from(ErasedAddress)) == 0


def test_nobodys_address_becomes_an_erased_one_without_a_reason(gone: Account) -> None:
    def change(why: str) -> None:
        with transaction() as session:
            debtor = session.get_one(Debtor, gone.debtor_id)
            paul = add_contact(session, debtor=debtor, email="paul@client.example", by=SYSTEM)
            change_contact(
                session,
                debtor=debtor,
                contact_id=paul.id,
                name="Paul",
                email=ADDRESS,
                phone="",
                language="fr",
                role=ContactRole.OWNER,
                is_reminded=True,
                why_back=why,
                by=ONE,
            )

    with pytest.raises(erased.AskedToBeErased):
        change("")
    change("Paul took over the mailbox")

    assert people() == {ADDRESS: "411DORA"}


def test_what_stands_instead_of_an_erased_address_is_no_address(gone: Account) -> None:
    with transaction() as session, pytest.raises(Invalid):
        add_contact(
            session,
            debtor=session.get_one(Debtor, gone.debtor_id),
            email=f"{gone.contact_id}@{erased.DOMAIN}",
            by=ONE,
        )


def test_a_file_brings_nobody_back_and_its_preview_says_so(gone: Account) -> None:
    with transaction() as session:
        session.execute(ErasedAddress.__table__.update().values(erased_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC)))
    table = (
        "Code client;Nom client;Email;Facture;Date;Montant TTC\n"
        f"411DORA;Dora Durand SARL;{ADDRESS};F-9;2026-03-02;10,00\n"
        f"C2;Deux;deux@client.example, {ADDRESS};F-10;2026-03-02;10,00\n"
    ).encode()

    run_id = run.offer(table, company_id=gone.company_id, name="a.csv", by=ONE)
    run.read(run_id)
    with reading() as session:
        forecast = session.get_one(ImportRun, run_id).facts["forecast"]
    assert {row["email"] for row in forecast["contacts"]} == {"deux@client.example"}
    assert forecast["people"] == 1
    done = run.import_file(table, company_id=gone.company_id, name="a.csv", by=ONE)

    assert people() == {"deux@client.example": "C2"}
    remarks = [each for each in done.warnings if each.code == "contact.erased"]
    assert [each.value for each in remarks] == ["411DORA", "C2"]
    with speaking("en"):
        assert told(remarks[0]).startswith("An address of 411DORA was erased on 2 March 2026"), "the company's day"
    assert ADDRESS not in json.dumps([each.as_json() for each in done.warnings])


def test_an_address_that_another_company_erased_is_this_ones_own_affair(gone: Account) -> None:
    with transaction() as session:
        session.execute(ErasedAddress.__table__.update().values(digest=erased.digest(uuid.uuid4(), ADDRESS)))
        add_contact(session, debtor=session.get_one(Debtor, gone.debtor_id), email=ADDRESS, by=ONE)

    assert people() == {ADDRESS: "411DORA"}


def test_two_accounts_made_one_bring_nobody_back(gone: Account) -> None:
    with transaction() as session:
        company_id = gone.company_id
        from shared.company.models import Company

        other = a_debtor(session, session.get_one(Company, company_id), code="411DEUX", name="Deux")
        merge(session, old_id=gone.debtor_id, into_id=other.id, by=ONE)

    assert people() == {"411deux@client.example": "411DEUX"}
