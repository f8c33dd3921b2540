"""What a debtor waits for of the provider of debits, asked while he waits."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import Any

from payments.mandates import collect, setup
from payments.mandates.collect import CREATE_JOB
from payments.mandates.setup import OPEN_JOB
from payments.status import MandateStatus, PaymentStatus
from shared.kit.errors import Unavailable
from shared.kit.jobs import job


@job(OPEN_JOB, queue="money", max_tries=6, timeout_s=120, together=nullcontext, is_followed=True)
def open_mandate_page(payload: dict[str, Any]) -> None:
    """Open the page on which a mandate is signed. Safe to run twice: its request and key are frozen.

    Raises Unavailable (and is tried again) while the provider does not answer; afterwards the janitor asks.
    """
    step = setup.open_page(uuid.UUID(payload["mandate_id"]))
    if step.state is MandateStatus.CREATED and step.url is None:
        raise Unavailable("mandate.unknown", "the page of a mandate is not open yet")


@job(CREATE_JOB, queue="money", max_tries=6, timeout_s=120, together=nullcontext, is_followed=True)
def create_debit(payload: dict[str, Any]) -> None:
    """Find or create a debit that a debtor asked for. Safe to run twice: the provider is asked for it first.

    Raises Unavailable (and is tried again) while the provider does not answer; afterwards the janitor asks.
    """
    if collect.settle_unknown(uuid.UUID(payload["payment_id"])) is PaymentStatus.CREATED:
        raise Unavailable("payment.unknown", "a debit that was asked for is not answered yet")
