"""The sweep removes what is over and nothing else: no cent moves, a hold stops it, and it may be killed anywhere."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

import wsgi
from backoffice.imports.models import ImportChange, ImportRun, RunState
from payments.models import Provider
from payments.reconcile.proof import Proof
from payments.reconcile.verify import verify
from payments.webhooks.models import EventState, InboxEvent
from shared.access.models import LinkPurpose, MagicLink, OneTimeCode, PortalSession
from shared.attachments.models import Attachment
from shared.attachments.rules import AttachmentState
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor, DebtorAlias
from shared.debtors.service import DebtorDraft, add_contact, add_debtor
from shared.invoices.models import Freeze, FreezeKind
from shared.kit import clock, discarded, drafts, files, limits, personal
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, Refused
from shared.kit.ids import new_id
from shared.ledger.rules import Part
from shared.messages.models import Message, MessageStatus
from shared.personal import queries, service, sweep
from shared.personal.models import RetentionRun
from tests.support.account import Account
from tests.support.people import a_company

ONE = Actor.staff(uuid.UUID(int=1), "Nadia")
OTHER = Actor.staff(uuid.UUID(int=2), "Paul")
CLOCK = Actor.system("retention")


@pytest.fixture(name="account")
def _account(database, frozen, settings) -> Account:
    wsgi.import_personal()
    return Account(frozen)


def release(company_id: uuid.UUID) -> None:
    with transaction() as session:
        row = service.ask_release(session, company_id, {}, by=ONE)
        service.decide_release(session, row.id, company_id=company_id, agrees=True, by=OTHER)


def a_message(session: Session, account: Account, **facts: object) -> Message:
    identity = new_id()
    values: dict[str, object] = {
        "id": identity,
        "company_id": account.company_id,
        "debtor_id": account.debtor_id,
        "contact_id": account.contact_id,
        "kind": "receipt",
        "language": "fr",
        "to_name": "Dora",
        "to_address": "dora@client.example",
        "subject": "Votre reçu",
        "text_body": "Bonjour Dora",
        "html_body": "<p>Bonjour Dora</p>",
        "reason": "Vous avez payé.",
        "dedupe_key": str(identity),
        "status": MessageStatus.SENT,
        "created_at": clock.now(),
        "sent_at": clock.now(),
    }
    message = Message(**(values | facts))
    session.add(message)
    session.flush()
    return message


def settle(account: Account) -> None:
    """The account owes nothing any more."""
    account.record_receipt(150_000, [Part(account.one, 100_000), Part(account.two, 50_000)])


def totals() -> list[tuple[object, ...]]:
    """Everything that money stands on."""
    with reading() as session:
        return [
            tuple(row)
            for query in (
                "SELECT id, open_minor, held_minor, credit_minor FROM debtor ORDER BY id",
                "SELECT id, total_minor, open_minor, held_minor, frozen_minor, paused_minor FROM invoice ORDER BY id",
                "SELECT id, amount_minor, phase, kind FROM ledger_transfer ORDER BY id",
                "SELECT id, status, amount_minor, refunded_minor FROM payment ORDER BY id",
            )
            for row in session.execute(text(query))
        ]


def everything_old(account: Account) -> dict[str, uuid.UUID]:
    """One row of nearly every kind that is swept."""
    store = files.get_store()
    with transaction() as session:
        limits.hit(session, "somebody", limit=3, window=timedelta(hours=1))
        drafts.keep(session, {"amount": "12"})
        link = MagicLink(
            id=new_id(),
            token_hash=b"1",
            debtor_id=account.debtor_id,
            contact_id=account.contact_id,
            purpose=LinkPurpose.NOTICE,
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(days=45),
        )
        session.add(link)
        session.flush()
        visit = PortalSession(
            id=new_id(),
            token_hash=b"2",
            link_id=link.id,
            debtor_id=account.debtor_id,
            contact_id=account.contact_id,
            created_at=clock.now(),
            seen_at=clock.now(),
        )
        session.add(visit)
        session.flush()
        session.add(
            OneTimeCode(
                id=new_id(),
                session_id=visit.id,
                code_hash=b"3",
                salt=b"4",
                created_at=clock.now(),
                expires_at=clock.now() + timedelta(minutes=10),
            )
        )
        event = InboxEvent(
            id=new_id(),
            provider=Provider.STRIPE,
            event_id="evt_1",
            kind="charge.succeeded",
            references={},
            raw='{"name": "Dora"}',
            source="webhook",
            state=EventState.HANDLED,
            happened_at=clock.now(),
            received_at=clock.now(),
            handled_at=clock.now(),
        )
        stored = store.put(b"number;customer;amount")
        imported = ImportRun(
            id=new_id(),
            company_id=account.company_id,
            state=RunState.DONE,
            file_name="clients.csv",
            file_sha256=stored.sha256,
            file_size=stored.size,
            faults=[{"place": "Dora"}],
            created_at=clock.now(),
            finished_at=clock.now(),
        )
        session.add_all([event, imported])
        message = a_message(session, account)
    return {"link": link.id, "visit": visit.id, "event": event.id, "import": imported.id, "message": message.id}


def test_no_cent_moves_and_verify_is_clean_when_everything_goes_that_may(account: Account) -> None:
    everything_old(account)
    settle(account)
    release(account.company_id)
    before, clean = totals(), verify(with_providers=False)
    account.clock.advance(days=3_000)

    sweep.sweep(by=CLOCK)

    after = verify(with_providers=False)
    assert totals() == before
    assert clean.is_clean
    assert after.differences == clean.differences
    assert _but_for_acts(after) == _but_for_acts(clean)


def _but_for_acts(proof: Proof) -> dict[str, int]:
    """How much was compared; of acts there are more, for a sweep writes down what it did."""
    return {name: count for name, count in proof.compared.items() if "audit" not in name}


def test_what_is_over_goes_and_what_is_not_stays(account: Account) -> None:
    kept = everything_old(account)
    settle(account)
    release(account.company_id)
    store = files.get_store()
    with reading() as session:
        digest = session.get_one(ImportRun, kept["import"]).file_sha256

    assert all(each.counts == {} for each in sweep.sweep(by=CLOCK))

    account.clock.advance(days=8)
    (company, house) = sweep.sweep(by=CLOCK)
    assert company.counts == {}
    assert house.counts == {"codes": 1, "counters": 1, "drafts": 1}

    account.clock.advance(days=2_000)
    with transaction() as session:
        young = a_message(session, account).id
    found = {name: count for each in sweep.preview() for name, count in each.counts.items() if count}
    (company, house) = sweep.sweep(by=CLOCK)

    # The link waits for the visits that came in by it.
    assert found | {"links": 1} == {**company.counts, **house.counts}
    assert found == {
        "messages_business": 1,
        "contacts": 1,
        "import_files": 1,
        "portal_sessions": 1,
        "provider_news": 1,
    }
    with reading() as session:
        message = session.get_one(Message, kept["message"])
        assert (message.text_body, message.html_body, message.to_name, message.to_address) == ("", "", "", "")
        assert message.subject == "Votre reçu"
        assert message.text_sha256
        assert session.get_one(Message, young).text_body
        assert session.get_one(InboxEvent, kept["event"]).raw == ""
        assert session.get_one(ImportRun, kept["import"]).faults == []
        assert session.scalar(select(func.count()).select_from(MagicLink)) == 0
    assert store.path(digest).exists()  # put today, by the system's time: the next sweep takes it


def test_a_second_sweep_finds_nothing(account: Account) -> None:
    everything_old(account)
    settle(account)
    release(account.company_id)
    account.clock.advance(days=3_000)
    sweep.sweep(by=CLOCK)

    assert {name: count for each in sweep.preview() for name, count in each.counts.items() if count} == {}
    assert all(each.counts == {} for each in sweep.sweep(by=CLOCK))


def test_nothing_but_traces_of_the_doors_goes_before_two_people_agree(account: Account) -> None:
    kept = everything_old(account)
    settle(account)
    account.clock.advance(days=3_000)

    (company, house) = sweep.sweep(by=CLOCK)

    assert company.counts == {}
    assert set(house.counts) == {"codes", "counters", "drafts", "links", "portal_sessions"}
    assert "messages_business" in company.waits
    assert house.waits == ("provider_news",)
    with reading() as session:
        assert session.get_one(Message, kept["message"]).text_body


def test_whoever_asked_for_the_first_sweep_does_not_agree_to_it(account: Account) -> None:
    with transaction() as session:
        row = service.ask_release(session, account.company_id, {"contacts": 2}, by=ONE)
        with pytest.raises(Conflict):
            service.ask_release(session, account.company_id, {}, by=OTHER)
        with pytest.raises(Refused):
            service.decide_release(session, row.id, company_id=account.company_id, agrees=True, by=ONE)
        assert queries.released(session, account.company_id) == set()
        service.decide_release(session, row.id, company_id=account.company_id, agrees=True, by=OTHER)
        assert "contacts" in queries.released(session, account.company_id)
        with pytest.raises(Conflict):
            service.decide_release(session, row.id, company_id=account.company_id, agrees=True, by=OTHER)


def test_the_yes_of_one_company_is_not_the_yes_of_another(account: Account) -> None:
    with transaction() as session:
        other = a_company(session, "autre")
    release(other.id)
    settle(account)
    everything_old(account)
    account.clock.advance(days=3_000)

    swept = {each.company: each for each in sweep.sweep(by=CLOCK)}

    assert swept["atelier"].counts == {}
    assert "messages_business" in swept["atelier"].waits


def test_a_sweep_that_was_killed_goes_on_and_counts_each_row_once(account: Account, monkeypatch) -> None:
    settle(account)
    release(account.company_id)
    with transaction() as session:
        for _each in range(7):
            a_message(session, account)
    account.clock.advance(days=2_000)
    monkeypatch.setattr(sweep, "PAGE", 2)
    kind, calls = personal.get("messages_business"), []

    def die_in_the_third_page(session, keys):
        calls.append(len(keys))
        if len(calls) == 3:
            raise KeyboardInterrupt
        kind.remove(session, keys)

    dying = replace(kind, remove=die_in_the_third_page)
    monkeypatch.setitem(personal._kinds, kind.name, dying)
    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(by=CLOCK)
    monkeypatch.setitem(personal._kinds, kind.name, kind)
    with reading() as session:
        left = session.scalar(select(func.count()).select_from(Message).where(Message.forgotten_at.is_(None)))
        assert left == 3

    (company, _house) = sweep.sweep(by=CLOCK)

    assert company.counts["messages_business"] == 7
    with reading() as session:
        runs = session.scalars(select(RetentionRun).where(RetentionRun.company_id == account.company_id)).all()
        assert [run.finished_at is not None for run in runs] == [True]
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "personal.swept")).all()
        assert sum(line.after["counts"].get("messages_business", 0) for line in lines) == 7


def test_a_legal_hold_keeps_messages_files_and_people(account: Account) -> None:
    kept = everything_old(account)
    settle(account)
    release(account.company_id)
    with transaction() as session:
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
    account.clock.advance(days=3_000)

    (company, _house) = sweep.sweep(by=CLOCK)

    assert set(company.counts) == {"import_files"}
    with reading() as session:
        assert session.get_one(Message, kept["message"]).text_body
        assert session.get_one(Contact, account.contact_id).name


def test_reminders_stay_while_the_account_owes(account: Account) -> None:
    release(account.company_id)
    with transaction() as session:
        kept = a_message(session, account).id
    account.clock.advance(days=3_000)

    (company, _house) = sweep.sweep(by=CLOCK)

    assert company.counts == {}
    with reading() as session:
        assert session.get_one(Message, kept).text_body


def test_a_message_that_has_not_left_is_not_emptied(account: Account) -> None:
    settle(account)
    release(account.company_id)
    with transaction() as session:
        kept = a_message(session, account, status=MessageStatus.UNCERTAIN).id
    account.clock.advance(days=3_000)
    sweep.sweep(by=CLOCK)

    with reading() as session:
        assert session.get_one(Message, kept).text_body


def test_a_file_goes_when_the_last_row_that_needs_it_went(account: Account, tmp_path: Path) -> None:
    store = files.get_store()
    stored = store.put(b"a photo")
    with transaction() as session:
        message = a_message(
            session, account, attachments=[{"name": "a", "sha256": stored.sha256, "media_type": "image/png"}]
        ).id
        discarded.discard(session, [stored.sha256])

    assert discarded.clear() == 0
    assert store.get(stored.sha256) == b"a photo"

    with transaction() as session:
        session.get_one(Message, message).attachments = []
        discarded.discard(session, [stored.sha256])
    assert discarded.clear() == 0  # put a moment ago: somebody may be about to write the row that needs it
    os.utime(store.path(stored.sha256), (1, 1))
    assert discarded.clear() == 1
    assert not (store.root / stored.sha256[:2] / stored.sha256[2:4] / stored.sha256).exists()
    assert discarded.clear() == 0


def test_files_of_a_dispute_that_is_open_stay(account: Account) -> None:
    release(account.company_id)
    with transaction() as session:
        row = Attachment(
            id=new_id(),
            company_id=account.company_id,
            debtor_id=account.debtor_id,
            subject_type="dispute",
            subject_id=new_id(),
            name="photo.png",
            media_type="image/png",
            size=3,
            sha256="a" * 64,
            received_sha256="b" * 64,
            state=AttachmentState.CLEAN,
            uploaded_by_kind="contact",
            uploaded_by_id=account.contact_id,
            uploaded_by_name="Dora",
            uploaded_at=clock.now(),
        )
        session.add(row)
    account.clock.advance(days=3_000)
    sweep.sweep(by=CLOCK)

    with reading() as session:
        assert session.get(Attachment, row.id) is not None


def test_a_company_chooses_within_the_law_and_from_a_day_on(account: Account) -> None:
    kind = personal.get("messages_business")
    today = clock.today()
    with transaction() as session:
        for length in (11, 61, 0, -3):
            with pytest.raises(Invalid):
                service.set_term(session, account.company_id, kind.name, length=length, from_on=today, by=ONE)
        with pytest.raises(Invalid):
            service.set_term(
                session, account.company_id, kind.name, length=24, from_on=today - timedelta(days=1), by=ONE
            )
        with pytest.raises(Invalid):
            service.set_term(session, account.company_id, "codes", length=2, from_on=today, by=ONE)
        service.set_term(session, account.company_id, kind.name, length=24, from_on=today + timedelta(days=10), by=ONE)
        assert queries.term_of(session, account.company_id, kind, on=today) == 60
        assert queries.term_of(session, account.company_id, kind, on=today + timedelta(days=10)) == 24
        line = session.scalars(select(AuditLine).where(AuditLine.action == "personal.term_set")).one()
        assert line.before == {"kind": kind.name, "months": 60}


def test_somebody_whose_account_was_still_moving_stays(account: Account) -> None:
    release(account.company_id)
    account.clock.advance(days=1_000)
    settle(account)
    account.clock.advance(days=1_000)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        assert session.get_one(Contact, account.contact_id).name

    account.clock.advance(days=200)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        contact = session.get_one(Contact, account.contact_id)
        assert (contact.name, contact.email) == ("", f"{contact.id}@erased.invalid")


def test_every_kind_says_what_why_and_how_long(database) -> None:
    wsgi.import_personal()
    kinds = personal.all_kinds()

    assert len(kinds) > 25
    for kind in kinds:
        assert str(kind.label), kind.name
        assert str(kind.why), kind.name
        assert bool(kind.term) != (not kind.counted), kind.name
        assert kind.term or str(kind.keeps), kind.name
        if kind.of_person:
            assert kind.erasable is not None or str(kind.keeps), kind.name


@pytest.mark.usefixtures("database")
def test_every_column_that_names_a_stored_file_is_asked_before_its_bytes_go() -> None:
    """A room that keeps files by their digest and does not say so would lose them."""
    wsgi.import_personal()
    columns = {
        f"{table.name}.{column.name}"
        for table in wsgi.metadata().tables.values()
        for column in table.columns
        if "sha256" in column.name or column.name in ("attachments", "portions")
    }
    asked = {
        "attachment.sha256",
        "document.sha256",
        "import_run.file_sha256",
        "message.attachments",
        "paper_order.portions",
    }
    no_files = {
        "attachment.received_sha256",
        "discarded_file.sha256",
        "message.text_sha256",
        "plan_consent.facts_sha256",
    }

    assert columns == asked | no_files
    assert len(personal._file_uses) == len(asked)


def test_two_people_of_an_account_that_owes_are_not_forgotten_in_one_night(account: Account) -> None:
    release(account.company_id)
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        paul = add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", by=CLOCK).id
    account.clock.advance(days=3_000)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        assert session.get_one(Contact, account.contact_id).name
        assert session.get_one(Contact, paul).name == "Paul"

    settle(account)
    account.clock.advance(days=3_000)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        assert [session.get_one(Contact, each).name for each in (account.contact_id, paul)] == ["", ""]


def test_the_file_of_an_import_that_was_taken_back_goes_with_what_it_changed(account: Account) -> None:
    kept = everything_old(account)
    release(account.company_id)
    with transaction() as session:
        imported = session.get_one(ImportRun, kept["import"])
        imported.state, imported.undone_at = RunState.UNDONE, clock.now() + timedelta(days=300)
        imported.facts = {"sample": [{"debtor": "Dora"}], "forecast": {"people": 1, "contacts": [{"name": "Dora"}]}}
        session.add(
            ImportChange(
                id=new_id(),
                run_id=imported.id,
                kind="debtor",
                subject_id=account.debtor_id,
                before={"name": "Dora"},
                after={"name": "Dora Durand"},
            )
        )
    account.clock.advance(days=400)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        assert session.get_one(ImportRun, kept["import"]).file_gone_at is None, "counted from when it was taken back"

    account.clock.advance(days=300)
    sweep.sweep(by=CLOCK)
    with reading() as session:
        imported = session.get_one(ImportRun, kept["import"])
        assert (imported.state, imported.file_gone_at is not None) == (RunState.UNDONE, True)
        assert imported.facts == {"forecast": {"people": 1}}
        assert session.scalar(select(func.count()).select_from(ImportChange)) == 0


def test_a_code_made_of_a_name_or_an_address_goes_with_them_and_a_companys_own_stays(account: Account) -> None:
    settle(account)
    release(account.company_id)
    with transaction() as session:
        company = session.get_one(Company, account.company_id)
        codes = ("Jean Martin", "Jean Martin (jean@x.example)", "anna@x.example", "C-12", "C-13")
        names = ("Jean Martin", "Jean Martin", "Anna", "Jean Martin", "C-13")
        people = [
            a_debtor_alone(session, company, code, name, says_who=code.startswith("Jean"))
            for code, name in zip(codes, names, strict=True)
        ]
        for code, says_who in (("J. Martin", True), ("OLD-12", False)):
            session.add(
                DebtorAlias(
                    id=new_id(),
                    company_id=company.id,
                    debtor_id=people[3],
                    code=code,
                    essence=code.lower(),
                    code_says_who=says_who,
                    created_at=clock.now(),
                )
            )
    account.clock.advance(days=5_000)
    sweep.sweep(by=CLOCK)
    sweep.sweep(by=CLOCK)

    with reading() as session:
        rows = [session.get_one(Debtor, each) for each in people]
        found = [row.account_code for row in rows]
        assert all(code.startswith("ERASED-") for code in found[:3])
        assert found[3:] == ["C-12", "C-13"]
        assert [row.name for row in rows] == found
        assert "martin" not in " ".join(row.search_text for row in rows)
        aliases = session.scalars(select(DebtorAlias).order_by(DebtorAlias.code)).all()
        assert aliases[0].code.startswith("ERASED-")
        assert aliases[0].essence == aliases[0].code.lower()
        assert aliases[1].code == "OLD-12"
    assert {name: count for each in sweep.preview() for name, count in each.counts.items() if count} == {}


def a_debtor_alone(session: Session, company: Company, code: str, name: str, *, says_who: bool) -> uuid.UUID:
    """An account for which nobody acts; an import says of its code what it is made of."""
    debtor = add_debtor(
        session, company_id=company.id, draft=DebtorDraft(account_code=code, name=name, city="Rennes"), by=CLOCK
    )
    debtor.code_says_who |= says_who
    return debtor.id
