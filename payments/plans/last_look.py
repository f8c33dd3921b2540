"""The last look at what is told of plans: a mail that waited while its plan moved on names days that no longer hold."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from payments.plans import contents
from payments.plans.models import Plan, PlanInstalment, PlanTransition
from payments.plans.status import PlanStatus
from shared.company.queries import today_of
from shared.messages.last_look import before_sending
from shared.messages.models import Message

S = PlanStatus

HOLDS_IN = {
    "plan_offered": {S.OFFERED},
    "plan_accepted": {S.ACTIVE, S.COMPLETED},
    "plan_resumed": {S.ACTIVE, S.COMPLETED},
    "plan_paused": {S.PAUSED},
    "plan_defaulted": {S.IN_DEFAULT},
    "plan_completed": {S.COMPLETED},
}
"""What a mail says is true while its plan is in one of these states; a plan that was cancelled stays so."""

OF_INSTALMENTS = ("instalment_coming", "instalment_late")
MOVED_ON = "its plan has moved on"


def moved_on(session: Session, some: Sequence[Message]) -> dict[uuid.UUID, str]:
    """Mails about the state of plans that are in another one now, or have new days since."""
    return {each.id: MOVED_ON for each in some if not _holds(session, each)}


def _holds(session: Session, message: Message) -> bool:
    plan = session.get(Plan, message.subject_id, populate_existing=True) if message.subject_id else None
    if plan is None or plan.status not in HOLDS_IN[message.kind]:
        return False
    if message.kind == "plan_completed":
        return True
    step = int(message.dedupe_key.split(":")[2])
    again = exists().where(
        PlanTransition.plan_id == plan.id,
        PlanTransition.step > step,
        PlanTransition.actor_kind == "staff" if plan.status is not S.OFFERED else PlanTransition.plan_id == plan.id,
    )
    return not session.scalar(select(again))


def instalment_settled(session: Session, some: Sequence[Message]) -> dict[uuid.UUID, str]:
    """Mails about an instalment that has another day now, is paid, or will be debited after all."""
    return {each.id: why for each in some if (why := _why_not(session, each))}


def _why_not(session: Session, message: Message) -> str:
    _kind, row_id, day, *_rest = message.dedupe_key.split(":")
    row = session.get(PlanInstalment, uuid.UUID(row_id), populate_existing=True)
    plan = session.get(Plan, message.subject_id, populate_existing=True) if message.subject_id else None
    if row is None or plan is None or plan.status is not S.ACTIVE or row.due_on != date.fromisoformat(day):
        return MOVED_ON
    if not row.rest_minor:
        return "its instalment is paid"
    if message.kind == "instalment_late":
        return ""
    if row.due_on < today_of(session, plan.company_id):
        return "its day has passed"
    return "its instalment will be debited" if contents.debit_days(session, [row.id]) else ""


for _kind in HOLDS_IN:
    before_sending(_kind)(moved_on)
for _kind in OF_INSTALMENTS:
    before_sending(_kind)(instalment_settled)
