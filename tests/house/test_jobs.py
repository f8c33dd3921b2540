"""The house's jobs: every topic has a subscriber, every queue a worker, every job says why twice is safe."""

from __future__ import annotations

import re

import pytest

import wsgi
from payments.returns import TOPICS
from payments.status import MANDATE_EDGES, PAYMENT_EDGES
from shared.kit import jobs
from shared.kit.family import QUEUES as WORKED_QUEUES

FOR_STAFF = {"payment.went_back", "payment.lost", "payment.refund_waits", "payment.asked_about", "mandate.lost"}
"""What is published for staff beside the steps of payments and mandates."""


@pytest.fixture(autouse=True)
def _known() -> None:
    wsgi.metadata()
    wsgi.import_jobs()


def test_every_job_says_why_running_it_twice_is_safe() -> None:
    assert len(jobs.all_jobs()) > 5
    silent = [name for name, job in jobs.all_jobs().items() if not re.search(r"[Tt]wice", job.run.__doc__ or "")]
    assert silent == []


def test_every_queue_has_a_worker_in_the_family() -> None:
    assert {job.queue for job in jobs.all_jobs().values()} <= set(jobs.QUEUES) == set(WORKED_QUEUES)


def test_every_subscription_is_to_a_topic_that_somebody_publishes() -> None:
    edges = set(PAYMENT_EDGES.values()) | set(MANDATE_EDGES.values()) | set(TOPICS.values()) | FOR_STAFF
    others = {topic for topic in jobs.all_topics() if not topic.startswith(("payment.", "mandate."))}
    assert {topic for topic in jobs.all_topics() if topic not in others} <= edges


def test_every_duty_is_a_job() -> None:
    assert {duty.name for duty in jobs.all_duties()} <= set(jobs.all_jobs())
