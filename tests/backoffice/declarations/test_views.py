"""Declared transfers at the desk: the queue, matching, refusing, acts on many, terms."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from payments.declarations import queries, service
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState, Terms
from payments.declarations.service import DeclarationDraft
from payments.models import Means, Payment
from payments.receipts import service as receipts
from shared.attachments import service as attachments
from shared.attachments.models import Attachment
from shared.attachments.rules import Upload
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.support.people import SYSTEM

D = DeclarationState


def declared(debtor_id: uuid.UUID, *parts: Part, minor: int | None = None, **facts: object) -> uuid.UUID:
    with transaction() as session:
        draft = DeclarationDraft(
            attempt=str(uuid.uuid4()),
            minor=minor or sum(part.minor for part in parts),
            paid_on=clock.today() - timedelta(days=1),
            parts=parts,
            bank_reference="VIR 42",
            **facts,
        )
        return service.declare(session, debtor_id=debtor_id, draft=draft, by=SYSTEM).id


def received(debtor_id: uuid.UUID, minor: int) -> uuid.UUID:
    with transaction() as session:
        return receipts.record_receipt(
            session,
            debtor=session.get_one(Debtor, debtor_id),
            means=Means.TRANSFER,
            minor=minor,
            received_on=clock.today(),
            memo="VIR",
            parts=[],
            attempt=str(uuid.uuid4()),
            by=SYSTEM,
        ).id


def state(declaration_id: uuid.UUID) -> DeclarationState:
    with reading() as session:
        return session.get_one(Declaration, declaration_id).state


@pytest.fixture
def declaration(world) -> uuid.UUID:
    checked = attachments.check([Upload("proof.txt", b"a transfer")])
    return declared(world.dora, Part(world.late, 12_000), files=checked)


def test_the_queue_shows_what_is_to_be_looked_for(ines, world, declaration):
    page = ines.get("/declarations").text
    assert "Dora Durand SARL" in page
    assert "VIR 42" in page
    assert "Total of 1 declared transfer" in page
    today = ines.get("/").text
    assert "Declared transfers to look for" in today


def test_the_queue_is_filtered(ines, world, declaration, frozen):
    for query, is_there in (
        ("who=me", False),
        ("who=nobody", True),
        ("q=dora", True),
        ("q=VIR 42", True),
        ("q=F-2026-001", True),
        ("q=nothing", False),
        ("state=late", False),
        ("state=matched", False),
        ("state=all&sort=-amount", True),
    ):
        assert (f"/declarations/{declaration}" in ines.get(f"/declarations?{query}").text) is is_there, query
    frozen.advance(days=6)
    ines.sign_in()
    assert f"/declarations/{declaration}" in ines.get("/declarations?state=late").text
    assert "The search ends on 17 March 2026" in ines.get(f"/declarations/{declaration}").text


def test_a_proof_is_handed_out_and_not_shown(ines, world, declaration):
    page = ines.get(f"/declarations/{declaration}").text
    with reading() as session:
        attachment = session.scalars(select(Attachment)).one()
    path = f"/declarations/{declaration}/files/{attachment.id}"
    assert path in page
    answer = ines.get(path)
    assert answer.data == b"a transfer"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_transfer_is_recorded_and_matched_in_one_act(ines, world, declaration):
    data = {"amount": "150", "received_on": "10/03/2026", "memo": "VIR 42"}
    answer = ines.post(f"/declarations/{declaration}/record", data)
    assert answer.status_code == 303
    page = ines.get(answer.location).text
    assert "is recorded and matched" in page
    assert "€30.00 of it is unapplied credit." in page
    ines.post(f"/declarations/{declaration}/record", data)
    with reading() as session:
        payment = session.scalars(select(Payment)).one()
        assert (payment.amount_minor, payment.memo) == (15_000, "VIR 42")
        assert session.get_one(Invoice, world.late).open_minor == 0
    assert state(declaration) is D.MATCHED


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"amount": ""}, "Write an amount."),
        ({"amount": "0"}, "must be more than zero"),
        ({"received_on": "tomorrow"}, "This is not a day."),
        ({"received_on": "11/03/2026"}, "This day is in the future."),
    ],
)
def test_what_is_wrong_with_a_receipt_is_said(ines, world, declaration, values, words):
    data = {"amount": "120", "received_on": "10/03/2026"} | values
    answer = ines.post(f"/declarations/{declaration}/record", data)
    assert answer.status_code == 422
    assert words in answer.text
    assert state(declaration) is D.DECLARED


def test_a_receipt_recorded_already_is_suggested_and_linked(ines, world, declaration):
    payment_id = received(world.dora, 12_000)
    page = ines.get(f"/declarations/{declaration}").text
    assert "the same amount" in page
    assert "It is this one" in page
    ines.post(f"/declarations/{declaration}/match", {"payment": str(payment_id)})
    assert state(declaration) is D.MATCHED
    with reading() as session:
        assert session.scalars(select(Message.kind).where(Message.kind == "declaration_matched")).all()


def test_it_is_refused_with_a_ready_answer_in_the_debtors_language(ines, world, declaration):
    with transaction() as session:
        session.get_one(Debtor, world.dora).language = "fr"
    page = ines.get(f"/declarations/{declaration}?reply=not_arrived").text
    ready = page.split("<textarea")[1].split(">")[1].split("<")[0]
    assert ready.strip().startswith("Nous avons parcouru nos relevés bancaires")
    ines.post(f"/declarations/{declaration}/refuse", {"answer": f"{ready.strip()}\n\nRegards, Ines"})
    assert state(declaration) is D.REFUSED
    with reading() as session:
        said = session.get_one(Declaration, declaration).answer
    assert "9 mars 2026" in said
    assert said.endswith("Regards, Ines")


def test_a_refusal_needs_words(ines, world, declaration):
    for data in ({"answer": " "}, {}, {"answer": "x" * 2_001}):
        assert ines.post(f"/declarations/{declaration}/refuse", data).status_code == 422
    assert state(declaration) is D.DECLARED


def test_many_are_given_to_a_colleague_or_refused_at_once(ines, world, declaration):
    from backoffice.access.models import StaffMember

    second = declared(world.dora, Part(world.coming, 8_000))
    both = [str(declaration), str(second)]
    with reading() as session:
        me = str(session.scalars(select(StaffMember.id)).one())
    ines.post("/declarations/bulk", {"id": both, "act": "assign", "assignee": me})
    with reading() as session:
        assert session.scalars(select(Declaration.assigned_name)).all() == ["Inès Morel"] * 2
    assert f"/declarations/{second}" in ines.get("/declarations?who=me").text
    ines.post("/declarations/bulk", {"id": both, "act": "refuse", "reply": "not_arrived"})
    assert "Done: 2." in ines.get("/declarations").text
    assert {state(declaration), state(second)} == {D.REFUSED}
    with reading() as session:
        said = session.scalars(select(Declaration.answer)).all()
    assert sorted("120,00" in each for each in said) == [False, True]
    ines.post("/declarations/bulk", {"act": "refuse", "reply": "not_arrived"})
    assert "Tick something first." in ines.get("/declarations").text


def test_it_is_told_at_the_debtor(ines, world, declaration):
    page = ines.get(f"/debtors/{world.dora}").text
    assert "Said to be paid" in page
    assert f"/declarations/{declaration}" in page
    assert "Declared transfer: to look for" in ines.get(f"/debtors/{world.dora}?story=said").text


def test_the_queue_is_a_file(ines, world, declaration):
    assert "VIR 42" in ines.get("/declarations.csv").text
    assert ines.get("/declarations.xlsx").data[:2] == b"PK"


def test_terms_are_set_and_hold(ines, world):
    values = {"is_offered": "y", "pause_days": 14, "back_days": 60, "match_days": 5}
    assert ines.post("/setup/declarations", values).status_code == 303
    with reading() as session:
        assert queries.terms_of(session, world.company) == Terms(pause_days=14, back_days=60, match_days=5)
    assert ines.post("/setup/declarations", values | {"pause_days": 0}).status_code == 422
    assert 'value="14"' in ines.get("/setup/declarations").text


def test_another_companys_declaration_does_not_exist(ines, world, declaration):
    theirs = declared(world.foreign_debtor, Part(world.foreign_invoice, 5_000))
    assert ines.get(f"/declarations/{theirs}").status_code == 404
    assert ines.get(f"/declarations/{theirs}/files/{uuid.uuid4()}").status_code == 404
    assert ines.get(f"/declarations/{declaration}/files/{uuid.uuid4()}").status_code == 404
    data = {"amount": "50", "received_on": "10/03/2026", "answer": "x", "payment": str(uuid.uuid4())}
    for act in ("record", "match", "refuse", "assign"):
        assert ines.post(f"/declarations/{theirs}/{act}", data).status_code == 404, act
    assert ines.post("/declarations/bulk", {"id": [str(theirs)], "act": "refuse"} | data).status_code == 404
    assert str(theirs) not in ines.get("/declarations?state=all").text
    assert state(theirs) is D.DECLARED


def test_another_debtors_receipt_is_not_linked(ines, world, declaration):
    theirs = received(world.foreign_debtor, 5_000)
    assert ines.post(f"/declarations/{declaration}/match", {"payment": str(theirs)}).status_code == 404
    assert ines.post(f"/declarations/{declaration}/match", {"payment": "x"}).status_code == 422
    assert state(declaration) is D.DECLARED


def test_an_agent_links_and_refuses_but_records_no_money(desk, world, declaration):
    desk.add("agent@guichet.example", Role.AGENT)
    desk.sign_in("agent@guichet.example")
    page = desk.get(f"/declarations/{declaration}").text
    assert "Record and match" not in page
    assert desk.post(f"/declarations/{declaration}/record", {}).status_code == 403
    assert desk.post(f"/declarations/{declaration}/refuse", {"answer": "We did not find it."}).status_code == 303


FORM = {"attempt": "one", "paid_on": "9/3/2026", "bank_reference": "VIR 77", "note": "By telephone"}


def test_staff_take_down_a_transfer_with_its_proof(ines, world):
    page = ines.get(f"/debtors/{world.dora}/declarations/new").text
    assert "F-2026-001" in page
    assert f"/debtors/{world.dora}/declarations/new" in ines.get(f"/debtors/{world.dora}").text
    data = FORM | {"invoice": [str(world.late), str(world.coming)], "amount": "150"}
    proof = {"files": (io.BytesIO(b"a transfer"), "advice.txt")}
    answers = [ines.post(f"/debtors/{world.dora}/declarations/new", data | proof)]
    answers.append(ines.post(f"/debtors/{world.dora}/declarations/new", data))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    shown = ines.get(answers[0].location).text
    assert "advice.txt" in shown
    assert "VIR 77" in shown
    assert "By telephone" in shown
    with reading() as session:
        made = session.scalars(select(Declaration)).one()
        assert (made.amount_minor, made.by_kind, made.by_name) == (15_000, "staff", "Inès Morel")
        assert session.get_one(Invoice, world.late).paused_minor == 12_000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"paid_on": "1/5/2026"}, "This day is still to come."),
        ({"paid_on": ""}, "Choose a day."),
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"invoice": []}, "Tick at least one invoice."),
        ({"amount": "x"}, "not an amount"),
    ],
)
def test_what_is_wrong_with_a_transfer_is_said_and_what_was_typed_stays(ines, world, values, words):
    data = FORM | {"invoice": [str(world.late)]} | values
    answer = ines.post(f"/debtors/{world.dora}/declarations/new", data)
    assert answer.status_code == 422
    assert words in answer.text
    assert "By telephone" in answer.text
    with reading() as session:
        assert session.scalars(select(Declaration)).all() == []


def test_a_file_that_is_no_proof_is_refused(ines, world):
    data = FORM | {"invoice": [str(world.late)], "files": (io.BytesIO(b"MZ\x90\x00"), "advice.exe")}
    answer = ines.post(f"/debtors/{world.dora}/declarations/new", data)
    assert answer.status_code == 422
    assert "By telephone" in answer.text


def test_whose_transfer_it_is_is_found_by_words(ines, world):
    assert "Take one down" in ines.get("/declarations").text
    assert f"/debtors/{world.dora}/declarations/new" in ines.get("/declarations/new?q=dora").text
    assert "No debtor is like that" in ines.get("/declarations/new?q=nobody").text
    assert f"/debtors/{world.foreign_debtor}" not in ines.get("/declarations/new?q=a").text


def test_nothing_is_taken_down_for_another_companys_debtor(ines, world):
    path = f"/debtors/{world.foreign_debtor}/declarations/new"
    assert ines.get(path).status_code == 404
    assert ines.post(path, FORM | {"invoice": [str(world.foreign_invoice)]}).status_code == 404
    answer = ines.post(f"/debtors/{world.dora}/declarations/new", FORM | {"invoice": [str(world.foreign_invoice)]})
    assert answer.status_code == 422


def test_a_large_selection_is_added_up_when_it_is_asked_for(ines, world, declaration):
    answer = ines.client.get("/declarations?totals=all", headers={"X-Fragment": "1", "Accept-Language": "en"})
    assert answer.text == "Total of 1 declared transfer: Amount €120.00"
