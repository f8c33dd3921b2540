"""A plan or a dispute and a payment over the same money at the same moment: whichever comes first, never both (I10)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select

from payments.plans.models import Plan
from payments.status import PaymentStatus
from shared.debtors.models import DebtorContact
from shared.disputes import service as disputes
from shared.disputes.service import Claim
from shared.invoices.models import Invoice
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict

ROUNDS = 10


def together(*acts: Callable[[], object]) -> list[object]:
    start = threading.Barrier(len(acts))
    ends: list[object] = [None] * len(acts)

    def one(place: int, act: Callable[[], object]) -> None:
        start.wait()
        try:
            ends[place] = act()
        except Conflict as conflict:
            ends[place] = conflict

    threads = [threading.Thread(target=one, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def money(counter) -> list[tuple[int, int, int]]:
    with reading() as session:
        rows = session.scalars(select(Invoice).where(Invoice.debtor_id == counter.debtor_id).order_by(Invoice.id))
        return [(row.open_minor, row.held_minor, row.frozen_minor) for row in rows]


def contact_of(counter) -> uuid.UUID:
    with reading() as session:
        query = select(DebtorContact.contact_id).where(DebtorContact.debtor_id == counter.debtor_id)
        return session.scalars(query).one()


def test_a_plan_accepted_while_a_card_page_opens_over_its_money_leaves_one_of_them(planner):
    counter = planner.counter
    for turn in range(ROUNDS):
        counter.open_account((30_000, 30_000), code=f"411R{turn}")
        plan = planner.propose(attempt=f"form-{turn}")
        parts = [counter.part("F-1", 30_000), counter.part("F-2", 30_000)]

        page, accepted = together(
            lambda parts=parts: counter.pay_by_card(*parts),
            lambda plan=plan: retrying(lambda: planner.accept(plan)),
        )

        assert isinstance(page, Conflict) != isinstance(accepted, Conflict), (turn, page, accepted)
        assert all(held + frozen <= open_ for open_, held, frozen in money(counter)), money(counter)


def test_a_dispute_that_comes_before_the_payment_is_written_leaves_its_money_alone(planner):
    counter = planner.counter
    for turn in range(ROUNDS):
        counter.open_account((30_000,), code=f"411D{turn}")
        contact = contact_of(counter)

        def contest(contact=contact) -> object:
            with transaction() as session:
                return disputes.raise_dispute(
                    session,
                    debtor_id=counter.debtor_id,
                    claims=[Claim(counter.invoices["F-1"])],
                    reason_code="price",
                    text="No.",
                    attempt=str(uuid.uuid4()),
                    contact_id=contact,
                    by=Actor.contact(contact, "Dora"),
                )

        part = counter.part("F-1", 30_000)
        page, raised = together(lambda part=part: counter.pay_by_card(part), lambda: retrying(contest))

        assert not isinstance(raised, Conflict)
        if not isinstance(page, Conflict):
            continue  # the payment was first: it is under way over money that is contested afterwards, and both are told
        assert money(counter) == [(30_000, 0, 30_000)]


def test_what_a_dispute_froze_is_not_held_by_a_payment_that_was_chosen_before(planner):
    counter = planner.counter
    counter.open_account((30_000,), code="411LATE")
    contact = contact_of(counter)
    with transaction() as session:
        disputes.raise_dispute(
            session,
            debtor_id=counter.debtor_id,
            claims=[Claim(counter.invoices["F-1"], minor=20_000)],
            reason_code="price",
            text="No.",
            attempt="late",
            contact_id=contact,
            by=Actor.contact(contact, "Dora"),
        )

    with pytest.raises(Conflict) as refused:
        counter.pay_by_card(counter.part("F-1", 10_001))

    assert refused.value.code == "ledger.not_available"
    counter.pay_by_card(counter.part("F-1", 10_000))
    assert money(counter) == [(30_000, 10_000, 20_000)]


def test_an_instalment_of_a_plan_is_paid_with_the_money_that_the_plan_froze(planner):
    plan = planner.agree()
    _parts, _page = planner.pay(plan)
    assert [one.status for one in planner.counter.payments()][-1] is PaymentStatus.SUBMITTED
    assert isinstance(planner.plan(plan), Plan)
