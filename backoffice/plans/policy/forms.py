"""What a company grants by itself."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, IntegerField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.options import options
from payments.plans.rules import Policy, ResumesAt
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.forms import MoneyField
from shared.web.shared_form import SharedForm

_NEEDED = InputRequired(_l("This is needed."))


def _number(label: Any, least: int, most: int) -> IntegerField:
    said = _l("Between %(least)s and %(most)s.", least=least, most=most)
    return IntegerField(label, [_NEEDED, NumberRange(least, most, said)])


class PolicyForm(SharedForm):
    """The policy for one kind of debtor."""

    is_offered = BooleanField(_l("Debtors may propose plans"))
    largest_total = MoneyField(_l("Granted by itself up to"), [_NEEDED])
    longest_months = _number(_l("Longest, in months"), 1, 60)
    smallest_instalment = MoneyField(_l("Smallest instalment"), [_NEEDED])
    share_up_front = _number(_l("Share at first, in percent"), 0, 90)
    first_within_days = _number(_l("The first instalment within, in days"), 0, 365)
    minimum_score = _number(_l("Least score"), 0, 100)
    most_live = _number(_l("Plans at a time"), 1, 20)
    needs_mandate = BooleanField(_l("Only by direct debit"))
    offer_days = _number(_l("An offer stands, in days"), 1, 60)
    pause_days = _number(_l("Reminders rest while somebody decides, in days"), 0, 60)
    coming_days = _number(_l("An instalment is announced so many days before"), 0, 60)
    late_after_days = _number(_l("A missed one is reminded after, in days"), 1, 30)
    grace_days = _number(_l("Then the default comes after, in days"), 1, 60)
    resumes_at = SelectField(
        _l("After a default, reminders go on"),
        choices=options(
            [
                (ResumesAt.STEP_REACHED.value, _l("at the step reached before")),
                (ResumesAt.FORMAL_STEP.value, _l("at the formal notice")),
            ]
        ),
    )
    clause_fr = TextAreaField(_l("Default clause, in French"), [Length(max=2000)])
    clause_en = TextAreaField(_l("Default clause, in English"), [Length(max=2000)])

    def validate_largest_total(self, field: Any) -> None:
        """Zero means: a person decides about every plan."""
        if isinstance(field.data, Money) and field.data.minor < 0:
            field.errors = [*field.errors, _("The amount cannot be negative.")]

    def validate_smallest_instalment(self, field: Any) -> None:
        """An instalment is more than nothing."""
        if isinstance(field.data, Money) and field.data.minor <= 0:
            field.errors = [*field.errors, _("The amount must be more than zero.")]


PLAIN = (
    "is_offered",
    "longest_months",
    "share_up_front",
    "first_within_days",
    "minimum_score",
    "most_live",
    "needs_mandate",
    "offer_days",
    "pause_days",
    "coming_days",
    "late_after_days",
    "grace_days",
    "clause_fr",
    "clause_en",
)
"""Fields that are called as the policy calls them."""


def as_data(policy: Policy, currency: str) -> dict[str, Any]:
    """A policy as the form shows it."""
    return {name: getattr(policy, name) for name in PLAIN} | {
        "largest_total": Money(policy.largest_total_minor, currency),
        "smallest_instalment": Money(policy.smallest_instalment_minor, currency),
        "resumes_at": policy.resumes_at.value,
    }


def as_policy(form: PolicyForm) -> Policy:
    """What was typed; the form must be valid."""
    values: dict[str, Any] = {name: form[name].data for name in PLAIN}
    values |= {name: (values[name] or "").strip() for name in ("clause_fr", "clause_en")}
    return Policy(
        **values,
        largest_total_minor=form.largest_total.data.minor,
        smallest_instalment_minor=form.smallest_instalment.data.minor,
        resumes_at=ResumesAt(form.resumes_at.data),
    )
