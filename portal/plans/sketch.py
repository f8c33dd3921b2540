"""A plan before it is one: what may be part of it, and what would be answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from payments import queries as payments
from payments.plans import proposals, rules
from payments.plans.proposals import Choice
from payments.plans.rules import Accepted, Answer, CounterOffer, Due, Limit, NeedsPerson, Policy, Refused, Terms
from payments.queries import MandateLine
from portal.plans.forms import WishForm
from portal.plans.labels import reasons
from shared.access.queries import Visitor
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices import queries as invoices
from shared.invoices import selections
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _

FIRST_IN = timedelta(days=7)
"""The first instalment that the empty form proposes: a week from now, or sooner where the policy wants it."""


@dataclass(frozen=True, slots=True)
class Table:
    """What lies on the table: the invoices that may be part of a plan, those chosen, and the company's terms."""

    choices: Sequence[Choice]
    chosen: frozenset[uuid.UUID]
    currency: str
    policy: Policy
    mandate: MandateLine | None
    takes_debits: bool

    @property
    def total(self) -> Money:
        return Money(sum(one.left_minor for one in self.choices if one.invoice_id in self.chosen), self.currency)

    @property
    def ids(self) -> list[uuid.UUID]:
        """The chosen invoices in the order in which the plan would settle them."""
        return [one.invoice_id for one in self.choices if one.invoice_id in self.chosen]

    @property
    def is_all(self) -> bool:
        return len(self.chosen) == len(self.choices)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The schedule of a wish, and what the policy would answer to it."""

    wish: Terms
    days: tuple[Due, ...]
    answer: Answer
    reasons: tuple[str, ...]
    nearest: tuple[Due, ...]
    """Of a counter-offer: its schedule."""
    once_signed: Terms
    """The same by debit, to come back to with a mandate: the first day leaves the notice its days."""

    @property
    def verdict(self) -> str:
        """yes, other (a counter-offer), person, no; or mandate: one must be signed first."""
        if isinstance(self.answer, Refused):
            return "mandate" if set(self.answer.reasons) == {Limit.NO_MANDATE} else "no"
        names: dict[type[Answer], str] = {Accepted: "yes", CounterOffer: "other", NeedsPerson: "person"}
        return names[type(self.answer)]


def read_ids(session: Session, visitor: Visitor, values: MultiDict[str, str]) -> list[uuid.UUID] | None:
    """The invoices that an address or a form names, one by one, by a kept choice or as what is late; None for all.

    Raises NotFound for what is no id, and for a choice that is not kept any more.
    """
    if kept := values.get("selection", ""):
        return list(selections.read(session, visitor.debtor_id, kept).invoice_ids)
    try:
        found = [uuid.UUID(text) for text in values.getlist("invoice")]
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error
    if values.get("what") == "late" and not found:
        late = invoices.payable(session, visitor.debtor_id, due_before=visitor.today)
        return [row.id for row in late]
    return found if found or "chosen" in values else None


def lay(session: Session, visitor: Visitor, ids: Sequence[uuid.UUID] | None) -> Table:
    """What may be planned, with these invoices chosen (None: all). Raises NotFound for another's invoice.

    An own invoice that cannot be part of a plan (paid, disputed, in a plan already) is left out.
    """
    if ids:
        invoices.rows_of(session, visitor.debtor_id, ids)
    choices = proposals.choices(session, visitor.debtor_id)
    everything = {one.invoice_id for one in choices}
    return Table(
        choices=choices,
        chosen=frozenset(everything if ids is None else everything & set(ids)),
        currency=visitor.currency,
        policy=policy_for(session, visitor),
        mandate=payments.usable_mandate(session, visitor.debtor_id),
        takes_debits=visitor.company.takes_debits
        and visitor.currency == "EUR"
        and get_settings().gocardless_access_token is not None,
    )


def policy_for(session: Session, visitor: Visitor) -> Policy:
    """What this company grants to this debtor's kind."""
    kind = session.scalars(select(Debtor.kind).where(Debtor.id == visitor.debtor_id)).one()
    return proposals.policy_of(session, visitor.company_id, kind)


def notice_days(session: Session, visitor: Visitor) -> int:
    """So many days before it a debit is announced."""
    return session.scalars(select(Company.notice_days).where(Company.id == visitor.company_id)).one()


def first_form(session: Session, visitor: Visitor, table: Table) -> WishForm:
    """The form as it is when nobody has filled it in yet; a first debit leaves its notice its days."""
    by_mandate = table.takes_debits and (table.mandate is not None or table.policy.needs_mandate)
    soon = min(FIRST_IN, timedelta(days=table.policy.first_within_days))
    if by_mandate:
        soon = max(soon, timedelta(days=notice_days(session, visitor)))
    share = rules.up_front(table.policy, table.total.minor)
    wish = Terms(first_on=visitor.today + soon, by_mandate=by_mandate, first_minor=share or None)
    return WishForm(MultiDict(as_values(None, wish, table.currency)))


def sketch(session: Session, visitor: Visitor, table: Table, wish: Terms) -> Sketch:
    """The schedule of a wish and its answer; writes nothing."""
    notice = timedelta(days=notice_days(session, visitor))
    seen = proposals.preview(session, visitor.debtor_id, invoice_ids=table.ids, wish=wish)
    return Sketch(
        wish=wish,
        days=rules.schedule_or_none(seen.total.minor, wish),
        answer=seen.answer,
        reasons=tuple(reasons(seen.answer.reasons, table.policy, table.currency)),
        nearest=seen.days if isinstance(seen.answer, CounterOffer) else (),
        once_signed=replace(wish, by_mandate=True, first_on=max(wish.first_on, visitor.today + notice)),
    )


def as_values(ids: Sequence[uuid.UUID] | None, wish: Terms, currency: str, *, selection: str = "") -> dict[str, Any]:
    """A wish as it stands in an address or a form. `selection`: the kept choice that the ids come from, named instead."""
    values: dict[str, Any] = {
        "split": "count" if wish.each_minor is None else "each",
        "count": str(wish.count),
        "rhythm": wish.rhythm.value,
        "first_on": wish.first_on.isoformat(),
        "means": "debit" if wish.by_mandate else "self",
    }
    if wish.each_minor is not None:
        values["each"] = Money(wish.each_minor, currency).typed
    if wish.first_minor is not None:
        values["first"] = Money(wish.first_minor, currency).typed
    if selection:
        values["selection"] = selection
    elif ids is not None:
        values["invoice"] = [str(identity) for identity in ids]
    return values
