"""The page of a card payment whose provider is away longer than the job that opens it tries."""

from __future__ import annotations

from sqlalchemy import select

from payments.cards.checkout import OPEN_JOB
from payments.reconcile.sweep import sweep
from payments.status import PaymentStatus as S
from shared.kit import jobs
from shared.kit.db import reading
from shared.kit.outbox import MessageState, OutboxMessage
from shared.kit.outbox.relay import perform_due


def opening() -> OutboxMessage:
    with reading() as session:
        return session.scalars(select(OutboxMessage).where(OutboxMessage.job == OPEN_JOB)).one()


def test_a_page_whose_provider_stays_away_is_left_to_the_janitor_and_no_job_gave_up(counter):
    counter.open_account()
    counter.twins.fault("status", provider="stripe", match="/v1/", status=500, times=0)
    step = counter.pay_by_card(counter.part("F-1", 12_000))

    for _try in range(jobs.get(OPEN_JOB).max_tries):
        assert opening().state is MessageState.WAITING
        perform_due()
        counter.twins.advance(seconds=3_600)

    assert opening().state is MessageState.DONE
    assert opening().done_at is not None
    assert counter.payment(step.payment_id).status is S.CREATED
    counter.twins.clear_faults()
    sweep()
    assert counter.payment(step.payment_id).status is S.EXPIRED
    assert counter.amounts("F-1") == [(12_000, 0)]
