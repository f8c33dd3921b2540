"""kill -9 at every boundary of every flow that moves money; then life goes on, and the books are right (I1-I5, I8)."""

from __future__ import annotations

import os
import random

import pytest
from sqlalchemy import func, select, update

from payments.models import Payment
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import OutboxMessage
from shared.messages.models import Message

pytestmark = pytest.mark.slow

UNANSWERED = 400  # seconds: longer than any call with its retries

WHOLE = bool(os.environ.get("TORTURE"))
"""Every boundary of every flow (`make torture`); else every boundary of the short flows and some of the long ones."""


def some(count: int, most: int = 6) -> list[int]:
    """Boundaries to be killed at: all of them, or a fixed choice that always has the first and the last."""
    if WHOLE or count <= most:
        return list(range(1, count + 1))
    return sorted({1, count, *random.Random(20310311).sample(range(2, count), most - 2)})


class Cast:
    """One debtor for each case, who owes one invoice of 100.00."""

    def __init__(self, counter, stage):
        self.counter = counter
        self.stage = stage
        self.made = 0

    def debtor(self, minor=10_000):
        self.made += 1
        self.counter.open_account((minor,), code=f"411T{self.made}")
        return str(self.counter.debtor_id), [[str(self.counter.invoices["F-1"]), minor]]

    def with_mandate(self, fate="success"):
        debtor, parts = self.debtor()
        mandate = self.counter.give_mandate(fate)
        return debtor, str(mandate), parts

    def boundaries(self, name, **given):
        """How many boundaries an act has, by letting it happen once unharmed."""
        said = self.stage.do(name, **given)
        assert not said.killed
        assert len(said.boundaries) >= 2, said.boundaries
        return len(said.boundaries)


@pytest.fixture
def cast(counter, stage):
    return Cast(counter, stage)


def settle(counter):
    """What a healthy installation does by itself: workers and janitor."""
    free_leases()
    counter.deliver()
    counter.twins.advance(seconds=UNANSWERED)
    sweep()
    counter.deliver()


def free_leases():
    """A killed worker's lease runs in the database's own time; let it be over."""
    with transaction() as session:
        session.execute(update(OutboxMessage).values(locked_until=None))


def check(counter, *, paid):
    proof = verify()
    assert proof.differences == []
    with reading() as session:
        open_minor = session.scalar(select(func.coalesce(func.sum(Debtor.open_minor), 0)))
        held = session.scalar(select(func.coalesce(func.sum(Debtor.held_minor), 0)))
        credit = session.scalar(select(func.coalesce(func.sum(Debtor.credit_minor), 0)))
    assert (open_minor, held, credit) == (0, 0, 0), f"{paid} should have paid exactly once each"
    return proof


def test_a_card_payment_survives_a_kill_at_every_boundary_of_its_beginning(cast, counter, stage):
    debtor, parts = cast.debtor()
    count = cast.boundaries("pay_by_card", debtor=debtor, parts=parts, attempt="whole")
    everybody = [(debtor, parts, "whole")]
    for at in range(1, count + 1):
        debtor, parts = cast.debtor()
        said = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"at{at}", kill_at=at)
        assert said.killed
        everybody.append((debtor, parts, f"at{at}"))

    for n, (debtor, parts, attempt) in enumerate(everybody):
        # The same tab presses again, or another tab does.
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=attempt if n % 2 else f"other{n}").result
        counter.twins.pay(step["url"])
    settle(counter)

    proof = check(counter, paid=len(everybody))
    assert proof.compared["stripe payment"] == len(everybody) == stage.kills + 1
    assert len(counter.twins.objects("stripe", "checkout.session")) == len(everybody)


def test_a_card_webhook_survives_a_kill_at_every_boundary_of_its_handling(cast, counter, stage):
    def paid():
        debtor, parts = cast.debtor()
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"a{debtor}").result
        counter.twins.pay(step["url"])
        counter.twins.flush()

    paid()
    count = cast.boundaries("work")
    chosen = some(count)
    for at in chosen:
        paid()
        stage.do("work", kill_at=at)
        free_leases()
    settle(counter)

    check(counter, paid=cast.made)
    assert stage.kills >= len(chosen) - 1
    with reading() as session:
        receipts = session.scalar(select(func.count()).where(Message.kind == "receipt"))
    assert receipts == cast.made


def test_a_debit_survives_a_kill_at_every_boundary_of_its_creation(cast, counter, stage):
    debtor, mandate, parts = cast.with_mandate()
    count = cast.boundaries("pay_by_debit", debtor=debtor, mandate=mandate, parts=parts, attempt="whole")
    for at in range(1, count + 1):
        debtor, mandate, parts = cast.with_mandate()
        given = {"debtor": debtor, "mandate": mandate, "parts": parts}
        assert stage.do("pay_by_debit", **given, attempt=f"at{at}", kill_at=at).killed
        if at % 2:
            stage.do("pay_by_debit", **given, attempt=f"at{at}")
        else:
            said = stage.do("pay_by_debit", **given, attempt=f"other{at}", may_fail=True)
            assert said.error in (None, "payment.under_way")
    settle(counter)
    counter.days(5, bank=True)

    proof = check(counter, paid=cast.made)
    assert proof.compared["gocardless payment"] == cast.made


def test_a_collection_run_survives_a_kill_at_every_boundary_and_tells_and_debits_once(cast, counter, stage):
    def on_autopay():
        debtor, _mandate, _parts = cast.with_mandate()
        with transaction() as session:
            session.get_one(Debtor, counter.debtor_id).autopay = True
        return debtor

    on_autopay()
    announce = cast.boundaries("collections")
    for at in some(announce, 4):
        on_autopay()
        stage.do("collections", kill_at=at)
    stage.do("collections")
    free_leases()
    counter.deliver()  # a notice that never left is no notice
    counter.days(9)
    at = 1
    while stage.do("collections", kill_at=at).killed:  # each pass dies some boundaries later, until one comes through
        at += 1 if WHOLE else 4
    counter.twins.advance(seconds=UNANSWERED)
    settle(counter)
    stage.do("collections")
    counter.days(12)

    proof = check(counter, paid=cast.made)
    assert proof.compared["gocardless payment"] == cast.made
    with reading() as session:
        assert session.scalar(select(func.count()).where(Message.kind == "prenotification")) == cast.made


def test_a_refund_survives_a_kill_at_every_boundary_of_its_sending(cast, counter, stage):
    def refundable():
        debtor, parts = cast.debtor()
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"a{debtor}").result
        counter.twins.pay(step["url"])
        stage.do("return_from_page", payment=step["payment"], debtor=debtor)
        return stage.do("ask_refund", payment=step["payment"], minor=2_500).result

    count = cast.boundaries("send_refund", refund=refundable())
    chosen = some(count)
    for at in chosen:
        refund = refundable()
        stage.do("send_refund", refund=refund, kill_at=at)
        assert stage.do("send_refund", refund=refund).result == "done"
    settle(counter)

    proof = verify()
    assert proof.differences == []
    assert proof.compared["stripe refund"] == cast.made == len(chosen) + 1


def test_a_mandate_survives_a_kill_at_every_boundary_of_its_asking(cast, counter, stage):
    debtor, _parts = cast.debtor()
    count = cast.boundaries("ask_mandate", debtor=debtor, attempt="whole")
    chosen = some(count)
    for at in chosen:
        debtor, _parts = cast.debtor()
        assert stage.do("ask_mandate", debtor=debtor, attempt=f"at{at}", kill_at=at).killed
        step = stage.do("ask_mandate", debtor=debtor, attempt=f"at{at}").result
        counter.twins.authorise(step["url"], "success", email="dora@client.example")
        assert stage.do("return_from_mandate", mandate=step["mandate"], debtor=debtor).result == "pending"
    requests = counter.twins.objects("gocardless", "billing_requests")
    assert len(requests) == len(chosen) + 1


def test_giving_up_survives_a_kill_at_every_boundary(cast, counter, stage):
    def begun():
        debtor, parts = cast.debtor()
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"a{debtor}").result
        return {"payment": step["payment"], "debtor": debtor}

    count = cast.boundaries("abandon", **begun())
    for at in some(count):
        given = begun()
        stage.do("abandon", **given, kill_at=at)
        assert stage.do("abandon", **given).result in ("cancelled", "expired")
    settle(counter)
    assert verify().differences == []
    with reading() as session:
        assert session.scalar(select(func.sum(Debtor.held_minor))) == 0
        assert {payment.status.value for payment in session.scalars(select(Payment))} <= {"cancelled", "expired"}


def test_the_janitor_survives_a_kill_at_every_boundary(cast, counter, stage):
    def unanswered():
        counter.twins.fault("cut_after_commit", provider="stripe", match="POST /v1/checkout/sessions", times=2)
        debtor, parts = cast.debtor()
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"a{debtor}").result
        assert step["url"] is None
        return debtor, parts

    cases = [unanswered()]
    counter.twins.advance(seconds=UNANSWERED)
    count = cast.boundaries("janitor")
    for at in some(count, 4):
        cases.append(unanswered())
        counter.twins.advance(seconds=UNANSWERED)
        stage.do("janitor", kill_at=at)
    stage.do("janitor")
    for debtor, parts in cases:
        step = stage.do("pay_by_card", debtor=debtor, parts=parts, attempt=f"later{debtor}").result
        counter.twins.pay(step["url"])
    settle(counter)

    proof = check(counter, paid=cast.made)
    assert proof.compared["stripe payment"] == cast.made
