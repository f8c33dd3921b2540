"""The only writer of a mandate's status."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from payments.models import Mandate, MandateTransition
from payments.status import MANDATE_ENDS, USABLE_MANDATES, MandateStatus, mandate_topic
from shared.debtors import affairs
from shared.kit import clock, outbox, steps
from shared.kit.actors import Actor
from shared.kit.errors import Conflict


@dataclass(frozen=True, slots=True)
class MandateFacts:
    """What a step learnt; None leaves the mandate's word as it is."""

    provider_reference: str | None = None
    billing_request_reference: str | None = None
    scheme_reference: str | None = None
    holder_name: str | None = None
    bank_name: str | None = None
    iban_ending: str | None = None
    iban_country: str | None = None
    next_charge_on: date | None = None
    flow_url: str | None = None
    flow_expires_at: datetime | None = None


LEARNT = tuple(MandateFacts.__dataclass_fields__)


def advance(
    session: Session,
    mandate_id: uuid.UUID,
    to: MandateStatus,
    *,
    by: Actor,
    facts: MandateFacts | None = None,
    cause: str = "",
) -> bool:
    """Take one step; True when it was taken, False when the mandate stands there already.

    1. Lock the debtor, then the mandate, and look again.
    2. Check the table of edges; raises Conflict("mandate.no_such_step") for a step that it does not have.
    3. Write status, transition and audit line, and publish the edge's topic.
    """
    mandate = lock_mandate(session, mandate_id)
    learn(mandate, facts or MandateFacts())
    before = mandate.status
    if before is to:
        return False
    topic = mandate_topic(before, to)
    if topic is None:
        raise Conflict(
            "mandate.no_such_step",
            f"mandate {mandate.reference} cannot go from {before.value} to {to.value}",
            before=before.value,
            after=to.value,
        )
    mandate.status = to
    if to in USABLE_MANDATES and mandate.given_at is None:
        mandate.given_at = clock.now()
    if to in MANDATE_ENDS:
        mandate.ended_at, mandate.end_reason = clock.now(), cause
    elif before in MANDATE_ENDS:
        mandate.ended_at, mandate.end_reason = None, ""
    step = _write_step(session, mandate, before, by=by, cause=cause)
    was_given = before is not MandateStatus.CREATED
    outbox.publish(
        session,
        topic,
        {
            "mandate_id": str(mandate.id),
            "debtor_id": str(mandate.debtor_id),
            "before": before.value,
            "after": to.value,
            "was_given": was_given,
            "step": step,
        },
        dedupe_key=f"{mandate.id}:{step}",
    )
    session.flush()
    return True


def record_start(session: Session, mandate: Mandate, *, by: Actor) -> None:
    """The first line of a new mandate's story."""
    _write_step(session, mandate, None, by=by, cause="")


def learn(mandate: Mandate, facts: MandateFacts) -> None:
    """Keep what the provider told, without a step."""
    for name in LEARNT:
        value = getattr(facts, name)
        if value is not None and value != "":
            setattr(mandate, name, value)


def lock_mandate(session: Session, mandate_id: uuid.UUID) -> Mandate:
    """The mandate, locked after its debtor and read anew. Raises NotFound."""
    return affairs.lock(session, Mandate, mandate_id)


def steps_of(session: Session, mandate_id: uuid.UUID) -> int:
    """How many steps a mandate has taken: its version."""
    return steps.last(session, MandateTransition, MandateTransition.mandate_id == mandate_id)


def _write_step(session: Session, mandate: Mandate, before: MandateStatus | None, *, by: Actor, cause: str) -> int:
    row = MandateTransition(mandate_id=mandate.id, before=before, after=mandate.status)
    step = steps.take(session, row, MandateTransition.mandate_id == mandate.id, by=by, cause=cause)
    affairs.record(
        session,
        mandate,
        action=f"mandate.{mandate.status.value}",
        by=by,
        before={"status": before.value} if before else None,
        after={"status": mandate.status.value},
    )
    return step
