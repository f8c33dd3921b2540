"""An event is a hint: any number of them, in any order, ends in the provider's state."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, update

from payments.models import PaymentTransition
from payments.reconcile.verify import verify
from payments.status import PaymentStatus as S
from payments.webhooks.handle import TRIES, handle
from payments.webhooks.models import EventState, InboxEvent
from payments.webhooks.receive import replay
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Unavailable
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message


def kept():
    with reading() as session:
        return list(session.scalars(select(InboxEvent).where(InboxEvent.subject.is_not(None)).order_by(InboxEvent.id)))


def keep_without_handling(counter):
    """Let the webhooks come in, and take their jobs away."""
    counter.twins.flush()
    with transaction() as session:
        session.execute(update(OutboxMessage).values(state="done"))
    return [event.id for event in kept()]


def test_every_order_and_every_repetition_of_a_cards_events_ends_in_the_same_state(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    reference = counter.twins.objects("stripe", "payment_intent")[0]["id"]
    counter.twins.fault("chargeback", object=reference)
    events = keep_without_handling(counter)
    assert len(events) >= 4

    for order in list(permutations(events[:4]))[::4]:
        for event in [*order, *events[4:], order[0]]:
            handle(event)
        assert counter.payment(step.payment_id).status is S.CHARGED_BACK
        assert counter.amounts("F-1") == [(12_000, 0)]
        with transaction() as session:
            session.execute(update(InboxEvent).values(state=EventState.WAITING))
    assert verify().differences == []


def test_every_order_of_a_late_failing_debits_events_ends_in_the_same_state(counter):
    results = set()
    for n, order in enumerate(permutations(range(3))):
        counter.open_account((10_000,), code=f"411N{n}")
        mandate = counter.give_mandate()
        payment = counter.pay_by_debit(mandate, counter.part("F-1", 10_000))
        counter.twins.fault("failure", object=payment.provider_reference)
        counter.twins.flush()
        with transaction() as session:
            session.execute(update(OutboxMessage).values(state="done"))
        mine = [event for event in kept() if event.references.get("payment") == payment.provider_reference]
        chosen = [mine[i] for i in order if i < len(mine)]
        for event in chosen:
            handle(event.id)
        found = counter.payment(payment.id)
        with reading() as session:
            steps = session.scalars(select(PaymentTransition.after).where(PaymentTransition.payment_id == payment.id))
            results.add((found.status, found.failure_code, tuple(sorted(step.value for step in steps))))
    assert results == {(S.FAILED, "AM04", ("created", "failed", "submitted"))}


def refer(event_id: uuid.UUID, references: dict[str, str]) -> None:
    """Let an event speak of something else."""
    with transaction() as session:
        row = session.get_one(InboxEvent, event_id)
        row.references = references


def test_an_event_that_overtakes_our_own_record_waits_for_it(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    (event, *_rest) = keep_without_handling(counter)
    refer(event, {"checkout": "cs_unknown"})

    with pytest.raises(Unavailable):
        handle(event)

    assert kept()[0].state is EventState.PARKED


def test_an_event_about_nothing_of_ours_ends_stuck_and_visible(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    (event, *_rest) = keep_without_handling(counter)
    refer(event, {"payment": "pi_x"})

    for _ in range(TRIES - 1):
        with pytest.raises(Unavailable):
            handle(event)
    assert handle(event) is EventState.STUCK


def test_a_provider_that_does_not_answer_leaves_the_event_waiting(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.twins.fault("status", provider="stripe", match="GET /v1/checkout/sessions", status=500, times=0)
    counter.twins.flush()
    perform_due()
    assert {event.state for event in kept()} == {EventState.WAITING}
    assert counter.payment(step.payment_id).status is S.SUBMITTED

    counter.twins.clear_faults()
    counter.twins.advance(seconds=int(timedelta(hours=1).total_seconds()))
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CONFIRMED


def test_staff_may_replay_an_event(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.deliver()
    with transaction() as session:
        replay(session, kept()[0].id, by=Actor.system("test"))
    assert kept()[0].state is EventState.WAITING

    counter.deliver()

    assert kept()[0].state is EventState.HANDLED
    assert counter.amounts("F-1") == [(0, 0)]


def test_a_payment_is_thanked_for_once_however_many_events_come(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.fault("webhook_duplicate", provider="stripe", copies=2, times=0)
    counter.twins.pay(step.url)
    counter.deliver()

    with reading() as session:
        assert [message.kind for message in session.scalars(select(Message))] == ["receipt"]


def test_lost_webhooks_are_found_by_listing(counter):
    from payments.models import Provider
    from payments.reconcile.catch_up import catch_up

    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.fault("webhook_drop", provider="stripe", times=0)
    counter.twins.pay(step.url)
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.SUBMITTED

    assert catch_up(Provider.STRIPE) > 0
    counter.deliver()

    assert counter.payment(step.payment_id).status is S.CONFIRMED
    assert catch_up(Provider.STRIPE) == 0
