"""A person gets what is held about it and nobody else's; erased it is gone, but for what the law wants, which is named with its reason."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, text

from shared.access import service as access
from shared.access.models import LinkPurpose, MagicLink, PortalSession
from shared.debtors import erased
from shared.debtors.models import Contact, Debtor, DebtorAlias, DebtorContact, DebtorKind, DebtorNote
from shared.debtors.service import add_contact, add_note, remove_contact
from shared.invoices.models import Freeze, FreezeKind
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.words import speaking
from shared.messages.models import Message, MessageStatus
from shared.personal import erase as erasure
from shared.personal import export
from shared.personal.labels import FIELDS
from shared.personal.models import ErasureRequest, ErasureState
from tests.shared.personal.test_sweep import ONE, _account, a_message, everything_old, settle, totals  # noqa: F401
from tests.support.account import Account
from tests.support.people import SYSTEM, a_company, a_debtor


def gather(account: Account) -> dict:
    with reading() as session:
        return export.gather(session, account.contact_id, company_id=account.company_id)


def erase(account: Account) -> dict[str, tuple[int, int]]:
    with transaction() as session:
        parts = erasure.erase(session, account.contact_id, company_id=account.company_id, by=ONE)
        return {part.kind.name: (part.goes, part.stays) for part in parts}


def test_a_person_gets_what_is_held_about_it_with_reason_basis_and_period(account: Account) -> None:
    everything_old(account)

    found = json.loads(export.as_json(gather(account)))

    kinds = {each["kind"]: each for each in found["kinds"]}
    assert kinds["contacts"]["rows"][0]["address"] == "411dora@client.example"
    assert kinds["messages_business"]["rows"][0]["text"] == "Bonjour Dora"
    assert kinds["portal_sessions"]["rows"]
    assert kinds["links"]["rows"]
    assert all(each["title"] and each["what_for"] and each["legal_basis"] and each["kept"] for each in found["kinds"])
    assert kinds["messages_business"]["kept"].startswith("60 months")


def test_who_shares_an_account_does_not_stand_in_the_others_export(account: Account) -> None:
    everything_old(account)
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        other = add_contact(session, debtor=debtor, email="paul@client.example", name="Paul Secret", by=SYSTEM)
        a_message(session, account, contact_id=other.id, to_name="Paul Secret", text_body="Bonjour Paul Secret")
        add_note(session, debtor_id=debtor.id, text="Paul Secret does not answer", by=ONE)

    written = json.dumps(gather(account), default=str)

    assert "Paul" not in written
    assert "Nadia" not in written


def test_links_and_codes_are_masked_in_an_export(account: Account) -> None:
    from shared.messages.render import code_place, link_place

    with transaction() as session:
        a_message(session, account, marker="abc", text_body=f"{link_place('abc')} {code_place('abc')}")

    (row,) = [row for kind in gather(account)["kinds"] if kind["kind"] == "messages_business" for row in kind["rows"]]
    assert row["text"] == "••• •••"
    assert "marker" not in row


def test_every_column_of_an_export_has_words(account: Account) -> None:
    from shared.kit import personal

    names = set()
    for kind in personal.all_kinds():
        if kind.export:
            from sqlalchemy import event

            seen: list[str] = []
            with reading() as session:

                @event.listens_for(session.get_bind(), "after_cursor_execute")
                def look(_c, cursor, *_rest, seen=seen) -> None:
                    seen[:] = [column.name for column in cursor.description or ()]

                kind.export(session, account.contact_id)
                event.remove(session.get_bind(), "after_cursor_execute", look)
            names.update(seen)

    assert names - {"marker"} == set(FIELDS)
    with speaking("fr"):
        assert all(str(word) for word in FIELDS.values())


def test_another_companys_person_is_neither_handed_out_nor_erased(account: Account) -> None:
    with transaction() as session:
        other = a_company(session, "autre")
    with reading() as session, pytest.raises(NotFound):
        export.gather(session, account.contact_id, company_id=other.id)
    with transaction() as session, pytest.raises(NotFound):
        erasure.erase(session, account.contact_id, company_id=other.id, by=ONE)


def test_erased_is_what_may_go_and_no_cent_moves(account: Account) -> None:
    kept = everything_old(account)
    settle(account)
    with transaction() as session:
        waiting = a_message(session, account, status=MessageStatus.WAITING).id
        reminder = a_message(session, account, decision={"step": 1}).id
    before = totals()
    with reading() as session:
        promised = {part.kind.name: (part.goes, part.stays) for part in erasure.preview(session, account.contact_id)}

    done = erase(account)

    assert done == promised
    assert done["contacts"] == (1, 0)
    assert done["messages_business"] == (2, 1)
    assert done["accounts"] == (0, 1)
    assert totals() == before
    with reading() as session:
        contact = session.get_one(Contact, account.contact_id)
        assert (contact.name, contact.phone, contact.email) == ("", "", f"{contact.id}@erased.invalid")
        assert contact.bounced_at is not None
        assert session.scalars(select(DebtorContact.removed_at)).one() is not None
        assert session.scalars(select(MagicLink)).all() == []
        assert session.scalars(select(PortalSession)).all() == []
        assert session.get_one(Message, kept["message"]).text_body == ""
        assert session.get_one(Message, reminder).text_body == "Bonjour Dora"
        assert session.get_one(Message, waiting).status is MessageStatus.DROPPED
        line = session.scalars(select(AuditLine).where(AuditLine.action == "contact.erased")).one()
        assert line.after["counts"]["contacts"] == {"erased": 1, "kept": 0}
        assert "411dora" not in json.dumps(line.after)
    with transaction() as session, pytest.raises(Conflict):
        erasure.erase(session, account.contact_id, company_id=account.company_id, by=ONE)


def test_the_address_is_nowhere_but_in_the_trail_that_is_kept_with_the_books(account: Account) -> None:
    everything_old(account)
    settle(account)
    erase(account)

    with reading() as session:
        tables = session.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        holding = {
            name
            for name in tables
            if session.execute(
                text(f"SELECT 1 FROM \"{name}\" t WHERE t::text ILIKE '%411dora@client%' LIMIT 1")
            ).first()
        }
    assert holding <= {"audit_line"}


def test_who_still_stands_for_a_debt_stays_reachable_and_the_rest_goes(account: Account) -> None:
    everything_old(account)

    done = erase(account)

    assert done["contacts"] == (0, 1)
    assert done["messages_business"] == (1, 0)
    assert done["portal_sessions"] == (1, 0)
    with reading() as session:
        contact = session.get_one(Contact, account.contact_id)
        assert contact.email == "411dora@client.example"
        assert session.scalars(select(DebtorContact.removed_at)).one() is None
        assert erased.erased_at(session, account.company_id, contact.email) is None


def test_one_of_two_people_of_an_account_that_owes_may_go(account: Account) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", by=SYSTEM)

    assert erase(account)["contacts"] == (1, 0)


def test_a_legal_hold_keeps_even_one_of_two_people(account: Account) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", by=SYSTEM)
        a_message(session, account)
        session.add(
            Freeze(
                id=new_id(),
                invoice_id=account.one,
                debtor_id=account.debtor_id,
                kind=FreezeKind.LEGAL_HOLD,
                amount_minor=100_000,
                frozen_at=clock.now(),
            )
        )

    done = erase(account)

    assert done["contacts"] == (0, 1)
    assert done["messages_business"] == (0, 1)


def test_a_tombstone_knows_the_address_and_of_its_company_alone(account: Account) -> None:
    settle(account)
    erase(account)
    with transaction() as session:
        other = a_company(session, "autre")
        a_debtor(session, other)

    with reading() as session:
        assert erased.erased_at(session, account.company_id, "411dora@client.example") is not None
        assert erased.erased_at(session, account.company_id, "paul@client.example") is None
        assert erased.erased_at(session, other.id, "411dora@client.example") is None


def test_a_wish_is_one_however_often_it_is_asked_and_an_erasure_answers_it(account: Account) -> None:
    settle(account)
    by = account.dora
    with transaction() as session:
        one = erasure.ask(session, account.contact_id, company_id=account.company_id, by=by)
        assert one is not None
        assert erasure.ask(session, account.contact_id, company_id=account.company_id, by=by) is None
        assert (one.due_on - clock.today()).days == 30
        assert [wish.id for wish, _contact in erasure.wishes(session, account.company_id)] == [one.id]

    erase(account)

    with reading() as session:
        wish = session.get_one(ErasureRequest, one.id)
        assert wish.state is ErasureState.DONE
        assert wish.counts["contacts"] == {"erased": 1, "kept": 0}
        assert erasure.wishes(session, account.company_id) == []


def test_an_erased_person_cannot_come_in_by_a_link_kept_from_before(account: Account) -> None:
    settle(account)
    with transaction() as session:
        token = access.make_link(
            session, debtor_id=account.debtor_id, contact_id=account.contact_id, purpose=LinkPurpose.NOTICE
        )
    erase(account)

    from shared.access import queries

    with reading() as session:
        assert queries.find_landing(session, token) is None


def test_whom_a_file_put_into_a_consumers_account_by_mistake_is_not_that_consumer(account: Account) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        debtor.kind, debtor.street = DebtorKind.CONSUMER, "3 rue Secrète"
        add_note(session, debtor_id=debtor.id, text="called on Monday", by=ONE)
    assert "Secrète" in json.dumps(gather(account), default=str, ensure_ascii=False)
    with transaction() as session:
        remove_contact(session, debtor_id=account.debtor_id, contact_id=account.contact_id, by=ONE)

    found = gather(account)

    written = json.dumps([each["rows"] for each in found["kinds"]], default=str, ensure_ascii=False)
    assert "Secrète" not in written
    assert "called on Monday" not in written
    [row] = next(each["rows"] for each in found["kinds"] if each["kind"] == "accounts")
    assert (row["account"], row["account_code"]) == ("", "")
    erase(account)
    with reading() as session:
        assert session.scalars(select(DebtorNote.text)).all() == ["called on Monday"]


def test_what_a_mail_server_said_why_reminders_rest_and_other_codes_are_handed_out(account: Account) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        debtor.kind, debtor.reminders_pause_reason = DebtorKind.CONSUMER, "she is ill"
        session.get_one(Contact, account.contact_id).bounce_answer = "550 no such user"
        session.add(
            DebtorAlias(
                id=new_id(),
                company_id=account.company_id,
                debtor_id=debtor.id,
                code="Dora Old",
                essence="dora old",
                created_at=clock.now(),
            )
        )

    rows = {each["kind"]: each["rows"] for each in gather(account)["kinds"]}

    assert rows["contacts"][0]["refused_with"] == "550 no such user"
    assert rows["customers"][0]["paused_why"] == "she is ill"
    assert rows["customers"][0]["other_codes"] == "Dora Old"
