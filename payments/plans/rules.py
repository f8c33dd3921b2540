"""What a plan may be and what is answered to one that is proposed: pure.

Amounts are minor units of one currency; `today` is the legal day in the company's zone. A plan costs nothing: there is no
fee and no interest in it at all, so that rescheduling a consumer's debt stays outside consumer credit (C. conso. L312-4).
Its instalments sum to the debt, to the cent, and that is checked where they are made.
"""

from __future__ import annotations

import calendar
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from payments.deciding import SMALLEST_MINOR
from shared.kit.calendars import next_target_day

MOST_INSTALMENTS = 120
"""No plan has more, whatever the policy says."""


class Rhythm(enum.Enum):
    """How instalments follow each other."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    """Every two weeks."""
    MONTHLY = "monthly"
    """On the same day of each month; the 31st becomes the last day of a shorter month."""


class ResumesAt(enum.Enum):
    """Where the reminder scenario goes on when a plan has come to its default."""

    STEP_REACHED = "step_reached"
    FORMAL_STEP = "formal_step"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a company grants by itself, to businesses or to consumers."""

    is_offered: bool = True
    """Whether debtors of this kind may propose a plan at all."""
    share_up_front: int = 0
    """Percent of the whole that the first instalment must be."""
    longest_months: int = 6
    """From today to the last instalment."""
    smallest_instalment_minor: int = 5_000
    largest_total_minor: int = 500_000
    """Above it a person decides."""
    first_within_days: int = 30
    """The first instalment is due within so many days."""
    minimum_score: int = 60
    """Below it a person decides; see `score`."""
    most_live: int = 1
    """How many plans a debtor may have at a time."""
    needs_mandate: bool = False
    """Whether instalments must be collected by direct debit."""
    grace_days: int = 7
    """Between the reminder of a missed instalment and the default."""
    late_after_days: int = 1
    """A missed instalment is reminded so many days after its due day."""
    coming_days: int = 3
    """An instalment that the debtor pays himself is announced so many days before."""
    offer_days: int = 7
    """How long an offer stands."""
    pause_days: int = 5
    """While a person thinks about a proposal, reminders rest so many days; 0 for not at all."""
    resumes_at: ResumesAt = ResumesAt.STEP_REACHED
    clause_fr: str = ""
    clause_en: str = ""
    """The default clause; empty for the usual one."""


FOR_BUSINESS = Policy()
FOR_CONSUMERS = Policy(
    longest_months=12, smallest_instalment_minor=3_000, largest_total_minor=300_000, grace_days=10, minimum_score=50
)
"""Defaults where a company has not said otherwise."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a debt is to be paid: by a number of instalments, or by so much each time.

    `first_minor`: the first instalment when it differs from the others (a share up front). `each_minor`: so much each time
    and the rest at the end; the count follows from it, and the one given here is not looked at.
    """

    first_on: date
    rhythm: Rhythm = Rhythm.MONTHLY
    count: int = 3
    each_minor: int | None = None
    first_minor: int | None = None
    by_mandate: bool = False


def terms_as_json(terms: Terms) -> dict[str, Any]:
    """Terms as they are stored."""
    return {
        "first_on": terms.first_on.isoformat(),
        "rhythm": terms.rhythm.value,
        "count": terms.count,
        "each_minor": terms.each_minor,
        "first_minor": terms.first_minor,
        "by_mandate": terms.by_mandate,
    }


def terms_from_json(values: dict[str, Any]) -> Terms:
    """Terms as they were stored."""
    return Terms(
        first_on=date.fromisoformat(values["first_on"]),
        rhythm=Rhythm(values["rhythm"]),
        count=int(values["count"]),
        each_minor=values["each_minor"],
        first_minor=values["first_minor"],
        by_mandate=bool(values["by_mandate"]),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """One instalment: so much, on that day. The day is the legal one; a debit waits for the next bank day."""

    position: int
    on: date
    minor: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a debtor when he proposes."""

    today: date
    live_plans: int = 0
    """Plans of his that are active, paused or waiting for an answer (the one that is replaced left out)."""
    has_mandate: bool = False
    broken_plans: int = 0
    broken_promises: int = 0
    returned_debits: int = 0
    """The last three counted over the last twelve months."""
    notice_days: int = 0
    """So many days before it a debit is announced."""

    def earliest(self, *, by_mandate: bool) -> date:
        """The first day on which an instalment may be due: a debit leaves its notice its days."""
        return self.today + timedelta(days=self.notice_days if by_mandate else 0)


class Limit(enum.Enum):
    """What stands in the way of a proposal. Each is really broken when it is named."""

    NOTHING_LEFT = "nothing_left"
    NOT_OFFERED = "not_offered"
    TOO_MANY_PLANS = "too_many_plans"
    NO_MANDATE = "no_mandate"
    """Debits were asked for, or are required, and there is no mandate to debit under: one must be signed first."""
    MANDATE_NEEDED = "mandate_needed"
    ONE_INSTALMENT = "one_instalment"
    """That is no plan: it can be paid, or promised."""
    TOO_MANY_INSTALMENTS = "too_many_instalments"
    TOO_SMALL_TO_SPLIT = "too_small_to_split"
    """However it is split, an instalment would be below the smallest, or the plan too long."""
    FIRST_TOO_EARLY = "first_too_early"
    FIRST_WITHIN_NOTICE = "first_within_notice"
    """The first debit could not be announced in time."""
    FIRST_TOO_LATE = "first_too_late"
    TOO_LONG = "too_long"
    INSTALMENT_TOO_SMALL = "instalment_too_small"
    SHARE_UP_FRONT = "share_up_front"
    TOTAL_TOO_LARGE = "total_too_large"
    SCORE_TOO_LOW = "score_too_low"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The policy grants these terms as they are."""

    terms: Terms
    reasons: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class CounterOffer:
    """The nearest terms that the policy grants, and what stood in the way of those proposed."""

    terms: Terms
    reasons: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Above the policy: a person decides."""

    reasons: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why."""

    reasons: tuple[Limit, ...]

    @property
    def reason(self) -> Limit:
        return self.reasons[0]


Answer = Accepted | CounterOffer | NeedsPerson | Refused


def add_months(day: date, months: int, *, keep: int | None = None) -> date:
    """The same day so many months later, or the last day of a month that has no such day. `keep`: the day to aim at."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(keep or day.day, last))


def due_days(first_on: date, rhythm: Rhythm, count: int) -> list[date]:
    """The legal due days, strictly increasing. Monthly ones keep the day of the first (the 31st: the last of a month)."""
    if rhythm is Rhythm.MONTHLY:
        return [add_months(first_on, months) for months in range(count)]
    step = timedelta(weeks=1 if rhythm is Rhythm.WEEKLY else 2)
    return [first_on + step * number for number in range(count)]


def amounts(total_minor: int, terms: Terms) -> list[int]:
    """The instalments, not one cent lost: equal ones (the larger first), or so much each time and the rest at the end.

    Raises ValueError when there is nothing to split or the terms make no sense.
    """
    if total_minor <= 0:
        raise ValueError("there is nothing to split")
    first = [terms.first_minor] if terms.first_minor is not None else []
    left = total_minor - sum(first)
    if (first and not 0 < first[0] <= total_minor) or (terms.each_minor is not None and terms.each_minor <= 0):
        raise ValueError("an instalment is more than zero and not more than the whole")
    if left == 0:
        return first
    if terms.each_minor is not None:
        whole, rest = divmod(left, terms.each_minor)
        joined = rest if whole and rest < SMALLEST_MINOR else 0
        if whole > MOST_INSTALMENTS:
            raise ValueError("too many instalments")
        made = first + [terms.each_minor] * whole + ([rest] if rest > joined else [])
        made[-1] += joined
    else:
        count = terms.count - len(first)
        if not 1 <= count <= min(MOST_INSTALMENTS, left):
            raise ValueError("no such number of instalments")
        base, larger = divmod(left, count)
        made = first + [base + 1] * larger + [base] * (count - larger)
    if sum(made) != total_minor:
        raise AssertionError("a plan costs exactly the debt")
    return made


def schedule(total_minor: int, terms: Terms) -> list[Due]:
    """The instalments with their days; raises ValueError like `amounts`."""
    parts = amounts(total_minor, terms)
    days = due_days(terms.first_on, terms.rhythm, len(parts))
    return [Due(position, on, minor) for position, (on, minor) in enumerate(zip(days, parts, strict=True), start=1)]


def schedule_or_none(total_minor: int, terms: Terms) -> tuple[Due, ...]:
    """The schedule of terms; empty when they make none."""
    try:
        return tuple(schedule(total_minor, terms))
    except ValueError:
        return ()


def score(facts: Facts) -> int:
    """What the last twelve months say of a payer.

    100 less 40 for each plan that came to its default, 15 for each broken promise and 10 for each debit that was returned;
    never below 0. A plain sum that can be read to the debtor; it stands in for a learnt one.
    """
    lost = 40 * facts.broken_plans + 15 * facts.broken_promises + 10 * facts.returned_debits
    return max(0, 100 - lost)


def up_front(policy: Policy, total_minor: int) -> int:
    """The least first instalment: the share of the whole, rounded up to the cent."""
    return -(-total_minor * policy.share_up_front // 100)


def decide(policy: Policy, total_minor: int, wish: Terms, facts: Facts) -> Answer:
    """Answer a proposal at once.

    1. What cannot be: refused, with the reason (several plans already, no mandate to debit under, nothing to split).
    2. What only a person may grant (a large total, a payer with a past): kept for one, with every reason.
    3. What the policy grants: accepted as it is.
    4. Else the nearest terms that it grants; when there are none, refused.
    """
    refusals = tuple(_refusals(policy, total_minor, wish, facts))
    if refusals:
        return Refused(refusals)
    broken = tuple(_broken(policy, total_minor, wish, facts))
    above = tuple(_above(policy, total_minor, facts))
    if above:
        return NeedsPerson(above + broken)
    if not broken:
        return Accepted(wish)
    nearest = _nearest(policy, total_minor, wish, facts)
    if nearest is None:
        return Refused((Limit.TOO_SMALL_TO_SPLIT, *broken))
    return CounterOffer(nearest, broken)


def _refusals(policy: Policy, total_minor: int, wish: Terms, facts: Facts) -> Iterator[Limit]:
    if total_minor <= 0:
        yield Limit.NOTHING_LEFT
        return
    if not policy.is_offered:
        yield Limit.NOT_OFFERED
    if facts.live_plans >= policy.most_live:
        yield Limit.TOO_MANY_PLANS
    if (wish.by_mandate or policy.needs_mandate) and not facts.has_mandate:
        yield Limit.NO_MANDATE
    parts = _parts_or_none(total_minor, wish)
    if parts is not None and len(parts) < 2:
        yield Limit.ONE_INSTALMENT


def _above(policy: Policy, total_minor: int, facts: Facts) -> Iterator[Limit]:
    if total_minor > policy.largest_total_minor:
        yield Limit.TOTAL_TOO_LARGE
    if score(facts) < policy.minimum_score:
        yield Limit.SCORE_TOO_LOW


def _broken(policy: Policy, total_minor: int, wish: Terms, facts: Facts) -> Iterator[Limit]:
    if policy.needs_mandate and not wish.by_mandate:
        yield Limit.MANDATE_NEEDED
    if wish.first_on < facts.today:
        yield Limit.FIRST_TOO_EARLY
    elif wish.first_on < facts.earliest(by_mandate=wish.by_mandate):
        yield Limit.FIRST_WITHIN_NOTICE
    if wish.first_on > _latest_first(policy, facts, by_mandate=wish.by_mandate):
        yield Limit.FIRST_TOO_LATE
    parts = _parts_or_none(total_minor, wish)
    if parts is None:
        yield Limit.TOO_MANY_INSTALMENTS
        return
    if due_days(wish.first_on, wish.rhythm, len(parts))[-1] > add_months(facts.today, policy.longest_months):
        yield Limit.TOO_LONG
    if _is_too_small(policy, parts, wish):
        yield Limit.INSTALMENT_TOO_SMALL
    if parts[0] < up_front(policy, total_minor):
        yield Limit.SHARE_UP_FRONT


def _latest_first(policy: Policy, facts: Facts, *, by_mandate: bool) -> date:
    """The last day for a first instalment; a debit may have the first day that leaves its notice, whatever the policy says."""
    return max(facts.today + timedelta(days=policy.first_within_days), facts.earliest(by_mandate=by_mandate))


def _is_too_small(policy: Policy, parts: Sequence[int], terms: Terms) -> bool:
    """Of "so much each time" the last may be a small rest; equal instalments are all large enough."""
    counted = parts[:-1] if terms.each_minor is not None and len(parts) > 1 else parts
    return min(counted) < policy.smallest_instalment_minor


def _parts_or_none(total_minor: int, terms: Terms) -> list[int] | None:
    try:
        return amounts(total_minor, terms)
    except ValueError:
        return None


def _nearest(policy: Policy, total_minor: int, wish: Terms, facts: Facts) -> Terms | None:
    """The terms nearest to the wish that the policy grants.

    The same days and amounts as far as they may stand, then a larger first instalment, then fewer instalments.
    """
    by_mandate = wish.by_mandate or policy.needs_mandate
    earliest = facts.earliest(by_mandate=by_mandate)
    latest = _latest_first(policy, facts, by_mandate=by_mandate)
    base = replace(wish, first_on=min(max(wish.first_on, earliest), latest), by_mandate=by_mandate)
    for candidate in _candidates(policy, total_minor, base):
        parts = _parts_or_none(total_minor, candidate)
        if parts is not None and len(parts) > 1 and not any(_broken(policy, total_minor, candidate, facts)):
            return candidate
    return None


def _candidates(policy: Policy, total_minor: int, base: Terms) -> Iterator[Terms]:
    least = max(up_front(policy, total_minor), policy.smallest_instalment_minor)
    larger = min(max(base.first_minor or 0, least), total_minor)
    yield base
    yield replace(base, first_minor=larger)
    parts = _parts_or_none(total_minor, base)
    wanted = len(parts) if parts else MOST_INSTALMENTS
    for count in range(min(wanted, MOST_INSTALMENTS), 1, -1):
        plain = replace(base, count=count, each_minor=None)
        if base.first_minor is not None:
            yield plain
        yield replace(plain, first_minor=None)
        yield replace(plain, first_minor=larger)


@dataclass(frozen=True, slots=True)
class Settling:
    """What became of one instalment's amount: reduced by a credit (from the last instalment backwards), and paid."""

    credited_minor: int
    settled_minor: int


def settle(amounts_minor: Sequence[int], *, credited_minor: int, paid_minor: int) -> list[Settling]:
    """Spread what credits took off the debt on the last instalments, and what was paid on the first ones, in order.

    What is more than the plan is left out: it is not the plan's.
    """
    credits_left, credited = credited_minor, []
    for minor in reversed(amounts_minor):
        taken = min(max(credits_left, 0), minor)
        credited.append(taken)
        credits_left -= taken
    credited.reverse()
    paid_left, made = paid_minor, []
    for minor, off in zip(amounts_minor, credited, strict=True):
        taken = min(max(paid_left, 0), minor - off)
        made.append(Settling(off, taken))
        paid_left -= taken
    return made


@dataclass(frozen=True, slots=True)
class Flow:
    """What happened to one invoice of a plan since it was accepted; net amounts in minor units.

    `covered`: what the plan took of it. `by_plan`: what plan payments and receipts by hand settle. `by_credit`: what credit
    notes and write-offs took off it. `open_now`: as it stands, less what the books show as settled under a payment in flight.
    """

    covered: int
    by_plan: int
    by_credit: int
    open_now: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an invoice is still the plan's, and where the difference went."""

    rest: int
    paid: int
    credited: int


def stand(flow: Flow) -> Standing:
    """Where an invoice of a plan stands.

    Plan payments and receipts by hand count for the plan first. Everything else (an ordinary payment of the part that the
    plan does not cover, a debit that was under way before, a credit note for the disputed part) settles what is outside the
    plan first, and reduces the plan only where nothing else is left open. What credits reduced shortens the plan at its
    end; all other money counts for the next instalments.
    """
    by_plan = min(max(flow.by_plan, 0), flow.covered)
    still = flow.covered - by_plan
    rest = min(still, flow.open_now)
    credited = min(still - rest, max(flow.by_credit, 0))
    return Standing(rest=rest, paid=flow.covered - rest - credited, credited=credited)


def asked_until(dues: Sequence[Due], until: date) -> int:
    """What debits ask for up to a day, of what is left of each instalment, in minor units.

    What comes after it, when all of that is too small to be debited, goes with it.
    """
    asked = sum(each.minor for each in dues if each.on <= until)
    later = sum(each.minor for each in dues) - asked
    return asked + (later if asked and later < SMALLEST_MINOR else 0)


def charge_days(days: Sequence[Due], *, accepted_on: date, notice_days: int) -> dict[int, date]:
    """Position → day of the debit: the first bank day on or after the due day that leaves the debtor his notice.

    When the first due days lie within the notice, the whole series moves by so many days as its first one must: the
    rhythm that was agreed stays, and no two instalments are debited together. The acceptance names every day, and so gives
    the notice of all debits (the SEPA rulebook lets a schedule do that).
    """
    earliest = accepted_on + timedelta(days=notice_days)
    first = min((each.on for each in days), default=earliest)
    moved = max(earliest - first, timedelta())
    return {each.position: next_target_day(each.on + moved) for each in days}
