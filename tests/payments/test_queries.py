"""What a debtor sees of his money in motion, and nothing of another's (I11)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from payments import queries
from payments.health import look as look_at_health
from payments.queries import PaymentFilters
from payments.status import PaymentStatus as S
from shared.company.models import Company
from shared.kit import pulse
from shared.kit.db import reading, transaction
from shared.kit.jobs import QUEUES


def test_a_payment_tells_its_whole_story_to_its_own_debtor_only(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 5_000), counter.part("F-2", 8_000))
    counter.twins.pay(step.url)
    counter.deliver()

    with reading() as session:
        story = queries.payment_story(session, step.payment_id, counter.debtor_id)
        assert story is not None
        assert [one.after for one in story.steps] == [S.CREATED, S.SUBMITTED, S.CONFIRMED]
        assert [(one.number, one.money.minor) for one in story.allocations] == [("F-1", 5_000), ("F-2", 8_000)]
        assert sorted(leg.phase.value for leg in story.legs) == ["pending", "pending", "post", "post"]
        assert story.refundable.minor == 13_000
        assert queries.payment_story(session, step.payment_id, uuid.uuid4()) is None
        assert queries.payment_story(session, step.payment_id, company_id=uuid.uuid4()) is None


def test_what_is_under_way_is_listed_with_the_page_that_is_open(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 5_000), attempt="form-7")

    with reading() as session:
        (line,) = queries.in_flight(session, counter.debtor_id)
        assert (line.url, line.numbers, line.is_in_flight) == (step.url, ("F-1",), True)
        assert queries.in_flight(session, uuid.uuid4()) == []
        for name in (line.reference, line.reference.lower().replace("-", " "), str(line.id), "form-7"):
            assert queries.find_payment(session, counter.debtor_id, name) == line
            assert queries.find_payment(session, uuid.uuid4(), name) is None

    counter.twins.advance(seconds=3000)
    with reading() as session:
        assert queries.in_flight(session, counter.debtor_id)[0].url is None


def test_the_usable_mandate_is_the_newest_that_lives(counter):
    from payments.mandates import setup

    counter.open_account()
    with reading() as session:
        assert queries.usable_mandate(session, counter.debtor_id) is None
    first, second = counter.give_mandate(), counter.give_mandate()
    with reading() as session:
        assert queries.usable_mandate(session, counter.debtor_id).id == second
        assert queries.usable_mandate(session, uuid.uuid4()) is None
        assert queries.find_mandate(session, uuid.uuid4(), str(first)) is None

    setup.cancel(second, counter.debtor_id, counter.by)
    with reading() as session:
        assert queries.usable_mandate(session, counter.debtor_id).id == first
        assert [one.id for one in queries.mandates_of(session, counter.debtor_id)] == [second, first]


def test_a_debit_under_way_is_among_the_next_debits(counter):
    counter.open_account()
    payment = counter.pay_by_debit(counter.give_mandate(), counter.part("F-1", 12_000))
    with reading() as session:
        (debit,) = queries.next_debits(session, counter.debtor_id)
    assert (debit.payment_id, debit.numbers, debit.on) == (payment.id, ("F-1",), payment.charge_on)


def test_a_companys_payments_are_listed_page_by_page_and_narrowed(counter):
    counter.open_account((1_000, 2_000, 3_000))
    for n in (1, 2, 3):
        counter.pay_by_card(counter.part(f"F-{n}", n * 1_000))
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        first = queries.list_payments(session, company_id, limit=2)
        rest = queries.list_payments(session, company_id, key=first.next_key, limit=2)
        assert [line.money.minor for line in (*first.rows, *rest.rows)] == [3_000, 2_000, 1_000]
        assert rest.next_key is None

        def minors(**asked):
            page = queries.list_payments(session, company_id, PaymentFilters(**asked))
            return [line.money.minor for line in page.rows]

        assert minors(text="F-2") == [2_000]
        assert minors(text="dora") == [3_000, 2_000, 1_000]
        assert minors(statuses=frozenset({S.CONFIRMED})) == []
        assert queries.list_payments(session, uuid.uuid4()).rows == []
        assert queries.count_by_status(session, company_id) == {S.SUBMITTED: (3, 6_000)}


def everybody_works(*, but: str = ""):
    with transaction() as session:
        session.execute(delete(pulse.Pulse))
        for name in (pulse.CLOCK, *(pulse.of_worker(queue) for queue in QUEUES)):
            if name != but:
                pulse.write(session, name)


@pytest.mark.parametrize("who", ["clock", "worker:now", "worker:news"])
def test_ready_means_that_the_clock_and_every_worker_live(counter, who):
    client = counter.door.app.test_client()
    assert client.get("/readyz").status_code == 503
    everybody_works(but=who)
    assert client.get("/readyz").json["not_at_work"] == [who]
    with transaction() as session:
        pulse.write(session, who)
        session.execute(
            update(pulse.Pulse).where(pulse.Pulse.name == who).values(beat_at=func.now() - timedelta(minutes=3))
        )
    assert client.get("/readyz").json["not_at_work"] == [who]
    everybody_works()
    assert client.get("/readyz").status_code == 200


def test_health_sees_what_stands_still(counter):
    counter.open_account()
    client = counter.door.app.test_client()
    assert client.get("/healthz").status_code == 200
    everybody_works()
    assert client.get("/readyz").status_code == 200

    step = counter.pay_by_card(counter.part("F-1", 5_000))
    counter.twins.pay(step.url)
    counter.twins.flush()
    counter.twins.advance(seconds=3600)

    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["ready"]) == (503, False)
    assert answer.json["oldest_unhandled_webhook_s"] >= 3600
    counter.deliver()
    with reading() as session:
        assert look_at_health(session).oldest_unhandled_webhook_s is None
