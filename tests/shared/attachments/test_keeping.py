"""Keeping, scanning and handing out: closed until clean wherever a scanner is configured."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

import wsgi
from shared.attachments import queries, scanner
from shared.attachments import scan as scanning
from shared.attachments.models import Attachment
from shared.attachments.rules import AttachmentState, Upload, may_serve
from shared.attachments.service import attach, check, set_aside
from shared.kit import files
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid, NotFound, Refused, Unavailable
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import Settings, use_settings
from tests.support.clamd import EICAR, Clamd, listening
from tests.support.hostile_files import picture
from tests.support.people import a_company, a_debtor

DORA = Actor.contact(uuid.uuid4(), "Dora")
SUBJECT = uuid.uuid4()


class Case:
    """A dispute of Dora's to which files are attached."""

    def __init__(self) -> None:
        with transaction() as session:
            company = a_company(session)
            debtor = a_debtor(session, company)
            self.company_id, self.debtor_id = company.id, debtor.id

    def attach(self, *contents: bytes, **more: object) -> list[uuid.UUID]:
        checked = check([Upload(f"file {number}", content) for number, content in enumerate(contents, 1)])
        with transaction() as session:
            rows = attach(
                session,
                checked,
                company_id=self.company_id,
                debtor_id=self.debtor_id,
                subject_type="dispute",
                subject_id=SUBJECT,
                by=DORA,
                **more,
            )
            return [row.id for row in rows]

    def state(self, attachment_id: uuid.UUID) -> AttachmentState:
        with reading() as session:
            return session.get(Attachment, attachment_id).state

    def fetch(self, attachment_id: uuid.UUID) -> queries.Download:
        with reading() as session:
            return queries.for_debtor(session, attachment_id, debtor_id=self.debtor_id)


@pytest.fixture
def case(database, frozen, settings) -> Case:
    wsgi.import_jobs()
    return Case()


@pytest.fixture
def clamd(settings: Settings) -> Iterator[Clamd]:
    with listening() as clamd:
        use_settings(settings.model_copy(update={"clamd": clamd.place}))
        yield clamd


def test_without_a_scanner_a_file_can_be_fetched_at_once(case: Case) -> None:
    [kept] = case.attach(b"Two chairs are broken.")

    assert case.state(kept) is AttachmentState.UNSCANNED
    assert case.fetch(kept).content == b"Two chairs are broken."


def test_what_is_kept_is_what_was_decoded_and_the_audit_says_who(case: Case) -> None:
    [kept] = case.attach(picture("PNG") + b"<?php")

    with reading() as session:
        row = session.get(Attachment, kept)
        line = session.scalars(select(AuditLine).where(AuditLine.action == "attachment.kept")).one()
    assert files.get_store().get(row.sha256).endswith(b"IEND\xaeB`\x82")
    assert row.sha256 != row.received_sha256
    assert (line.actor_name, line.after["name"]) == ("Dora", "file 1.png")


def test_with_a_scanner_nothing_is_handed_out_before_it_spoke(case: Case, clamd: Clamd) -> None:
    [kept] = case.attach(b"Two chairs are broken.")

    with pytest.raises(Refused, match="still being checked"):
        case.fetch(kept)
    perform_due()
    assert case.state(kept) is AttachmentState.CLEAN
    assert case.fetch(kept).content == b"Two chairs are broken."
    assert clamd.scanned == [b"Two chairs are broken."]


def test_an_infected_file_is_never_handed_out_and_everybody_concerned_can_know(case: Case, clamd: Clamd) -> None:
    bad, good = case.attach(EICAR, b"good")
    perform_due()

    assert case.state(bad) is AttachmentState.INFECTED
    with pytest.raises(Refused, match="did not pass"):
        case.fetch(bad)
    assert case.fetch(good).content == b"good"
    with reading() as session:
        assert session.get(Attachment, bad).finding == "Eicar-Test-Signature"
        assert session.scalar(select(func.count()).where(AuditLine.action == "attachment.infected")) == 1
        listed = queries.attached(session, subject_type="dispute", subject_ids=[SUBJECT], with_internal=True)
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.job == "notices.tell")).all()
    assert [(each.name, each.may_open) for each in listed] == [("file 1.txt", False), ("file 2.txt", True)]
    assert [(one.topic, one.payload["id"]) for one in told] == [("dispute.file_refused", str(SUBJECT))]


@pytest.mark.parametrize("mood", ["silent", "cut", "odd"])
def test_while_the_scanner_does_not_answer_the_file_stays_closed(case: Case, clamd: Clamd, mood: str) -> None:
    clamd.mood = mood
    [kept] = case.attach(b"Two chairs are broken.")

    with pytest.raises(Unavailable):
        scanning.scan(kept)
    perform_due()
    assert case.state(kept) is AttachmentState.SCANNING
    with pytest.raises(Refused):
        case.fetch(kept)
    clamd.mood = "honest"
    scanning.scan(kept)
    assert case.state(kept) is AttachmentState.CLEAN


def test_a_file_that_the_scanner_cannot_read_is_set_apart(case: Case, clamd: Clamd) -> None:
    clamd.mood = "full"
    [kept] = case.attach(b"Two chairs are broken.")
    perform_due()

    assert case.state(kept) is AttachmentState.QUARANTINED
    with pytest.raises(Refused):
        case.fetch(kept)


def test_files_that_came_before_the_scanner_are_closed_and_scanned_later(case: Case, settings: Settings) -> None:
    [kept] = case.attach(EICAR)
    assert case.fetch(kept)
    with listening() as clamd:
        use_settings(settings.model_copy(update={"clamd": clamd.place}))
        with pytest.raises(Refused):
            case.fetch(kept)
        assert scanning.ask_again() == 1
        assert scanning.ask_again() == 1
        perform_due()

    assert case.state(kept) is AttachmentState.INFECTED
    with reading() as session:
        asked = session.scalar(select(func.count()).where(OutboxMessage.job == "attachments.scan"))
    assert asked == 1


def test_the_scanner_may_listen_on_a_socket_of_the_machine(tmp_path: Path) -> None:
    with listening(tmp_path / "clamd.ctl") as clamd:
        assert scanner.scan(b"good", clamd.place).state is AttachmentState.CLEAN
        assert scanner.scan(EICAR, f"unix:{clamd.place}").state is AttachmentState.INFECTED


def test_a_file_larger_than_the_scanners_limit_is_no_error_of_the_line() -> None:
    with listening() as clamd:
        clamd.largest = 1000
        assert scanner.scan(b"a" * 5_000_000, clamd.place).state is AttachmentState.QUARANTINED


def test_a_file_is_the_debtors_own_or_not_there(case: Case) -> None:
    [kept] = case.attach(b"mine")
    [internal] = case.attach(b"staff only", is_internal=True)

    with reading() as session:
        with pytest.raises(NotFound):
            queries.for_debtor(session, kept, debtor_id=uuid.uuid4())
        with pytest.raises(NotFound):
            queries.for_debtor(session, internal, debtor_id=case.debtor_id)
        with pytest.raises(NotFound):
            queries.for_staff(session, kept, company_id=uuid.uuid4())
        assert queries.for_staff(session, internal, company_id=case.company_id).content == b"staff only"
        shown = queries.attached(session, subject_type="dispute", subject_ids=[SUBJECT], with_internal=False)
    assert [each.id for each in shown] == [kept]


def test_all_files_of_a_subject_together_are_limited(case: Case) -> None:
    text = b"a" * (9 * 1024 * 1024)
    case.attach(text, text)

    with pytest.raises(Invalid, match="25 MB"):
        case.attach(text)


def test_staff_may_set_a_file_aside(case: Case) -> None:
    [kept] = case.attach(b"something personal")
    by = Actor.staff(uuid.uuid4(), "Inès")
    with transaction() as session:
        set_aside(session, kept, company_id=case.company_id, by=by)
    with transaction() as session:
        set_aside(session, kept, company_id=case.company_id, by=by)
        with pytest.raises(NotFound):
            set_aside(session, kept, company_id=uuid.uuid4(), by=by)

    with pytest.raises(Refused):
        case.fetch(kept)
    with reading() as session:
        assert session.scalar(select(func.count()).where(AuditLine.action == "attachment.set_aside")) == 1


@pytest.mark.parametrize("state", AttachmentState)
@pytest.mark.parametrize("has_scanner", [True, False])
def test_only_clean_files_are_served_and_unscanned_ones_where_nobody_scans(state, *, has_scanner: bool) -> None:
    allowed = state is AttachmentState.CLEAN or (state is AttachmentState.UNSCANNED and not has_scanner)

    assert may_serve(state, has_scanner=has_scanner) is allowed


@pytest.mark.parametrize("place", ["clamd", "clamd:", ":3310", "clamd:0", "clamd:70000", "relative/path"])
def test_an_odd_address_of_the_scanner_keeps_guichet_from_starting(place: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Settings(mode="test", secret_key="s" * 40, clamd=place)
