"""Who is reminded today: a pure decision that can be read aloud."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import NamedTuple


class Outcome(enum.Enum):
    """What was decided, or why nobody is written to."""

    REMIND = "remind"
    NOT_YET = "not_yet"
    """No invoice has come to a step that it has not been reminded at."""
    ALREADY = "already"
    """Every step reached was taken before."""
    TOO_SOON = "too_soon"
    """The last reminder is only a few days old."""
    PAUSED = "paused"
    NO_ADDRESS = "no_address"
    IN_FLIGHT = "in_flight"
    """A payment is on its way for all that is due."""
    FROZEN = "frozen"
    """All that is due is disputed, promised, planned or on legal hold."""
    CREDIT = "credit"
    """The account's credit covers all that is due."""
    SMALL = "small"
    """What is due is below the scenario's minimum."""
    AUTOPAY = "autopay"
    """A direct debit will take it."""
    LATE = "late"
    """The time of the notice before the due day has passed; the next step will speak."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rung of the ladder."""

    id: uuid.UUID
    position: int
    offset_days: int
    tone: str
    catch_up_days: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A scenario as the rules see it; steps in order of their offset."""

    steps: Sequence[Step]
    minimum_minor: int
    quiet_days: int


class Item(NamedTuple):
    """An open invoice: `free_minor` is open less held less frozen."""

    invoice_id: uuid.UUID
    days_late: int
    open_minor: int
    held_minor: int
    free_minor: int
    last_offset: int | None
    """The days of the highest step it was reminded at; None for none."""


class Facts(NamedTuple):
    """All that the decision about one debtor rests on."""

    items: Sequence[Item]
    credit_minor: int
    is_paused: bool
    has_address: bool
    pays_by_debit: bool
    last_reminded_on: date | None
    scenario_id: uuid.UUID | None = None
    """The scenario chosen for this debtor; None for the company's default."""


class Decision(NamedTuple):
    """What to do for one debtor. `reached` are the invoices that come to a step today, with that step."""

    outcome: Outcome
    amount_minor: int = 0
    invoice_count: int = 0
    step: Step | None = None
    reached: Sequence[tuple[uuid.UUID, Step]] = ()


def decide(facts: Facts, policy: Policy, today: date) -> Decision:
    """Decide about one debtor.

    Each invoice climbs the ladder by its own due day; the debtor gets one message with the highest step that one of
    his invoices has newly reached. Reminding one invoice does not silence the others, and paying the oldest one does
    not send him back to the first step.
    """
    due = [item for item in facts.items if _step_of(item, policy) is not None]
    if not due:
        return Decision(Outcome.NOT_YET)
    reminding = [item for item in due if item.free_minor > 0]
    asked = sum(item.free_minor for item in reminding)
    blocked = _blocked(facts, due, asked, policy)
    if blocked is not None:
        return Decision(blocked, amount_minor=asked, invoice_count=len(due))
    gone_by = None if facts.last_reminded_on is None else (today - facts.last_reminded_on).days
    chosen = [(item, _next_step(item, policy, gone_by)) for item in reminding]
    new = [(item.invoice_id, step) for item, step in chosen if isinstance(step, Step)]
    if not new:
        why = {step for _item, step in chosen if isinstance(step, Outcome)}
        outcome = next(each for each in (Outcome.TOO_SOON, Outcome.LATE, Outcome.ALREADY) if each in why)
        return Decision(outcome, amount_minor=asked, invoice_count=len(due))
    if gone_by is not None and gone_by < policy.quiet_days:
        return Decision(Outcome.TOO_SOON, amount_minor=asked, invoice_count=len(due))
    highest = max((step for _id, step in new), key=lambda step: step.offset_days)
    return Decision(Outcome.REMIND, amount_minor=asked, invoice_count=len(reminding), step=highest, reached=new)


def _next_step(item: Item, policy: Policy, gone_by: int | None) -> Step | Outcome:
    """The step an invoice takes today, or why none.

    In time it takes the highest step it has reached. One that is too late for that (imported when already old, or
    after an outage) climbs from where it stands, step by step, with the ladder's own distances: nobody's first letter
    is the last one. The quiet days after a letter about other invoices make no step late: it waits for them, and is taken.
    """
    reached = _step_of(item, policy)
    taken = item.last_offset
    if reached is None or (taken is not None and reached.offset_days <= taken):
        return Outcome.ALREADY
    late = item.days_late - reached.offset_days
    if late <= reached.catch_up_days or _was_quiet(late, reached, policy, gone_by):
        return reached
    following = [step for step in policy.steps if step.offset_days >= 0 and (taken is None or step.offset_days > taken)]
    if not following or following[0].offset_days > item.days_late:
        return Outcome.LATE
    if taken is not None and gone_by is not None and gone_by < following[0].offset_days - taken:
        return Outcome.TOO_SOON
    return following[0]


def _was_quiet(late: int, step: Step, policy: Policy, gone_by: int | None) -> bool:
    """Whether a step was reached in the quiet days after a letter and they have lasted as long as it may be taken."""
    if gone_by is None or gone_by <= late:
        return False
    over = gone_by - policy.quiet_days
    return late - over >= step.catch_up_days >= over


def _blocked(facts: Facts, due: Sequence[Item], asked: int, policy: Policy) -> Outcome | None:
    if facts.is_paused:
        return Outcome.PAUSED
    if asked == 0:
        held = sum(item.held_minor for item in due)
        return Outcome.IN_FLIGHT if held >= sum(item.open_minor - item.held_minor for item in due) else Outcome.FROZEN
    if facts.credit_minor >= asked:
        return Outcome.CREDIT
    if asked < policy.minimum_minor:
        return Outcome.SMALL
    if facts.pays_by_debit:
        return Outcome.AUTOPAY
    if not facts.has_address:
        return Outcome.NO_ADDRESS
    return None


def _step_of(item: Item, policy: Policy) -> Step | None:
    """The highest step whose day has come for this invoice."""
    reached = None
    for step in policy.steps:
        if item.days_late >= step.offset_days:
            reached = step
    return reached


def is_sending_time(now: time, starts: time, ends: time, *, is_working_day: bool) -> bool:
    """Reminders leave on working days within the company's hours (both ends included)."""
    return is_working_day and starts <= now <= ends
