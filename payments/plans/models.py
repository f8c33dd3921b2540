"""Payment plans: the policy that answers, the plan with its invoices and instalments, the consent, every step."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from payments.plans.rules import ResumesAt
from payments.plans.status import PlanStatus
from shared.debtors.models import Affair, DebtorKind
from shared.kit.columns import Currency, Language, Minor, above_zero, at_least_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step


class PlanPolicy(HasId, Base):
    """What a company grants by itself to debtors of one kind; `payments.plans.rules.Policy` has the words and defaults.

    No row means the defaults. Read it with `proposals.policy_of`, write it with `service.set_policy`.
    """

    __tablename__ = "plan_policy"
    __table_args__ = (
        UniqueConstraint("company_id", "kind"),
        CheckConstraint("share_up_front BETWEEN 0 AND 90", name="share_up_front"),
        CheckConstraint("longest_months BETWEEN 1 AND 60", name="longest_months"),
        CheckConstraint("minimum_score BETWEEN 0 AND 100", name="minimum_score"),
        CheckConstraint("grace_days BETWEEN 1 AND 60", name="grace_days"),
        CheckConstraint("late_after_days BETWEEN 1 AND 30", name="late_after_days"),
        CheckConstraint("offer_days BETWEEN 1 AND 60", name="offer_days"),
        above_zero("smallest_instalment_minor"),
        above_zero("most_live"),
        at_least_zero("largest_total_minor"),
        at_least_zero("first_within_days"),
        at_least_zero("coming_days"),
        at_least_zero("pause_days"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[DebtorKind] = mapped_column(enum_column(DebtorKind))
    is_offered: Mapped[bool] = mapped_column(Boolean)
    share_up_front: Mapped[int] = mapped_column(SmallInteger)
    longest_months: Mapped[int] = mapped_column(SmallInteger)
    smallest_instalment_minor: Mapped[Minor]
    largest_total_minor: Mapped[Minor]
    first_within_days: Mapped[int] = mapped_column(SmallInteger)
    minimum_score: Mapped[int] = mapped_column(SmallInteger)
    most_live: Mapped[int] = mapped_column(SmallInteger)
    needs_mandate: Mapped[bool] = mapped_column(Boolean)
    grace_days: Mapped[int] = mapped_column(SmallInteger)
    late_after_days: Mapped[int] = mapped_column(SmallInteger)
    coming_days: Mapped[int] = mapped_column(SmallInteger)
    offer_days: Mapped[int] = mapped_column(SmallInteger)
    pause_days: Mapped[int] = mapped_column(SmallInteger)
    resumes_at: Mapped[ResumesAt] = mapped_column(enum_column(ResumesAt))
    clause_fr: Mapped[str] = mapped_column(Text, default="")
    clause_en: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime]


class PlanOrigin(enum.Enum):
    """Who began it."""

    DEBTOR = "debtor"
    STAFF = "staff"


class Plan(Affair):
    """An agreement to pay what is left of some invoices by instalments, or the proposal of one.

    `status` is written by `payments.plans.steps.advance` alone. Until it is accepted nothing is frozen and `total_minor`
    is what was left when it was proposed; at acceptance it becomes the sum of what is really covered.
    """

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("attempt"),
        Index(None, "debtor_id", "id"),
        Index("ix_plan_queue", "company_id", "status", "id"),
        Index(
            "ix_plan_followed",
            "debtor_id",
            postgresql_where="status IN ('active', 'paused', 'in_default', 'completed')",
        ),
        Index("ix_plan_needs_person", "company_id", "id", postgresql_where="status = 'needs_person'"),
        Index("ix_plan_offered", "offer_expires_on", postgresql_where="status = 'offered'"),
        above_zero("total_minor"),
    )

    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    """Who proposed it; None when staff did."""
    reference: Mapped[str] = mapped_column(String(24))
    """What people call it: "PLN-7F3K-2M9Q-4"."""
    attempt: Mapped[str] = mapped_column(String(120))
    """The id in the form: a proposal sent twice is one plan."""
    origin: Mapped[PlanOrigin] = mapped_column(enum_column(PlanOrigin), default=PlanOrigin.DEBTOR)
    status: Mapped[PlanStatus] = mapped_column(enum_column(PlanStatus), default=PlanStatus.PROPOSED)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    total_minor: Mapped[Minor]
    message: Mapped[str] = mapped_column(Text, default="")
    """What the debtor wrote with his proposal."""
    wish: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The terms that were proposed (`rules.Terms` by `terms.as_json`)."""
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The terms that are offered, and then agreed."""
    reasons: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """Values of `rules.Limit`: what stood in the way of the wish, or why it was refused."""
    answer: Mapped[str] = mapped_column(Text, default="")
    """What staff wrote to the debtor with an offer or a refusal."""
    by_mandate: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether instalments are collected by direct debit."""
    grace_days: Mapped[int] = mapped_column(SmallInteger, default=7)
    late_after_days: Mapped[int] = mapped_column(SmallInteger, default=1)
    coming_days: Mapped[int] = mapped_column(SmallInteger, default=3)
    resumes_at: Mapped[ResumesAt] = mapped_column(enum_column(ResumesAt), default=ResumesAt.STEP_REACHED)
    """The four above are the policy's words at the time of the offer: a later policy changes no agreement."""
    offered_at: Mapped[datetime | None]
    offer_expires_on: Mapped[date | None]
    """The last day on which the offer may be accepted."""
    accepted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    defaulted_at: Mapped[datetime | None]
    """Of the last default, if there was one."""
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(Text, default="")
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("plan.id"))
    """The plan that this one takes the place of when it is accepted (a change)."""
    assignee_id: Mapped[uuid.UUID | None]
    """The member of staff who looks after it."""
    created_at: Mapped[datetime]


class PlanItem(HasId, Base):
    """An invoice of a plan, in the order in which it is settled (oldest due first)."""

    __tablename__ = "plan_item"
    __table_args__ = (
        UniqueConstraint("plan_id", "invoice_id"),
        Index(None, "invoice_id"),
        above_zero("covered_minor"),
    )

    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plan.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    covered_minor: Mapped[Minor]
    """What of the invoice the plan takes: what was left of it. Fixed at acceptance."""


class PlanInstalment(HasId, Base):
    """One instalment of an accepted plan. Amounts never change; what was paid and credited is derived from the ledger.

    Rest = amount less credited less settled.
    """

    __tablename__ = "plan_instalment"
    __table_args__ = (
        UniqueConstraint("plan_id", "position"),
        Index(
            "ix_plan_instalment_open",
            "due_on",
            "plan_id",
            postgresql_where="credited_minor + settled_minor < amount_minor",
        ),
        above_zero("amount_minor"),
        at_least_zero("credited_minor"),
        at_least_zero("settled_minor"),
        CheckConstraint("credited_minor + settled_minor <= amount_minor", name="within_amount"),
    )

    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plan.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    due_on: Mapped[date]
    """The legal day; a debit waits for the next bank day. A plan that is resumed gives open instalments new days."""
    amount_minor: Mapped[Minor]
    credited_minor: Mapped[Minor] = mapped_column(default=0)
    """Taken off by credit notes and write-offs, from the last instalment backwards."""
    settled_minor: Mapped[Minor] = mapped_column(default=0)
    settled_on: Mapped[date | None]
    """The day on which nothing of it was left."""
    grace_until: Mapped[date | None]
    """Set with the reminder of a missed instalment: the last day to pay before the default."""

    @property
    def rest_minor(self) -> int:
        return self.amount_minor - self.credited_minor - self.settled_minor


class PlanConsent(HasId, Base):
    """The acknowledgement of debt (C. civ. 1376, 2240): what was agreed to, by whom, when and from where. Append-only."""

    __tablename__ = "plan_consent"
    __table_args__ = (
        UniqueConstraint("plan_id"),
        CheckConstraint("length(facts_sha256) = 64", name="facts_sha256_length"),
    )

    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plan.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    session_id: Mapped[uuid.UUID | None]
    """The portal session, lifted to tier 2 by a one-time code."""
    verified_at: Mapped[datetime | None]
    """When the one-time code was given."""
    name: Mapped[str]
    email: Mapped[str] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(200))
    language: Mapped[Language]
    text_version: Mapped[str] = mapped_column(String(32))
    clause: Mapped[str] = mapped_column(Text)
    """The default clause as it was shown."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What stands on the paper (`shared.documents.facts.PlanFacts`)."""
    facts_sha256: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime]


class PlanTransition(Step):
    """One step of a plan."""

    __tablename__ = "plan_transition"
    __table_args__ = (UniqueConstraint("plan_id", "step"),)

    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plan.id"))
    before: Mapped[PlanStatus | None] = mapped_column(enum_column(PlanStatus, name="before"))
    after: Mapped[PlanStatus] = mapped_column(enum_column(PlanStatus, name="after"))
