"""Pages of the provider that a debtor waits for, opened while he waits."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import Any

from payments.cards.checkout import OPEN_JOB, open_page
from payments.status import PaymentStatus
from shared.kit.actors import Actor
from shared.kit.errors import Unavailable
from shared.kit.jobs import job


@job(OPEN_JOB, queue="money", max_tries=6, timeout_s=90, together=nullcontext, is_followed=True)
def open_card_page(payload: dict[str, Any]) -> None:
    """Open the page of a card payment. Safe to run twice: its request and key are frozen, and an open page is left alone.

    Raises Unavailable (and is tried again) while the provider does not answer; afterwards the janitor asks.
    """
    step = open_page(uuid.UUID(payload["payment_id"]), by=Actor.system("opening"))
    if step.state is PaymentStatus.CREATED:
        raise Unavailable("payment.unknown", "the page of a card payment is not open yet")
