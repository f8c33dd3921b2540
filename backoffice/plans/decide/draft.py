"""Terms on the table: for which debtor, over which money, what the policy would say, and the schedule that follows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from backoffice.plans.decide.forms import TermsForm
from backoffice.plans.labels import LIMITS
from payments.plans import proposals, rules
from payments.plans.proposals import Choice
from payments.plans.queries import PlanView
from payments.plans.rules import Accepted, Due, Facts, Policy, Terms
from shared.debtors.models import Debtor
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Draft:
    """What an offer is made over. `plan`: the proposal that is answered, or (`is_change`) the plan that is replaced."""

    debtor: Debtor
    plan: PlanView | None
    is_change: bool
    choices: Sequence[Choice]
    chosen: frozenset[uuid.UUID]
    total: Money
    policy: Policy
    facts: Facts

    @property
    def ids(self) -> list[uuid.UUID]:
        return [one.invoice_id for one in self.choices if one.invoice_id in self.chosen]

    @property
    def may_choose(self) -> bool:
        return self.plan is None

    @property
    def score(self) -> int:
        return rules.score(self.facts)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A schedule, and what the policy alone would have said."""

    terms: Terms
    days: tuple[Due, ...]
    is_granted: bool
    limits: tuple[Any, ...]


def lay(
    session: Session,
    debtor: Debtor,
    values: MultiDict[str, str],
    *,
    plan: PlanView | None = None,
    is_change: bool = False,
) -> Draft:
    """What an offer can be made over: of a proposal its sum; of a running plan what is left; else what may be planned."""
    facts = proposals.facts_of(session, debtor)
    policy = proposals.policy_of(session, debtor.company_id, debtor.kind)
    if plan is not None and not is_change:
        return Draft(debtor, plan, False, (), frozenset(), plan.line.total, policy, facts)
    replaced = plan.line.id if plan else None
    choices = proposals.choices(session, debtor.id, replaces=replaced)
    if plan is not None:
        covered = {item.invoice_id for item in plan.items}
        choices = [one for one in choices if one.invoice_id in covered]
        facts = replace(facts, live_plans=max(0, facts.live_plans - 1))
    everything = frozenset(one.invoice_id for one in choices)
    chosen = everything if plan is not None else _chosen(values, everything)
    total = Money(sum(one.left_minor for one in choices if one.invoice_id in chosen), debtor.currency)
    return Draft(debtor, plan, is_change, choices, chosen, total, policy, facts)


def _chosen(values: MultiDict[str, str], everything: frozenset[uuid.UUID]) -> frozenset[uuid.UUID]:
    if "invoice" not in values and "chosen" not in values:
        return everything
    try:
        found = frozenset(uuid.UUID(text) for text in values.getlist("invoice"))
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error
    if not found <= everything:
        raise NotFound("invoice.missing", _("One of these invoices cannot be part of a plan."))
    return found


def form_of(draft: Draft, values: MultiDict[str, str], today: date) -> TermsForm:
    """The form with what was typed; untouched, with the terms that lie nearest."""
    form = TermsForm(None)
    form.first_on.today = today
    form.each.currency = form.first.currency = draft.debtor.currency
    form.process(
        values if "first_on" in values else MultiDict(as_values(_nearest(draft, today), draft.debtor.currency))
    )
    return form


def _nearest(draft: Draft, today: date) -> Terms:
    """Where the talk begins: at the last terms, moved to days that are still to come, else at the policy's."""
    if draft.plan is not None:
        terms = draft.plan.terms or draft.plan.wish
        if draft.is_change:
            left = max(2, draft.plan.line.instalment_count - draft.plan.line.settled_count)
            terms = replace(terms, count=left, first_minor=None)
        return replace(terms, first_on=max(terms.first_on, today + timedelta(days=1)))
    first = rules.up_front(draft.policy, draft.total.minor) or None
    wish = Terms(
        first_on=today + timedelta(days=min(14, draft.policy.first_within_days)),
        by_mandate=draft.facts.has_mandate,
        first_minor=first,
    )
    answer = rules.decide(draft.policy, draft.total.minor, wish, draft.facts)
    return getattr(answer, "terms", wish)


def draw(draft: Draft, terms: Terms) -> Drawn:
    """The schedule of these terms."""
    facts = draft.facts
    answer = rules.decide(draft.policy, draft.total.minor, terms, facts)
    return Drawn(
        terms=terms,
        days=rules.schedule_or_none(draft.total.minor, terms),
        is_granted=isinstance(answer, Accepted),
        limits=tuple(LIMITS[limit] for limit in answer.reasons),
    )


def as_values(terms: Terms, currency: str) -> dict[str, str]:
    """Terms as they stand in a form."""
    values = {
        "split": "count" if terms.each_minor is None else "each",
        "count": str(terms.count) if terms.count else "",
        "rhythm": terms.rhythm.value,
        "first_on": terms.first_on.isoformat(),
    }
    if terms.each_minor is not None:
        values["each"] = Money(terms.each_minor, currency).typed
    if terms.first_minor is not None:
        values["first"] = Money(terms.first_minor, currency).typed
    if terms.by_mandate:
        values["by_mandate"] = "y"
    return values
