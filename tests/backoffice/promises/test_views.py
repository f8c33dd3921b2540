"""Promises at the desk: the queue, one promise, taking one down, acts on many, limits, expected cash."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.messages.models import Message
from shared.promises import queries, service
from shared.promises.models import Promise
from shared.promises.rules import Limits, PromiseState
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM


def given(debtor_id: uuid.UUID, invoice_id: uuid.UUID, minor: int, days: int = 5) -> uuid.UUID:
    with transaction() as session:
        draft = PromiseDraft(
            str(uuid.uuid4()), [Part(invoice_id, minor)], clock.today() + timedelta(days=days), note="On payday"
        )
        return service.give(session, debtor_id=debtor_id, draft=draft, by=SYSTEM).id


def looked_at(promise_id: uuid.UUID) -> None:
    with transaction() as session:
        service.look(session, promise_id)


def state(promise_id: uuid.UUID) -> PromiseState:
    with reading() as session:
        return session.get_one(Promise, promise_id).state


@pytest.fixture
def promise(world) -> uuid.UUID:
    return given(world.dora, world.late, 12_000)


def test_the_queue_shows_what_is_expected_with_its_sums(ines, world, promise):
    page = ines.get("/promises").text
    assert "Dora Durand SARL" in page
    assert "€120.00" in page
    assert "Total of 1 promise" in page
    assert f"/promises/{promise}" in page


def test_the_queue_is_filtered_by_state_person_day_and_words(ines, world, promise, frozen):
    second = given(world.dora, world.coming, 8_000, days=20)
    ines.post(f"/promises/{second}/assign", {"assignee": member_id(ines)})
    on = (clock.today() + timedelta(days=20)).isoformat()
    for query, wanted in (
        ("who=me", {second}),
        ("who=nobody", {promise}),
        (f"on={on}", {second}),
        ("q=dora", {promise, second}),
        ("q=F-2026-001", {promise}),
        ("q=nobody", set()),
        ("state=late", set()),
        ("state=all&sort=-amount", {promise, second}),
    ):
        page = ines.get(f"/promises?{query}").text
        assert {one for one in (promise, second) if f"/promises/{one}" in page} == wanted, query
    frozen.advance(days=7)
    ines.sign_in()
    page = ines.get("/promises?state=late").text
    assert "In grace" in page
    assert f"/promises/{promise}" in page


def member_id(desk) -> str:
    from backoffice.access.models import StaffMember

    with reading() as session:
        return str(session.scalars(select(StaffMember.id)).first())


def test_a_broken_promise_is_found_under_broken_on_today_and_at_the_debtor(ines, world, promise, frozen):
    frozen.advance(days=9)
    looked_at(promise)
    ines.sign_in()
    assert f"/promises/{promise}" in ines.get("/promises?state=broken").text
    assert "Broken promises" in ines.get("/").text
    page = ines.get(f"/debtors/{world.dora}").text
    assert "Broken in twelve months" in page
    assert "Promise: broken" in page
    assert f"/promises/{promise}" in page
    assert "Promise: broken" in ines.get(f"/debtors/{world.dora}?story=said").text
    assert "nothing came in time" in ines.get(f"/promises/{promise}").text
    assert "Kept in twelve months: 0 of 1 (0" in ines.get("/promises").text


def test_staff_take_down_a_promise_and_the_debtor_is_told(ines, world):
    page = ines.get(f"/debtors/{world.dora}/promises/new").text
    assert "F-2026-001" in page
    data = {
        "attempt": "one",
        "promised_on": "15/03/2026",
        "invoice": [str(world.late), str(world.coming)],
        "amount": "150",
        "note": "By telephone",
    }
    answers = [ines.post(f"/debtors/{world.dora}/promises/new", data) for _ in range(2)]
    assert answers[0].status_code == 303
    page = ines.get(answers[0].location).text
    assert "By telephone" in page
    assert "€120.00" in page
    assert "€30.00" in page
    with reading() as session:
        assert len(session.scalars(select(Promise)).all()) == 1
        assert session.scalars(select(Message.kind)).all() == ["promise_made"]
        assert session.scalars(select(Promise.assigned_name)).one() == "Inès Morel"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"promised_on": "1/5/2026"}, "the last possible day is 31 March 2026"),
        ({"promised_on": "1/3/2026"}, "This day is past."),
        ({"promised_on": ""}, "Choose a day."),
        ({"amount": "500"}, "At most €120.00 is open on what you ticked."),
        ({"invoice": []}, "At most €0.00 is open on what you ticked."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(ines, world, values, words):
    data = {"attempt": "x", "promised_on": "15/3/2026", "invoice": [str(world.late)], "note": "By telephone"} | values
    answer = ines.post(f"/debtors/{world.dora}/promises/new", data)
    assert answer.status_code == 422
    assert words in answer.text
    assert "By telephone" in answer.text


def test_a_promise_is_changed_for_the_debtor(ines, world, promise):
    assert 'value="2026-03-17"' in ines.get(f"/promises/{promise}/change").text
    data = {"attempt": "other", "promised_on": "20/3/2026", "invoice": [str(world.coming)]}
    answer = ines.post(f"/promises/{promise}/change", data)
    assert answer.status_code == 303
    assert state(promise) is PromiseState.CANCELLED
    assert f"/promises/{promise}" in ines.get(answer.location).text
    assert ines.get(f"/promises/{promise}/change").status_code == 303


def test_a_promise_is_cancelled_with_a_reason_that_the_debtor_reads(ines, world, promise):
    ines.post(f"/promises/{promise}/cancel", {"reason": "You asked us to"})
    assert state(promise) is PromiseState.CANCELLED
    with reading() as session:
        mail = session.scalars(select(Message).where(Message.kind == "promise_cancelled")).one()
        assert session.get_one(Invoice, world.late).paused_minor == 0
    assert "You asked us to" in mail.text_body
    assert "Promise cancelled" in ines.get("/system/audit").text


def test_many_are_given_to_a_colleague_or_cancelled_at_once(ines, world, promise):
    second = given(world.dora, world.coming, 8_000)
    both = [str(promise), str(second)]
    ines.post("/promises/bulk", {"id": both, "act": "assign", "assignee": member_id(ines)})
    with reading() as session:
        assert session.scalars(select(Promise.assigned_name)).all() == ["Inès Morel"] * 2
    ines.post("/promises/bulk", {"id": both, "act": "assign", "assignee": ""})
    answer = ines.post("/promises/bulk", {"id": both, "act": "cancel", "reply": "other_agreement", "keep-who": "me"})
    assert answer.status_code == 303
    assert answer.location == "/promises?who=me"
    assert "Done: 2." in ines.get("/promises").text
    assert {state(promise), state(second)} == {PromiseState.CANCELLED}
    with reading() as session:
        mails = session.scalars(select(Message.text_body).where(Message.kind == "promise_cancelled")).all()
    assert sorted("120,00" in each for each in mails) == [False, True]
    ines.post("/promises/bulk", {"act": "cancel", "reply": "other_agreement"})
    assert "Tick something first." in ines.get("/promises").text


def test_expected_cash_is_shown_by_day(ines, world, promise):
    given(world.dora, world.coming, 8_000, days=12)
    page = ines.get("/promises/expected").text
    assert "15 March 2026" in page
    assert "22 March 2026" in page
    assert "€200.00" in page
    assert "Expected by week" in page
    assert ines.get("/promises/expected?days=x").status_code == 200


def test_the_queue_is_a_file(ines, world, promise):
    answer = ines.get("/promises.csv")
    assert answer.status_code == 200
    assert "Dora Durand SARL" in answer.text
    assert ines.get("/promises.xlsx").data[:2] == b"PK"


def test_limits_are_set_and_hold(ines, world):
    assert 'name="days_ahead"' in ines.get("/setup/promises").text
    values = {"is_offered": "y", "days_ahead": 40, "grace_days": 1, "live_most": 1, "year_most": 2, "broken_most": 0}
    assert ines.post("/setup/promises", values).status_code == 303
    with reading() as session:
        limits = queries.limits_of(session, world.company)
    assert limits == Limits(days_ahead=40, grace_days=1, live_most=1, year_most=2, broken_most=0)
    answer = ines.post("/setup/promises", values | {"days_ahead": 0})
    assert answer.status_code == 422
    assert "Between 1 and 365." in answer.text


def test_the_navigation_counts_promises_whose_day_is_past(ines, world, promise, frozen):
    frozen.advance(days=6)
    ines.sign_in()
    assert "Promises whose day is past" in ines.get("/").text


def foreign(world) -> uuid.UUID:
    return given(world.foreign_debtor, world.foreign_invoice, 5_000)


def test_another_companys_promise_and_debtor_do_not_exist(ines, world):
    theirs = foreign(world)
    for path in (f"/promises/{theirs}", f"/promises/{theirs}/change", f"/debtors/{world.foreign_debtor}/promises/new"):
        assert ines.get(path).status_code == 404, path
    data = {"attempt": "x", "promised_on": "15/3/2026", "invoice": [str(world.foreign_invoice)], "reason": "x"}
    for path in ("change", "assign", "cancel"):
        assert ines.post(f"/promises/{theirs}/{path}", data).status_code == 404, path
    assert ines.post(f"/debtors/{world.foreign_debtor}/promises/new", data).status_code == 404
    assert ines.post("/promises/bulk", {"id": [str(theirs)], "act": "cancel"}).status_code == 404
    assert str(theirs) not in ines.get("/promises?state=all").text
    assert state(theirs) is PromiseState.EXPECTED


def test_anothers_invoice_is_not_promised_for_a_debtor(ines, world):
    data = {"attempt": "x", "promised_on": "15/3/2026", "invoice": [str(world.foreign_invoice)]}
    assert ines.post(f"/debtors/{world.dora}/promises/new", data).status_code == 422
    with reading() as session:
        assert session.scalars(select(Promise)).all() == []
        assert session.get_one(Debtor, world.foreign_debtor).open_minor == 5_000


def test_an_auditor_reads_and_changes_nothing(desk, world, promise):
    desk.add("audit@guichet.example", Role.AUDITOR)
    desk.sign_in("audit@guichet.example")
    page = desk.get(f"/promises/{promise}").text
    assert "Cancel the promise" not in page
    assert desk.post(f"/promises/{promise}/cancel", {}).status_code == 403
    assert desk.get("/promises.csv").status_code == 200


def test_a_large_selection_is_added_up_when_it_is_asked_for(ines, world, promise):
    answer = ines.client.get("/promises?totals=all", headers={"X-Fragment": "1", "Accept-Language": "en"})
    assert answer.text == "Total of 1 promise: Promised €120.00"
