"""What the clock and the news ask of plans. Loading this module tells collections and payments of them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from payments import service as payments
from payments.collections.instalments import use_instalments
from payments.plans import acknowledge, contents, progress
from payments.plans import last_look as _last_look  # noqa: F401 - its checks are registered
from payments.plans.debits import PlanDebits
from payments.plans.follow import follow_all
from shared.kit.db import reading, transaction
from shared.kit.each import act_on_each
from shared.kit.jobs import duty, job, on

use_instalments(PlanDebits())
payments.in_the_same_commit(progress.follow_payment)


@duty(every=timedelta(minutes=30))
@job("payments.plans.follow", queue="night", timeout_s=1800, exclusive=True)
def follow_today(_payload: dict[str, Any]) -> None:
    """Let plans say what the ledger says, remind of instalments, end what is over.

    Safe to run twice: progress is derived, and each message has a key of its own.
    """
    follow_all()


@job("payments.plans.paper")
def make_paper(payload: dict[str, Any]) -> None:
    """Make the acknowledgement of debt and keep it. Safe to run twice: the first one is kept, and served ever after."""
    acknowledge.paper(uuid.UUID(payload["plan"]))


@on("invoice.lifted")
@on("invoice.lowered")
@on("dispute.resolved")
@job("payments.plans.refresh")
def refresh_plans(payload: dict[str, Any]) -> None:
    """Something else than a payment changed a debtor's invoices: books that show them paid, or a freeze that ended.

    Safe to run twice: progress is derived, and a debit for what is settled now is asked about in the same commit.
    """
    debtor_id = uuid.UUID(payload.get("debtor") or payload["debtor_id"])
    with reading() as session:
        found = contents.followed(session, debtor_id)
    act_on_each(found, _refresh)


def _refresh(plan_id: uuid.UUID) -> None:
    with transaction() as session:
        progress.refresh(session, plan_id)
