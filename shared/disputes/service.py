"""The verbs of disputes. Each writes in the caller's session; files are checked before (`attachments.service.check`).

Signatures are settled; bodies follow.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from shared.attachments.service import Checked
from shared.disputes.models import Dispute, DisputeEntry, DisputeReason
from shared.disputes.rules import Policy, Status
from shared.kit.actors import Actor


@dataclass(frozen=True, slots=True)
class Claim:
    """What is contested of one invoice: these lines, or this amount with VAT, or (neither) all that is left of it."""

    invoice_id: uuid.UUID
    minor: int | None = None
    line_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True)
class Assignee:
    """A member of staff."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class CreditWish:
    """How an acceptance credits: amounts with VAT by part; a note that is made now, or one that is there already."""

    minors: Mapping[uuid.UUID, int]
    """By id of DisputePart. A part that is not named, or with 0, stays owed."""
    number: str = ""
    """Number of the credit note to make; "" gives `queries.suggest_number`."""
    credit_note_id: uuid.UUID | None = None
    """An open credit note of this debtor to use instead of making one."""
    vat_rate: Decimal | None = None
    """In percent; asked for only when the invoice says nothing of its VAT (`queries.needs_vat_rate`)."""


def raise_dispute(session: Session, *, debtor_id: uuid.UUID, claims: Sequence[Claim], reason_code: str, text: str, attempt: str, by: Actor, contact_id: uuid.UUID | None = None, files: Sequence[Checked] = ()) -> Dispute: ...  # noqa: E501
def say(session: Session, *, dispute_id: uuid.UUID, text: str, by: Actor, asks: bool = False, files: Sequence[Checked] = ()) -> DisputeEntry: ...  # noqa: E501
def note(session: Session, *, dispute_id: uuid.UUID, text: str, by: Actor, files: Sequence[Checked] = ()) -> DisputeEntry: ...  # noqa: E501
def take_up(session: Session, *, dispute_id: uuid.UUID, by: Actor) -> None: ...
def assign(session: Session, *, dispute_id: uuid.UUID, assignee: Assignee | None, by: Actor) -> None: ...
def change_reason(session: Session, *, dispute_id: uuid.UUID, reason_code: str, by: Actor) -> None: ...
def set_deadline(session: Session, *, dispute_id: uuid.UUID, due_on: date, by: Actor) -> None: ...
def accept(session: Session, *, dispute_id: uuid.UUID, credit: CreditWish, text: str, by: Actor, owed_again_on: date | None = None) -> None: ...  # noqa: E501
def reject(session: Session, *, dispute_id: uuid.UUID, grounds: str, by: Actor, owed_again_on: date | None = None) -> None: ...  # noqa: E501
def withdraw(session: Session, *, dispute_id: uuid.UUID, by: Actor, text: str = "") -> None: ...
def reopen(session: Session, *, dispute_id: uuid.UUID, text: str, by: Actor, files: Sequence[Checked] = ()) -> None: ...
def advance(session: Session, dispute_id: uuid.UUID, to: Status, *, by: Actor, cause: str = "") -> bool: ...
def ensure_reasons(session: Session, company_id: uuid.UUID) -> list[DisputeReason]: ...
def set_reason(session: Session, *, company_id: uuid.UUID, code: str, label_en: str, label_fr: str, deadline_days: int, is_active: bool, position: int | None = None, by: Actor) -> DisputeReason: ...  # noqa: E501
def set_policy(session: Session, *, company_id: uuid.UUID, policy: Policy, by: Actor) -> None: ...
