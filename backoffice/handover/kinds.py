"""The kinds of affairs that are somebody's at the desk: where they are live, and the verb that makes them somebody else's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backoffice.colleagues import Colleague
from payments.chargebacks import service as chargebacks
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import FREEZES as LIVE_CHARGEBACKS
from payments.declarations import service as declarations
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from payments.plans import service as plans
from payments.plans.models import Plan
from payments.plans.status import PlanStatus
from shared.disputes import service as disputes
from shared.disputes.models import Dispute
from shared.disputes.rules import LIVE as LIVE_DISPUTES
from shared.disputes.service import Assignee
from shared.kit.actors import Actor
from shared.kit.words import lazy_gettext as _l
from shared.promises import service as promises
from shared.promises.models import Promise
from shared.promises.rules import PromiseState

Give = Callable[[Session, uuid.UUID, Colleague | None, Actor], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of affair."""

    title: Any
    identity: InstrumentedAttribute[uuid.UUID]
    holder: InstrumentedAttribute[uuid.UUID | None]
    is_live: ColumnElement[bool]
    permission: str
    """Who may look after it."""
    give: Give

    def held_by(self, staff_id: uuid.UUID) -> Select[uuid.UUID]:
        """The live ones of a member."""
        return select(self.identity).where(and_(self.is_live, self.holder == staff_id)).order_by(self.identity)


def _id(to: Colleague | None) -> uuid.UUID | None:
    return to.id if to else None


def _name(to: Colleague | None) -> str:
    return to.name if to else ""


def _give_dispute(session: Session, identity: uuid.UUID, to: Colleague | None, by: Actor) -> None:
    wanted = Assignee(to.id, to.name) if to else None
    disputes.assign(session, dispute_id=identity, assignee=wanted, by=by)


def _give_plan(session: Session, identity: uuid.UUID, to: Colleague | None, by: Actor) -> None:
    plans.assign(session, plan_id=identity, staff_id=_id(to), by=by)


def _give_promise(session: Session, identity: uuid.UUID, to: Colleague | None, by: Actor) -> None:
    promises.assign(session, promise_id=identity, staff_id=_id(to), name=_name(to), by=by)


def _give_declaration(session: Session, identity: uuid.UUID, to: Colleague | None, by: Actor) -> None:
    declarations.assign(session, declaration_id=identity, staff_id=_id(to), name=_name(to), by=by)


def _give_chargeback(session: Session, identity: uuid.UUID, to: Colleague | None, by: Actor) -> None:
    chargebacks.assign(session, chargeback_id=identity, staff_id=_id(to), name=_name(to), by=by)


_S = PlanStatus
KINDS = (
    Kind(
        _l("Disputes"),
        Dispute.id,
        Dispute.assignee_id,
        Dispute.status.in_(LIVE_DISPUTES),
        "disputes.write",
        _give_dispute,
    ),
    Kind(
        _l("Payment plans"),
        Plan.id,
        Plan.assignee_id,
        Plan.status.in_((_S.NEEDS_PERSON, _S.OFFERED, _S.ACTIVE, _S.PAUSED, _S.IN_DEFAULT)),
        "plans.write",
        _give_plan,
    ),
    Kind(
        _l("Promises"),
        Promise.id,
        Promise.assigned_to,
        Promise.state == PromiseState.EXPECTED,
        "promises.write",
        _give_promise,
    ),
    Kind(
        _l("Declared payments"),
        Declaration.id,
        Declaration.assigned_to,
        Declaration.state == DeclarationState.DECLARED,
        "declarations.write",
        _give_declaration,
    ),
    Kind(
        _l("Contested payments"),
        Chargeback.id,
        Chargeback.assigned_to,
        Chargeback.state.in_(LIVE_CHARGEBACKS),
        "chargebacks.write",
        _give_chargeback,
    ),
)
