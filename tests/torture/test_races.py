"""Many at once: two tabs, two means, a webhook beside a returning browser, a queue that is emptied (I3, I6, I8)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from payments.cards import checkout
from payments.follow import follow
from payments.mandates import collect
from payments.models import PaymentTransition
from payments.reconcile.verify import verify
from payments.status import PaymentStatus as S
from payments.webhooks.handle import handle
from payments.webhooks.models import InboxEvent
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.kit.jobs import QUEUES
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import relay
from shared.kit.servers import ensure_test_valkey

pytestmark = pytest.mark.slow


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Let acts begin at the same moment; gives results and refusals."""
    start = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(n: int, act: Callable[[], Any]) -> None:
        start.wait()
        try:
            found[n] = act()
        except DomainError as refusal:
            found[n] = refusal.code
        except AssertionError as refusal:  # a twin says no: the page was closed a moment ago
            found[n] = str(refusal)

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def begin(counter, *parts, attempt):
    return lambda: checkout.begin(
        debtor_id=counter.debtor_id,
        contact_id=None,
        parts=parts,
        attempt=attempt,
        language="en",
        success_url="http://guichet.test/ok",
        cancel_url="http://guichet.test/no",
        by=counter.by,
    )


@pytest.mark.parametrize("round_", range(3))
def test_eight_tabs_paying_the_same_invoice_share_one_page(counter, round_):
    counter.open_account()
    part = counter.part("F-1", 12_000)

    steps = at_once(*[begin(counter, part, attempt=f"tab{n}") for n in range(8)])

    assert len({step.payment_id for step in steps}) == 1
    assert len(counter.payments()) == len(counter.twins.objects("stripe", "checkout.session")) == 1
    assert counter.amounts("F-1") == [(12_000, 12_000)]


@pytest.mark.parametrize("round_", range(3))
def test_tabs_paying_different_parts_never_hold_more_than_is_open(counter, round_):
    counter.open_account()
    wishes = [counter.part("F-1", minor) for minor in (7_000, 6_000, 5_000, 4_000, 3_000)]

    results = at_once(*[begin(counter, wish, attempt=f"tab{n}") for n, wish in enumerate(wishes)])

    ((open_minor, held),) = counter.amounts("F-1")
    assert held <= open_minor == 12_000
    assert held == sum(payment.amount_minor for payment in counter.payments())
    assert all(result == "payment.under_way" or result.url for result in results)
    assert verify().differences == []


@pytest.mark.parametrize("round_", range(3))
def test_a_card_and_a_debit_at_once_take_the_money_once(counter, round_):
    counter.open_account()
    mandate = counter.give_mandate()
    part = counter.part("F-1", 12_000)

    card, debit = at_once(
        begin(counter, part, attempt="card"),
        lambda: collect.pay_now(
            debtor_id=counter.debtor_id,
            contact_id=None,
            mandate_id=mandate,
            parts=[part],
            attempt="debit",
            by=counter.by,
        ),
    )

    assert [card, debit].count("payment.under_way") == 1
    pages = counter.twins.objects("stripe", "checkout.session")
    debits = counter.twins.objects("gocardless", "payments")
    assert len(pages) + len(debits) == 1


def test_browser_webhooks_and_janitor_at_once_confirm_once(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.twins.flush()
    with reading() as session:
        events = list(session.scalars(select(InboxEvent.id).where(InboxEvent.subject.is_not(None))))

    at_once(
        *[lambda e=event: handle(e) for event in events * 2],
        *[lambda: checkout.look(step.payment_id, counter.debtor_id)] * 3,
    )
    counter.deliver()

    with reading() as session:
        steps = session.scalars(
            select(PaymentTransition.after).where(PaymentTransition.payment_id == step.payment_id)
        ).all()
    assert steps.count(S.CONFIRMED) == 1
    assert counter.amounts("F-1") == [(0, 0)]
    assert verify().differences == []


def test_an_older_answer_that_comes_later_does_not_undo_the_newer(counter):
    """One asker gets "confirmed" but is held up; the debit fails late, and another asker has that already."""
    counter.open_account()
    payment = counter.pay_by_debit(counter.give_mandate(), counter.part("F-1", 12_000))
    counter.days(4, bank=True)
    assert counter.payment(payment.id).status is S.CONFIRMED
    reference = payment.provider_reference
    counter.twins.fault("slow", provider="gocardless", match=f"GET /payments/{reference}", seconds=3)
    slow = threading.Thread(target=lambda: follow(payment.id))

    slow.start()
    while not any(rule["hits"] for rule in counter.twins.faults()):
        pass  # until the slow answer is being given
    counter.twins.fault("late_failure", object=reference)
    assert follow(payment.id) is S.FAILED
    slow.join()

    assert counter.payment(payment.id).status is S.FAILED
    assert counter.amounts("F-1") == [(12_000, 0)]
    assert verify().differences == []


def test_paid_on_a_page_that_is_given_up_at_the_same_moment_is_never_lost(counter):
    for n in range(4):
        counter.open_account((10_000,), code=f"411R{n}")
        step = counter.pay_by_card(counter.part("F-1", 10_000))

        at_once(
            lambda s=step: counter.twins.ask("POST", "/_twin/pay", json={"session": s.url, "card": "success"}),
            lambda s=step: checkout.abandon(s.payment_id, counter.debtor_id, counter.by),
        )
        counter.deliver()

        taken = [one for one in counter.twins.objects("stripe", "charge") if one["amount"] == 10_000]
        assert counter.payment(step.payment_id).status in (S.CONFIRMED, S.CANCELLED, S.EXPIRED)
        assert len(taken) <= n + 1
    assert verify().differences == []


def test_a_queue_that_is_emptied_at_any_moment_costs_delay_only(counter):
    redis = Redis.from_url(ensure_test_valkey())
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.twins.flush()
    for _ in range(3):
        assert relay(redis) > 0
        _empty(redis)
        with transaction() as session:
            session.execute(update(OutboxMessage).values(locked_until=None))
    assert counter.payment(step.payment_id).status is S.SUBMITTED

    relay(redis)
    for name in ("now", "money", "news", "soon"):
        queue = Queue(name, connection=redis, serializer=JSONSerializer)
        SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")

    assert counter.payment(step.payment_id).status is S.CONFIRMED
    _empty(redis)


def _empty(redis: Redis) -> None:
    """What a flush does to our queues (other tests may use the same server)."""
    for name in QUEUES:
        Queue(name, connection=redis, serializer=JSONSerializer).empty()


def test_receipts_and_pages_for_the_same_money_do_not_cross(counter):
    from datetime import date

    from payments.models import Means
    from payments.receipts import record_receipt

    counter.open_account()

    def cheque():
        with transaction() as session:
            return record_receipt(
                session,
                debtor=session.get_one(Debtor, counter.debtor_id),
                means=Means.CHEQUE,
                minor=12_000,
                received_on=date(2031, 3, 10),
                memo="",
                parts=[counter.part("F-1", 12_000)],
                attempt=str(uuid.uuid4()),
                by=counter.by,
            )

    results = at_once(cheque, cheque, begin(counter, counter.part("F-1", 12_000), attempt="tab"))

    assert sum(isinstance(result, str) for result in results) == 2
    assert verify().differences == []
