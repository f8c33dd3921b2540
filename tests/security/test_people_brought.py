"""Whom a file or a merge brings to an account is as unknown there as whom staff add; a first import works at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from backoffice.debtors.merge import merge
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import add_contact, lock_debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.messages.models import Message
from tests.backoffice.imports.conftest import Desk
from tests.backoffice.imports.conftest import desk as desk  # noqa: PLC0414 - a fixture
from tests.support.people import SYSTEM

HEAD = "Code client;Facture;Date;Échéance;Montant TTC;Reste dû;Email\n"
ZOE = Actor.staff(new_id(), "Zoé")


def lines(*rows: tuple[str, str, str]) -> str:
    return HEAD + "".join(
        f"{code};{number};2026-01-05;2026-02-04;100,00;100,00;{email}\n" for code, number, email in rows
    )


def trust(desk: Desk) -> dict[tuple[str, str], bool]:
    """Account and person: whether that person may do all that the role allows."""
    with reading() as session:
        rows = session.execute(
            select(Debtor.account_code, Contact.email, DebtorContact.trusted_from)
            .join(DebtorContact, DebtorContact.debtor_id == Debtor.id)
            .join(Contact, Contact.id == DebtorContact.contact_id)
            .where(Debtor.company_id == desk.company.id, DebtorContact.removed_at.is_(None))
        )
        return {(code, email): since is None or since <= clock.now() for code, email, since in rows}


def told() -> dict[str, str]:
    with reading() as session:
        rows = session.execute(select(Message.to_address, Message.text_body).where(Message.kind == "people_changed"))
        return {row.to_address: row.text_body for row in rows}


def test_the_people_of_a_first_import_are_trusted_at_once(desk) -> None:
    desk.take(lines(("C1", "F1", "dora@client.example"), ("C2", "F2", "")))
    desk.take(lines(("C1", "F1", ""), ("C2", "F2", "bruno@client.example")))

    assert trust(desk) == {("C1", "dora@client.example"): True, ("C2", "bruno@client.example"): True}
    assert told() == {}


def test_whom_a_file_brings_to_an_account_of_others_waits_and_those_are_told(desk, frozen) -> None:
    desk.take(lines(("C1", "F1", "dora@client.example")))
    desk.take(lines(("C1", "F1", "thief@elsewhere.example")))

    assert trust(desk) == {("C1", "dora@client.example"): True, ("C1", "thief@elsewhere.example"): False}
    assert list(told()) == ["dora@client.example"]
    assert "thief@elsewhere.example" in told()["dora@client.example"]
    frozen.advance(hours=73)
    assert trust(desk)["C1", "thief@elsewhere.example"]


def test_a_removed_holder_leaves_no_open_door_for_a_file(desk) -> None:
    desk.take(lines(("C1", "F1", "dora@client.example")))
    with transaction() as session:
        for link in session.scalars(select(DebtorContact)):
            link.removed_at = clock.now()
    desk.take(lines(("C1", "F1", "thief@elsewhere.example")))

    assert trust(desk) == {("C1", "thief@elsewhere.example"): False}


def test_two_accounts_made_one_lend_no_rights_to_each_others_people(desk) -> None:
    desk.take(lines(("C1", "F1", "dora@client.example"), ("C2", "F2", "thief@elsewhere.example")))
    with transaction() as session:
        for code in ("C1", "C2"):
            debtor = lock_debtor(session, desk.debtor_id(code))
            add_contact(session, debtor=debtor, email="both@client.example", by=SYSTEM)
    with transaction() as session:
        merge(session, old_id=desk.debtor_id("C1"), into_id=desk.debtor_id("C2"), by=ZOE)

    assert trust(desk) == {
        ("C2", "both@client.example"): True,
        ("C2", "dora@client.example"): False,
        ("C2", "thief@elsewhere.example"): False,
    }
    assert "thief@elsewhere.example" in told()["dora@client.example"]
    assert "dora@client.example" in told()["thief@elsewhere.example"]
    with reading() as session:
        waits = session.scalars(select(DebtorContact).where(DebtorContact.trusted_from.is_not(None))).all()
    assert {(each.added_by_id, each.trusted_from - clock.now()) for each in waits} == {(ZOE.id, timedelta(hours=72))}


def test_an_account_without_people_takes_over_those_of_the_other(desk) -> None:
    desk.take(lines(("C1", "F1", "dora@client.example"), ("C2", "F2", "")))
    with transaction() as session:
        merge(session, old_id=desk.debtor_id("C1"), into_id=desk.debtor_id("C2"), by=ZOE)

    assert trust(desk) == {("C2", "dora@client.example"): True}
