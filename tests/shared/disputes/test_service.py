"""Contesting, talking, sorting: what the verbs write, and what they refuse."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from shared.attachments.models import Attachment
from shared.attachments.rules import Checked
from shared.disputes import choices, queries, service, sheets
from shared.disputes.models import Dispute, DisputeEntry, DisputeReason, DisputeTransition, EntryKind
from shared.disputes.rules import DEFAULT_REASONS, Policy, Status
from shared.disputes.service import Assignee, Claim
from shared.disputes.steps import TooMany
from shared.invoices.models import InvoiceLine
from shared.kit import ids
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.outbox.models import OutboxMessage
from tests.shared.disputes.conftest import STAFF, another_debtor

F = "F-1"


def test_a_dispute_freezes_the_whole_of_an_invoice_from_its_own_commit_on(case) -> None:
    dispute = case.raises()

    invoice = case.invoice(F)
    assert (invoice.frozen_minor, invoice.collectable_minor) == (12_000, 0)
    assert ids.is_reference(dispute.reference)
    assert dispute.reference.startswith("LIT-")
    assert dispute.claimed_minor == 12_000


def test_the_rest_of_a_partly_contested_invoice_stays_payable_and_collectable(case) -> None:
    case.raises(Claim(case.invoices[F], minor=3_000))

    assert case.invoice(F).collectable_minor == 9_000


def test_several_invoices_are_contested_at_once(case) -> None:
    dispute = case.raises(Claim(case.invoices[F]), Claim(case.invoices["F-2"], minor=1_000))

    assert dispute.claimed_minor == 13_000
    assert (case.invoice(F).frozen_minor, case.invoice("F-2").frozen_minor) == (12_000, 1_000)


def test_chosen_lines_are_contested_with_their_vat(case) -> None:
    with reading() as session:
        lines = session.scalars(
            select(InvoiceLine).where(InvoiceLine.invoice_id == case.invoices["F-3"]).order_by(InvoiceLine.position)
        ).all()

    dispute = case.raises(Claim(case.invoices["F-3"], line_ids=[lines[1].id]))

    assert dispute.claimed_minor == 5_275
    assert case.parts(dispute.id)[0].line_id == lines[1].id


def test_all_lines_are_the_whole_invoice(case) -> None:
    with reading() as session:
        lines = session.scalars(select(InvoiceLine.id).where(InvoiceLine.invoice_id == case.invoices["F-3"])).all()

    assert case.raises(Claim(case.invoices["F-3"], line_ids=lines)).claimed_minor == 17_275


def test_the_same_form_sent_twice_is_one_dispute(case) -> None:
    first = case.raises(attempt="one")
    second = case.raises(attempt="one")

    assert first.id == second.id
    assert case.invoice(F).frozen_minor == 12_000


def test_two_tabs_that_contest_the_same_money_make_one_dispute(case) -> None:
    case.raises()

    with pytest.raises(Conflict, match="F-1"):
        case.raises()


@pytest.mark.parametrize("minor", [0, -5, 12_001])
def test_an_amount_that_cannot_be_contested_is_refused(case, minor) -> None:
    with pytest.raises(Invalid):
        case.raises(Claim(case.invoices[F], minor=minor))

    assert case.invoice(F).frozen_minor == 0


def test_an_empty_text_and_an_unknown_reason_are_refused(case) -> None:
    with pytest.raises(Invalid, match="few words"):
        case.raises(text=" \n\t ")
    with pytest.raises(Invalid, match="reason"):
        case.raises(reason="because")
    with pytest.raises(Invalid, match="less than"):
        case.raises(text="x" * 5_001)


def test_characters_that_nobody_types_are_dropped(case) -> None:
    dispute = case.raises(text="Bo\x00x\r\nmissing\x1b[31m\u202e!")

    with reading() as session:
        assert session.scalars(select(DisputeEntry.text)).one() == "Box\nmissing[31m!"
    assert dispute.status is Status.OPEN


def test_another_debtors_invoice_or_line_does_not_exist(case) -> None:
    _other, foreign = another_debtor(case)
    with reading() as session:
        line = session.scalars(select(InvoiceLine.id).limit(1)).one()

    with pytest.raises(NotFound):
        case.raises(Claim(foreign))
    with pytest.raises(NotFound):
        case.raises(Claim(case.invoices[F], line_ids=[line]))
    with pytest.raises(NotFound):
        case.raises(Claim(uuid.uuid4()))


def test_the_debtor_is_told_that_it_is_received_once_and_led_back(case) -> None:
    dispute = case.raises()

    [mail] = case.mails("dispute_received")
    assert dispute.reference in mail.subject
    assert f"?next=/disputes/{dispute.id}" in mail.text_body
    assert "€120.00" in mail.text_body
    assert "The price or the quantity is wrong" in mail.text_body


def test_staff_open_one_for_the_debtor_and_everybody_who_is_reminded_is_told(case) -> None:
    dispute = case.raises(by=STAFF, contact_id=None)

    assert (dispute.opened_by_kind, dispute.spoken_at) == ("staff", None)
    assert "As you told us" in case.mails("dispute_received")[0].text_body


def test_the_deadline_follows_the_reason(case) -> None:
    dispute = case.raises(reason="vat")

    assert (dispute.due_on - case.clock.now().date()).days == 10


def test_a_debtor_may_not_raise_a_flood(case, monkeypatch) -> None:
    monkeypatch.setattr(service, "RAISED_A_DAY", 2)
    case.raises(Claim(case.invoices[F], minor=10))
    case.raises(Claim(case.invoices[F], minor=10))

    with pytest.raises(TooMany):
        case.raises(Claim(case.invoices[F], minor=10))
    case.raises(Claim(case.invoices[F], minor=10), by=STAFF)


def test_staff_answer_and_the_debtor_reads_it_in_a_mail(case) -> None:
    dispute = case.raises()

    case.act(service.say, dispute.id, text="We ask our <b>driver</b>.")

    after = case.dispute(dispute.id)
    assert (after.status, after.assignee_name, after.spoken_at) == (Status.UNDER_REVIEW, "Camille Morel", None)
    [mail] = case.mails("dispute_answer")
    assert "We ask our <b>driver</b>." in mail.text_body
    assert "<b>driver" not in mail.html_body
    assert "&lt;b&gt;driver" in mail.html_body


def test_a_question_stops_the_deadline_until_the_debtor_answers(case) -> None:
    dispute = case.raises()
    before = dispute.due_on

    case.act(service.say, dispute.id, text="Which boxes?", asks=True)
    assert case.dispute(dispute.id).status is Status.WAITING
    case.days(6)
    case.act(service.say, dispute.id, text="The blue ones.", by=case.dora)

    after = case.dispute(dispute.id)
    assert (after.status, after.due_on) == (Status.UNDER_REVIEW, before + timedelta(days=6))
    assert after.spoken_at is not None
    assert "question" in case.mails("dispute_answer")[0].subject


def test_a_word_sent_twice_is_one(case) -> None:
    dispute = case.raises()

    first = case.act(service.say, dispute.id, text="Hello?", by=case.dora)
    second = case.act(service.say, dispute.id, text="Hello?", by=case.dora)

    assert first.id == second.id


def test_the_same_words_with_another_file_are_another_word(case) -> None:
    dispute = case.raises()
    slips = [
        Checked(f"slip-{turn}.txt", "text/plain", bytes([65 + turn]), hashlib.sha256(bytes([65 + turn])).hexdigest())
        for turn in range(2)
    ]

    said = [case.act(service.say, dispute.id, text="See the slip.", by=case.dora, files=[each]) for each in slips]
    again = case.act(service.say, dispute.id, text="See the slip.", by=case.dora, files=[slips[1]])

    assert said[0].id != said[1].id
    assert again.id == said[1].id
    with reading() as session:
        kept = session.scalars(select(Attachment.received_sha256).where(Attachment.subject_id == dispute.id)).all()
    assert set(kept) == {each.received_sha256 for each in slips}


def test_nobody_writes_into_a_closed_dispute(case) -> None:
    dispute = case.raises()
    case.act(service.withdraw, dispute.id, by=case.dora)

    for by in (case.dora, STAFF):
        with pytest.raises(Conflict, match="closed"):
            case.act(service.say, dispute.id, text="And yet", by=by)


def test_internal_notes_reach_neither_the_debtors_sheet_nor_his_mail(case) -> None:
    dispute = case.raises()
    case.act(service.note, dispute.id, text="SECRET he always complains")
    case.act(service.assign, dispute.id, assignee=Assignee(uuid.uuid4(), "SECRET Person"))
    case.act(service.say, dispute.id, text="We look into it.")
    case.act(service.reject, dispute.id, grounds="Delivered and signed for.")

    with reading() as session:
        sheet = sheets.debtor_sheet(session, case.debtor_id, dispute.id, today=case.clock.now().date())
        staff = sheets.staff_sheet(session, case.company_id, dispute.id, today=case.clock.now().date())
    assert "SECRET" not in repr(sheet)
    assert "SECRET" in repr(staff)
    with reading() as session:
        bodies = session.execute(text("SELECT text_body || html_body || subject FROM message")).scalars().all()
    assert bodies
    assert not [body for body in bodies if "SECRET" in body]


def test_assigning_tells_the_one_and_stays_in_the_story(case) -> None:
    dispute = case.raises()
    person = Assignee(uuid.uuid4(), "Noé Petit")

    case.act(service.assign, dispute.id, assignee=person)
    case.act(service.assign, dispute.id, assignee=person)

    with reading() as session:
        acts = session.scalars(select(DisputeEntry).where(DisputeEntry.kind == EntryKind.ACT)).all()
    assert [(act.text, act.detail) for act in acts] == [("assigned", "Noé Petit")]


def test_reason_and_deadline_can_be_changed(case) -> None:
    dispute = case.raises()
    day = case.clock.now().date() + timedelta(days=40)

    case.act(service.change_reason, dispute.id, reason_code="vat")
    case.act(service.set_deadline, dispute.id, due_on=day)

    with reading() as session:
        sheet = sheets.staff_sheet(session, case.company_id, dispute.id, today=case.clock.now().date())
    assert (sheet.sheet.reason.code, sheet.sheet.due_on) == ("vat", day)
    assert [said.text for said in sheet.sheet.said if said.what == "act"] == ["reason", "deadline"]
    with pytest.raises(Invalid):
        case.act(service.set_deadline, dispute.id, due_on=case.clock.now().date() - timedelta(days=1))


def test_an_overdue_dispute_is_escalated_once_for_each_deadline(case) -> None:
    dispute = case.raises()
    system = case.dora.system("disputes")
    assert not case.act(service.escalate, dispute.id, by=system)

    case.days(11)
    assert case.act(service.escalate, dispute.id, by=system)
    assert not case.act(service.escalate, dispute.id, by=system)
    case.act(service.set_deadline, dispute.id, due_on=case.clock.now().date() + timedelta(days=1))
    case.days(2)
    assert case.act(service.escalate, dispute.id, by=system)


def test_every_act_leaves_an_audit_line_and_every_step_a_transition(case) -> None:
    dispute = case.raises()
    case.act(service.take_up, dispute.id)
    case.act(service.reject, dispute.id, grounds="No.")

    with reading() as session:
        actions = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == dispute.id)).all()
        steps = session.scalars(select(DisputeTransition).order_by(DisputeTransition.step)).all()
    assert {"dispute.open", "dispute.under_review", "dispute.rejected"} <= set(actions)
    assert [step.after for step in steps] == [Status.OPEN, Status.UNDER_REVIEW, Status.REJECTED]


def test_words_and_steps_cannot_be_changed_afterwards(case) -> None:
    case.raises()

    for table in ("dispute_entry", "dispute_transition"):
        with pytest.raises(Exception, match="append-only"), transaction() as session:
            session.execute(text(f"UPDATE {table} SET at = now()"))


def test_a_step_that_the_table_does_not_have_is_refused(case) -> None:
    dispute = case.raises()
    case.act(service.withdraw, dispute.id, by=case.dora)

    for verb, facts in (
        (service.reject, {"grounds": "No."}),
        (service.accept, {"credit": service.CreditWish(), "text": "Yes."}),
        (service.take_up, {}),
    ):
        with pytest.raises(Conflict):
            case.act(verb, dispute.id, **facts)


def test_reasons_are_written_when_first_needed_and_never_by_looking(case) -> None:
    with reading() as session:
        assert [each.code for each in choices.reasons(session, case.company_id)] == [d.code for d in DEFAULT_REASONS]
        assert session.scalars(select(DisputeReason)).all() == []

    case.raises()

    with reading() as session:
        assert all(each.id for each in choices.reasons(session, case.company_id))


def test_a_company_words_its_reasons_itself(case) -> None:
    with transaction() as session:
        service.set_reason(
            session,
            company_id=case.company_id,
            code="colour",
            label_en="Wrong colour",
            label_fr="Mauvaise couleur",
            deadline_days=3,
            is_active=True,
            by=STAFF,
        )
        service.set_reason(
            session,
            company_id=case.company_id,
            code="price",
            label_en="Price",
            label_fr="Prix",
            deadline_days=3,
            is_active=False,
            by=STAFF,
        )

    assert case.raises(reason="colour").due_on == case.clock.now().date() + timedelta(days=3)
    with pytest.raises(Invalid):
        case.raises(Claim(case.invoices["F-2"]), reason="price")


@pytest.mark.parametrize(
    "facts",
    [{"code": "a b"}, {"label_en": " "}, {"deadline_days": 0}, {"deadline_days": 400}, {"code": "é"}, {"code": ""}],
)
def test_a_reason_without_sense_is_refused(case, facts) -> None:
    values = {"code": "x", "label_en": "X", "label_fr": "X", "deadline_days": 5, "is_active": True} | facts

    with pytest.raises(Invalid), transaction() as session:
        service.set_reason(session, company_id=case.company_id, by=STAFF, **values)


def test_the_policy_is_kept(case) -> None:
    with transaction() as session:
        service.set_policy(session, company_id=case.company_id, policy=Policy(3, 10, 1), by=STAFF)

    with reading() as session:
        assert queries.policy_of(session, case.company_id) == Policy(3, 10, 1)


def test_news_carries_ids_only(case) -> None:
    from shared.kit import jobs

    case.raises()

    with reading() as session:
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "dispute.raised")).all()
        for message in sent:
            assert set(message.payload) == {"company", "debtor", "id", "by", "staff", "doer"}
        assert len(sent) == len(jobs.subscribers("dispute.raised"))
        assert session.scalars(select(Dispute)).one().reference
