"""What a debtor is told about his plan: each message in the transaction of the change it speaks of, once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.plans import contents, rules
from payments.plans.acknowledge import clause_of
from payments.plans.models import Plan, PlanConsent, PlanInstalment, PlanTransition
from shared.access.models import LinkPurpose
from shared.documents.facts import PlanFacts, from_json
from shared.kit import steps
from shared.kit.money import Money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.messages import service as messages


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment in a message."""

    position: int
    due_on: date
    charge_on: date | None
    money: Money


def key_of(session: Session, plan: Plan, kind: str) -> str:
    """What the keys of a message of this kind begin with, written at this step of the plan."""
    return f"{kind}:{plan.id}:{_steps(session, plan.id)}"


def offered(session: Session, plan: Plan) -> None:
    """Terms that staff offer, with the day until which they stand."""
    terms = rules.terms_from_json(plan.terms or plan.wish)
    days = rules.schedule_or_none(plan.total_minor, terms)
    rows = [Row(each.position, each.on, None, Money(each.minor, plan.currency)) for each in days]
    facts = {"rows": rows, "answer": plan.answer, "until": plan.offer_expires_on, "by_mandate": terms.by_mandate}
    _write(session, plan, "plan_offered", facts)


def declined(session: Session, plan: Plan) -> None:
    """Staff said no, in their own words."""
    _write(session, plan, "plan_declined", {"answer": plan.answer})


def accepted(session: Session, plan: Plan) -> None:
    """The agreement with its whole schedule: the pre-notification of every debit when it is collected by mandate."""
    consent = session.scalars(select(PlanConsent).where(PlanConsent.plan_id == plan.id)).one()
    paper = from_json(PlanFacts, consent.facts)
    rows = [Row(each.position, each.due_on, each.charge_on, each.amount) for each in paper.instalments]
    facts = {
        "rows": rows,
        "by_mandate": plan.by_mandate,
        "mandate_reference": paper.rum,
        "iban_ending": paper.iban_ending,
        "clause": lambda: clause_of(session, plan, current_language()),
    }
    _write(session, plan, "plan_accepted", facts, also=consent.contact_id)


def resumed(session: Session, plan: Plan) -> None:
    """The new days of what is left; the pre-notification of their debits."""
    mandate = contents.mandate_of(session, plan.debtor_id) if plan.by_mandate else None
    facts = {
        "rows": _open_rows(session, plan),
        "by_mandate": plan.by_mandate and mandate is not None,
        "mandate_reference": (mandate.scheme_reference or mandate.reference) if mandate else "",
        "iban_ending": mandate.iban_ending if mandate else "",
    }
    _write(session, plan, "plan_resumed", facts)


def paused(session: Session, plan: Plan, *, words: str = "") -> None:
    """Nothing is asked for until further notice; with what staff wrote to the debtor."""
    facts = {"answer": words, "is_under_way": _is_under_way(session, plan)}
    _write(session, plan, "plan_paused", facts, is_news=True)


def cancelled(session: Session, plan: Plan, *, words: str = "") -> None:
    """The plan has ended, and what is left is due by its invoices; with what staff wrote to the debtor."""
    facts = {"rest": _rest(session, plan), "answer": words, "is_under_way": _is_under_way(session, plan)}
    _write(session, plan, "plan_cancelled", facts)


def completed(session: Session, plan: Plan) -> None:
    """Everything is paid."""
    _write(session, plan, "plan_completed", {}, is_news=True)


def defaulted(session: Session, plan: Plan, *, words: str = "") -> None:
    """The clause applies: the rest is due at once; with what staff wrote to the debtor."""
    facts = {"rest": _rest(session, plan), "answer": words, "is_under_way": _is_under_way(session, plan)}
    _write(session, plan, "plan_defaulted", facts)


def coming(session: Session, plan: Plan, row: PlanInstalment) -> list[uuid.UUID]:
    """A few days before an instalment that the debtor pays himself; once for each day that it is due on."""
    facts = {"money": Money(row.rest_minor, plan.currency), "due_on": row.due_on, "position": row.position}
    key = f"instalment_coming:{row.id}:{row.due_on.isoformat()}"
    return _write(session, plan, "instalment_coming", facts, dedupe_key=key)


def late(
    session: Session,
    plan: Plan,
    rows: Sequence[PlanInstalment],
    *,
    fresh: PlanInstalment,
    minor: int,
    until: date,
) -> list[uuid.UUID]:
    """A reminder of all missed instalments together, with the last day to pay them; once for each one that is new."""
    mandate = contents.debit_days(session, [row.id for row in rows])
    facts = {
        "money": Money(minor, plan.currency),
        "rows": [
            Row(row.position, row.due_on, mandate.get(row.id), Money(row.rest_minor, plan.currency)) for row in rows
        ],
        "until": until,
        "retry_on": min(mandate.values(), default=None),
        "rest": _rest(session, plan),
    }
    key = f"instalment_late:{fresh.id}:{fresh.due_on.isoformat()}"
    return _write(session, plan, "instalment_late", facts, dedupe_key=key)


def _write(
    session: Session,
    plan: Plan,
    kind: str,
    facts: dict[str, Any],
    *,
    dedupe_key: str = "",
    also: uuid.UUID | None = None,
    is_news: bool = False,
) -> list[uuid.UUID]:
    """Everybody who is reminded gets it, and in any case the one who agreed (`also`)."""
    session.flush()
    shown = {"reference": plan.reference, "total": Money(plan.total_minor, plan.currency), **facts}
    key = dedupe_key or key_of(session, plan, kind)

    return messages.write(
        session,
        kind=kind,
        debtor_id=plan.debtor_id,
        also=also,
        reason=lambda: _("You get this because of your payment plan %(reference)s.", reference=plan.reference),
        dedupe_key=key,
        facts=shown,
        link=LinkPurpose.NOTICE,
        subject_id=plan.id,
        is_news=is_news,
    )


def _steps(session: Session, plan_id: uuid.UUID) -> int:
    return steps.last(session, PlanTransition, PlanTransition.plan_id == plan_id)


def _is_under_way(session: Session, plan: Plan) -> bool:
    """Whether a payment of it is on its way: it may be made whatever becomes of the plan."""
    return any(contents.under_way(session, plan.id).values())


def _rest(session: Session, plan: Plan) -> Money:
    return Money(sum(row.rest_minor for row in contents.instalments_of(session, plan.id)), plan.currency)


def _open_rows(session: Session, plan: Plan) -> list[Row]:
    rows = [row for row in contents.instalments_of(session, plan.id) if row.rest_minor]
    days = contents.debit_days(session, [row.id for row in rows])
    return [Row(row.position, row.due_on, days.get(row.id), Money(row.rest_minor, plan.currency)) for row in rows]
