"""The clock's duties of making sure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from payments.gateways.choose import providers_in_use
from payments.payouts.take import take_payouts
from payments.reconcile.catch_up import catch_up
from payments.reconcile.parity import mend
from payments.reconcile.sweep import sweep
from shared.kit.each import act_on_each
from shared.kit.jobs import duty, job


@duty(every=timedelta(minutes=2))
@job("payments.reconcile.sweep", queue="night", timeout_s=900, exclusive=True)
def sweep_all(_payload: dict[str, Any]) -> None:
    """Ask about what has been without news for too long. Safe to run twice: asking changes nothing, answers are followed."""
    sweep()


@duty(every=timedelta(minutes=15))
@job("payments.reconcile.catch_up", queue="night", timeout_s=900, exclusive=True)
def catch_up_all(_payload: dict[str, Any]) -> None:
    """List the events that no webhook brought. Safe to run twice: each event is kept once."""
    act_on_each(providers_in_use(), catch_up)


@duty(every=timedelta(hours=1))
@job("payments.payouts.take", queue="night", timeout_s=900, exclusive=True)
def take_all_payouts(_payload: dict[str, Any]) -> None:
    """Book payouts and fees. Safe to run twice: a payout that is booked is left alone."""
    act_on_each(providers_in_use(), take_payouts)


@duty(every=timedelta(hours=24))
@job("payments.reconcile.parity", queue="night", timeout_s=3600, exclusive=True)
def prove(_payload: dict[str, Any]) -> None:
    """Compare everything with the providers and mend what can be mended. Safe to run twice: it follows, never guesses."""
    if providers_in_use():
        mend()
