"""From a decision to a message: each reminder looks at its debtor again, under lock."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from backoffice.reminders.after_plan import was_reminded_by_plan
from backoffice.reminders.explain import explain, reason_of
from backoffice.reminders.models import Reminder, ReminderInvoice, ReminderStatus, ScenarioStep, Tone
from payments.collections.outlook import Outlook, is_debited, outlook
from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorAlias, DebtorKind
from shared.debtors.service import lock_debtors
from shared.disputes.queries import frozen_by_invoice
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import among, retrying, transaction
from shared.kit.each import act_on_each
from shared.kit.money import Money
from shared.messages import service as messages
from shared.messages.models import Message, MessageStatus

log = logging.getLogger(__name__)

TOGETHER = 25
"""So many reminders are written in one transaction."""

LISTED = 10
"""So many invoices stand in a mail; the rest is on the account."""

_MAY_HAVE_LEFT = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNCERTAIN, MessageStatus.TOLD)


@dataclass(frozen=True, slots=True)
class _Scene:
    """A reminder with its debtor, locked, and all that he owes, read once."""

    reminder: Reminder
    debtor: Debtor
    company: Company
    step: ScenarioStep
    today: date
    open_ones: Sequence[Invoice]
    outlook: Outlook

    @property
    def asked(self) -> list[Invoice]:
        """What a letter lists: all that is late, or for the notice also what falls due within its days; not what a debit takes."""
        first_day = min(self.step.offset_days, 1)
        return [
            each
            for each in self.open_ones
            if _free(each) > 0
            and (self.today - each.due_on).days >= first_day
            and not is_debited(self.outlook, each.id)
        ]


def write(reminder_id: uuid.UUID) -> None:
    """Write the messages of one reminder, or drop it with the reason. Twice is harmless."""
    write_some([reminder_id])


def write_some(reminder_ids: Sequence[uuid.UUID]) -> None:
    """Write the messages of some reminders, `TOGETHER` in a transaction. Twice is harmless.

    Where one of them cannot be written, its neighbours are written one by one.
    """
    act_on_each([reminder_ids[at : at + TOGETHER] for at in range(0, len(reminder_ids), TOGETHER)], _write_these)


def _write_these(reminder_ids: Sequence[uuid.UUID]) -> None:
    try:
        retrying(partial(_write_together, reminder_ids))
    except Exception:
        if len(reminder_ids) == 1:
            raise
        log.exception("%d reminders could not be written together", len(reminder_ids))
        act_on_each([[each] for each in reminder_ids], _write_these)


def _write_together(reminder_ids: Sequence[uuid.UUID]) -> None:
    with transaction() as session:
        decided = session.scalars(
            select(Reminder)
            .where(among(Reminder.id, reminder_ids), Reminder.status == ReminderStatus.DECIDED)
            .order_by(Reminder.id)
            .with_for_update()
        ).all()
        scenes = _scenes(session, decided)
        with session.no_autoflush:
            wanted = [_draft(session, scene) for scene in scenes]
            drafts = [each for each in wanted if each is not None]
            written = dict(zip([each.subject_id for each in drafts], messages.write_all(session, drafts), strict=True))
        for scene in scenes:
            if scene.reminder.status is ReminderStatus.WRITTEN and not written[scene.reminder.id]:
                _drop(scene.reminder, "no_address")
        _forget(session, scenes)


def _scenes(session: Session, reminders: Sequence[Reminder]) -> list[_Scene]:
    """The debtors are locked in the order of their ids, whoever asks."""
    debtors = lock_debtors(session, {each.debtor_id for each in reminders})
    open_ones: dict[uuid.UUID, list[Invoice]] = {identity: [] for identity in debtors}
    for invoice in session.scalars(
        select(Invoice)
        .where(among(Invoice.debtor_id, debtors), Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.cancelled_on.is_(None))
        .order_by(Invoice.due_on, Invoice.id)
    ):
        open_ones[invoice.debtor_id].append(invoice)
    return [_scene(session, each, debtors[each.debtor_id], open_ones[each.debtor_id]) for each in reminders]


def _scene(session: Session, reminder: Reminder, debtor: Debtor, open_ones: Sequence[Invoice]) -> _Scene:
    company = session.get_one(Company, debtor.company_id)
    step = session.get_one(ScenarioStep, reminder.step_id)
    today = clock.today(company.zone)
    return _Scene(reminder, debtor, company, step, today, open_ones, outlook(session, debtor))


def _draft(session: Session, scene: _Scene) -> messages.Draft | None:
    """The letter of a reminder, marked as written; None for one that is dropped, with the reason."""
    reminder, debtor, invoices = scene.reminder, scene.debtor, scene.asked
    reminder.amount_minor = sum(_free(invoice) for invoice in invoices)
    why_not = _why_not(debtor, invoices, scene.today)
    if why_not is not None:
        _drop(reminder, why_not)
        return None
    tone = _tone(session, reminder, scene.step)
    reminder.status, reminder.dropped_why = ReminderStatus.WRITTEN, ""
    decision = explain(
        session,
        scene.step,
        asked=invoices,
        open_ones=scene.open_ones,
        by_debit=scene.outlook,
        today=scene.today,
    )
    return messages.Draft(
        kind="reminder",
        debtor_id=debtor.id,
        reason=lambda: _reason(scene.step, invoices, scene.today),
        dedupe_key=f"reminder:{reminder.id}",
        facts={**_facts(scene, tone, invoices), "contested": _contested(session, scene)},
        link=LinkPurpose.REMINDER,
        subject_id=reminder.id,
        at_most_once=True,
        decision=decision.as_json(),
    )


def still_due(session: Session, some: Sequence[Message]) -> dict[uuid.UUID, str]:
    """The last look before reminders leave: why some should not.

    A reminder is dropped with its letters, unless one of them has left: then it stands, whoever does not get the others.
    """
    reminders = {
        each.id: each
        for each in session.scalars(
            select(Reminder).where(among(Reminder.id, [each.subject_id for each in some if each.subject_id]))
        )
    }
    dropped = {}
    left = set(
        session.scalars(
            select(Message.subject_id).where(
                among(Message.subject_id, reminders),
                among(Message.debtor_id, {each.debtor_id for each in reminders.values()}),
                Message.kind == "reminder",
                Message.status.in_(_MAY_HAVE_LEFT),
            )
        )
    )
    scenes = _scenes(session, list(reminders.values()))
    for scene in scenes:
        if scene.reminder.status is ReminderStatus.DROPPED:  # with another of its letters
            dropped[scene.reminder.id] = scene.reminder.dropped_why
            continue
        invoices = scene.asked
        why_not = _why_not(scene.debtor, invoices, scene.today)
        if why_not is None and sum(_free(invoice) for invoice in invoices) != scene.reminder.amount_minor:
            why_not = "changed"  # what the letter says is no longer true; the next run decides anew
        if why_not is not None:
            dropped[scene.reminder.id] = why_not
            if scene.reminder.id not in left:
                _drop(scene.reminder, why_not)
    _forget(session, scenes)
    return {each.id: dropped[each.subject_id] for each in some if each.subject_id in dropped}


def _drop(reminder: Reminder, why: str) -> None:
    reminder.status, reminder.dropped_why = ReminderStatus.DROPPED, why


def _forget(session: Session, scenes: Sequence[_Scene]) -> None:
    """Nobody was written to by what is dropped: its invoices have not come to their steps."""
    dropped = [each.reminder.id for each in scenes if each.reminder.status is ReminderStatus.DROPPED]
    if dropped:
        session.execute(delete(ReminderInvoice).where(among(ReminderInvoice.reminder_id, dropped)))


def _free(invoice: Invoice) -> int:
    return invoice.collectable_minor


def _why_not(debtor: Debtor, invoices: list[Invoice], today: date) -> str | None:
    if not invoices:
        return "settled"
    if debtor.reminders_paused_until is not None and debtor.reminders_paused_until >= today:
        return "paused"
    if debtor.credit_minor >= sum(_free(invoice) for invoice in invoices):
        return "credit"
    return None


def _reason(step: ScenarioStep, invoices: list[Invoice], today: date) -> str:
    late = max((today - invoice.due_on).days for invoice in invoices)
    return reason_of(min(late, step.offset_days) if step.offset_days < 0 else late)


def _tone(session: Session, reminder: Reminder, step: ScenarioStep) -> Tone:
    """The step's tone; but nobody is told "we wrote to you before" who was never written to about something late."""
    if step.tone not in (Tone.CLEAR, Tone.FIRM):
        return step.tone
    merged = select(DebtorAlias.merged_id).where(DebtorAlias.debtor_id == reminder.debtor_id)
    earlier = (
        select(Reminder.id)
        .join(ScenarioStep, ScenarioStep.id == Reminder.step_id)
        .where(
            or_(Reminder.debtor_id == reminder.debtor_id, Reminder.debtor_id.in_(merged)), Reminder.id != reminder.id
        )
        .where(Reminder.status == ReminderStatus.WRITTEN, ScenarioStep.offset_days >= 0)
    )
    if session.scalar(earlier.limit(1)) or session.scalar(select(was_reminded_by_plan(reminder.debtor_id))):
        return step.tone
    return Tone.KIND


def _contested(session: Session, scene: _Scene) -> dict[str, Any] | None:
    """What is not asked for because it is disputed: the amount, and of which invoices."""
    debtor = scene.debtor
    rows = frozen_by_invoice(session, debtor.id) if any(each.frozen_minor for each in scene.open_ones) else []
    if not rows:
        return None
    total = sum(minor for _id, _number, minor in rows)
    return {"amount": Money(total, debtor.currency), "numbers": [number for _id, number, _minor in rows]}


def _facts(scene: _Scene, tone: Tone, invoices: list[Invoice]) -> dict[str, Any]:
    debtor, company = scene.debtor, scene.company
    is_late = bool(invoices) and invoices[0].due_on < scene.today
    return {
        "is_mixed": is_late and invoices[-1].due_on >= scene.today,
        "tone": tone.value if is_late else Tone.NOTICE.value,
        "total": Money(sum(_free(invoice) for invoice in invoices), debtor.currency),
        "rows": [
            {"number": each.number, "due_on": each.due_on, "open": Money(_free(each), each.currency)}
            for each in invoices[:LISTED]
        ],
        "hidden_count": max(len(invoices) - LISTED, 0),
        "credit": Money(debtor.credit_minor, debtor.currency) if debtor.credit_minor else None,
        "iban": " ".join(company.iban[i : i + 4] for i in range(0, len(company.iban), 4)),
        "is_business": debtor.kind is DebtorKind.BUSINESS,
    }
