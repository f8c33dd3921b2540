"""The house's jobs: every queue a worker, every job says why twice is safe."""

from __future__ import annotations

import re

import pytest

import wsgi
from shared.kit import jobs
from shared.kit.family import QUEUES as WORKED_QUEUES


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


def test_every_duty_is_a_job() -> None:
    assert {duty.name for duty in jobs.all_duties()} <= set(jobs.all_jobs())
