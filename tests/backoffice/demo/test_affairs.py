"""What goes on in the demo from its first day."""

from __future__ import annotations

from sqlalchemy import select

import wsgi
from backoffice.demo.seed import seed
from payments.plans.models import Plan
from payments.plans.status import PlanStatus
from shared.kit.db import reading


def test_one_plan_waits_for_a_person_and_one_runs(database, settings, frozen) -> None:
    wsgi.import_jobs()
    seed(password="a-long-enough-password")

    with reading() as session:
        assert sorted(session.scalars(select(Plan.status)), key=lambda one: one.value) == [
            PlanStatus.ACTIVE,
            PlanStatus.NEEDS_PERSON,
        ]
