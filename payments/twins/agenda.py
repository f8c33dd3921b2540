"""What happens by itself, in order: the twins' only scheduler, and the hand that moves virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from payments.twins import webhooks
from payments.twins.bank_days import add_bank_days
from payments.twins.clock import DAY, bank_day, days_after, moment_of
from payments.twins.gocardless_twin import mandates, payments, payouts
from payments.twins.gocardless_twin import refunds as debit_refunds
from payments.twins.store import Due, Json, Transaction
from payments.twins.stripe_twin import balance, checkout, disputes, refunds
from payments.twins.world import World

HANDLERS: dict[str, Callable[[Transaction, Due], None]] = {
    "stripe.session_expires": checkout.expire_by_itself,
    "stripe.dispute_begins": disputes.begin_by_itself,
    "stripe.dispute_decided": disputes.decide_by_itself,
    "stripe.dispute_overdue": disputes.decide_by_itself,
    "stripe.refund_reference": refunds.reach_bank,
    "stripe.refund_succeeds": refunds.succeed,
    "stripe.refund_fails": refunds.fail,
    "stripe.payout_run": balance.run_payout,
    "stripe.payout_paid": balance.pay_payout,
    "gocardless.mandate_submitted": mandates.submit_by_itself,
    "gocardless.mandate_active": mandates.activate_by_itself,
    "gocardless.payment_submitted": payments.submit_by_itself,
    "gocardless.payment_charged": payments.reach_bank,
    "gocardless.payment_returned": payments.return_by_itself,
    "gocardless.refund_moves": debit_refunds.move_by_itself,
    "gocardless.payout_run": payouts.run_payout,
    "gocardless.payout_paid": payouts.pay_payout,
}


class NotAhead(ValueError):  # noqa: N818 - it names what was wrong
    """Time moves forward only."""


def run_due(world: World, until: int) -> int:
    """Let everything due by a moment happen, each in its own transaction at its own moment. Gives back how many."""
    done = 0
    while True:
        with world.store.reading() as look:
            if look.db.execute("SELECT 1 FROM agenda WHERE due_at <= ? LIMIT 1", (until,)).fetchone() is None:
                return done
        with world.store.transaction() as transaction:
            due = transaction.take_due(until)
            if due is None:
                return done
            HANDLERS[due.action](transaction, due)
        done += 1


def advance(world: World, until: int, *, deliver: bool = False) -> int:
    """Move virtual time forward to a moment, a day at a time, letting happen what falls due on the way.

    With `deliver` each day's webhooks are posted before the next day begins, as they would be in life.
    """
    with world.moving:
        if until < world.clock.now():
            raise NotAhead("time moves forward only")
        if until - world.clock.now() > 1100 * DAY:
            raise NotAhead("no more than three years at once")
        while world.clock.now() < until:
            world.clock.move_to(min(until, days_after(world.clock.now(), 1)))
            run_due(world, world.clock.now())
            if deliver:
                webhooks.flush(world)
        run_due(world, world.clock.now())
    world.something_new.set()
    return world.clock.now()


def target_of(world: World, asked: Json) -> int:
    """The moment that a request for another time means: `advance_days`, `advance_bank_days`, `advance_seconds` or `to`."""
    now = world.clock.now()
    wishes = {
        name: asked[name] for name in ("advance_days", "advance_bank_days", "advance_seconds", "to") if name in asked
    }
    if len(wishes) != 1:
        raise NotAhead("say one of advance_days, advance_bank_days, advance_seconds, to")
    name, value = next(iter(wishes.items()))
    if name == "to":
        try:
            day = date.fromisoformat(str(value)[:10])
        except ValueError as error:
            raise NotAhead(f"to: {error}") from error
        return moment_of(day, after=9 * 3600)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise NotAhead(f"{name} must be a whole number, zero or more")
    if name == "advance_seconds":
        return now + value
    if name == "advance_days":
        return days_after(now, value)
    today = bank_day(now)
    return days_after(now, (add_bank_days(today, value) - today) // timedelta(days=1))


def next_due(world: World) -> int | None:
    """The moment of the next thing on the agenda."""
    with world.store.reading() as look:
        found = look.db.execute("SELECT MIN(due_at) AS at FROM agenda").fetchone()
    return None if found["at"] is None else int(found["at"])


def befall(transaction: Transaction, kind: str, subject: str, reason: str = "") -> Json:
    """Let something (`BEFALL_KINDS`) happen to one object now: a charge, dispute, refund, mandate, debit or payout by its id.

    `reason` is the bank's code of a debit ("MD07") or why a card holder contests ("duplicate"); without it the usual one.
    """
    if subject.startswith(("ch_", "pi_")):
        charge = transaction.body("stripe", subject)
        charge_id = charge["latest_charge"] if subject.startswith("pi_") else subject
        if reason and reason not in disputes.REASONS:
            raise LookupError(f"a card holder contests for one of {', '.join(disputes.REASONS)}")
        is_question = kind == "inquiry"
        return disputes.open_dispute(transaction, charge_id, inquiry=is_question, reason=reason or disputes.REASONS[0])
    if subject.startswith("du_") and kind == "dispute_answered":
        evidence = {"uncategorized_text": "the order, the delivery, the signature"}
        answered = disputes.answer(transaction, subject, {"evidence": evidence, "submit": True})
        transaction.unschedule(subject)  # the bank decides when it is told to
        return answered
    if subject.startswith("du_"):
        return disputes.decide(transaction, subject, won=kind == "dispute_won")
    if subject.startswith("re_"):
        refunds.fail(transaction, Due(0, transaction.at, kind, subject, {}))
        return transaction.body("stripe", subject)
    if subject.startswith("po_"):
        return balance.fail_payout(transaction, subject)
    if subject.startswith("PO"):
        return payouts.befall(transaction, kind, subject)
    if subject.startswith("MD"):
        return mandates.cancel(transaction, subject, cause="mandate_cancelled", origin="bank", reason_code="MD01")
    if subject.startswith("PM") and kind in payments.BEFALLS:
        return payments.BEFALLS[kind](transaction, subject, reason)
    raise LookupError(f"nothing known as {kind} can befall {subject}")


BEFALL_KINDS = (
    "late_failure",
    "failure",
    "chargeback",
    "chargeback_cancelled",
    "inquiry",
    "dispute_answered",
    "dispute_won",
    "dispute_lost",
    "refund_fails",
    "mandate_cancelled_by_bank",
    "payout_fails",
    "payout_retried",
)
