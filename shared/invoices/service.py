"""Verbs on invoices: freezing a part of one, resizing and lifting the freeze."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from shared.debtors.service import lock_debtor, lock_owner
from shared.invoices import amounts
from shared.invoices.models import PAUSES, Freeze, FreezeKind, Invoice
from shared.kit import audit, bulk, clock, db, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

TOLD_TOGETHER = 500
"""So many frozen invoices are told of in one message."""


def freeze(
    session: Session,
    *,
    invoice_id: uuid.UUID,
    kind: FreezeKind,
    minor: int | None = None,
    reason: str,
    subject_id: uuid.UUID | None = None,
    by: Actor,
) -> Freeze:
    """Neither collect nor remind a part of an invoice from this commit on (I10); without `minor` all that is left.

    A dispute, plan or legal hold may take what a promise or declaration covers; these only what nothing covers yet. Of
    money that a payment in flight holds, a plan, promise or declaration takes nothing. Locks the debtor, then the
    invoice; publishes `invoice.frozen`. Raises Conflict("invoice.frozen") when so much is not left, Invalid for an amount
    of zero, NotFound.
    """
    invoice = _lock_invoice(session, invoice_id)
    free = left_to_freeze(invoice, kind)
    wanted = free if minor is None else minor
    if minor is not None and minor <= 0:
        raise Invalid("invoice.freeze_amount", _("The amount must be more than zero."))
    if wanted <= 0 or wanted > free:
        raise Conflict("invoice.frozen", _("This invoice is already on hold, or nothing of it is open."))
    parts = [(invoice.id, wanted)]
    (made,) = _write_all(session, {invoice.id: invoice}, kind, parts, reason=reason, subject_id=subject_id, by=by)
    return session.get_one(Freeze, made)


def freeze_all(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    parts: Sequence[tuple[uuid.UUID, int]],
    kind: FreezeKind,
    reason: str,
    subject_id: uuid.UUID | None,
    by: Actor,
) -> list[uuid.UUID]:
    """What `freeze` does, for many parts (invoice, minor units) of one debtor in the same number of statements.

    An invoice may stand in several parts (lines of it, contested one by one). Gives the id of each part's freeze, in their order.
    """
    if any(minor <= 0 for _invoice, minor in parts):
        raise Invalid("invoice.freeze_amount", _("The amount must be more than zero."))
    lock_debtor(session, debtor_id)
    minors: Counter[uuid.UUID] = Counter()
    for invoice_id, minor in parts:
        minors[invoice_id] += minor
    rows = amounts.lock(session, minors)
    if any(one not in rows or rows[one].debtor_id != debtor_id for one in minors):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    if any(minor > left_to_freeze(rows[one], kind) for one, minor in minors.items()):
        raise Conflict("invoice.frozen", _("This invoice is already on hold, or nothing of it is open."))
    return _write_all(session, rows, kind, parts, reason=reason, subject_id=subject_id, by=by)


def left_to_freeze(invoice: Invoice | Row[Any], kind: FreezeKind) -> int:
    """How much of an invoice this kind may still take."""
    free = invoice.open_minor - invoice.frozen_minor
    if kind in PAUSES:
        free -= invoice.paused_minor
    if kind in _LEAVES_FLIGHTS:
        free -= invoice.held_minor
    return max(0, free)


def cover(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    kind: FreezeKind,
    subject_id: uuid.UUID,
    minors: Mapping[uuid.UUID, int],
    reason: str,
    by: Actor,
) -> dict[uuid.UUID, int]:
    """Let a subject freeze exactly so much of each invoice, whatever it froze before; gives what it freezes now.

    For a promise or plan that follows the ledger: its hold shrinks with what is settled and grows when money goes back, in
    the same commit, beside a dispute that still freezes more than what is open, so that neither leaves a gap when the other
    lets go (I10). Never more in all than an invoice's total; zero lifts it. As many statements whatever their number. Locks
    the debtor, then the invoices; what an invoice's trail shows is one line a change. Raises NotFound.
    """
    lock_debtor(session, debtor_id)
    rows = amounts.lock(session, minors)
    if any(one not in rows or rows[one].debtor_id != debtor_id for one in minors):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    live = select(*_FREEZE).where(Freeze.subject_id == subject_id, Freeze.kind == kind, Freeze.lifted_at.is_(None))
    found: Any = session.execute(live.with_for_update())
    known: dict[uuid.UUID, Row[Any]] = {row.invoice_id: row for row in found if row.invoice_id in rows}
    fits = {one: _fitting(rows[one], kind, known.get(one), minor) for one, minor in minors.items()}
    gone = [row.id for one, row in known.items() if not fits[one]]
    if gone:
        lift_these(session, debtor_id=debtor_id, which=db.among(Freeze.id, gone), by=by)
    _resize_all(session, rows, kind, [(row, fits[one]) for one, row in sorted(known.items()) if fits[one]], by=by)
    new = [(one, minor) for one, minor in sorted(fits.items()) if minor and one not in known]
    _write_all(session, rows, kind, new, reason=reason, subject_id=subject_id, by=by)
    return fits


def _fitting(invoice: Row[Any], kind: FreezeKind, own: Row[Any] | None, minor: int) -> int:
    others = _covered(invoice, kind) - (own.amount_minor if own else 0)
    total: int = invoice.total_minor
    return max(0, min(minor, total - others))


def _resize_all(
    session: Session,
    rows: Mapping[uuid.UUID, Row[Any]],
    kind: FreezeKind,
    wanted: Sequence[tuple[Row[Any], int]],
    *,
    by: Actor,
) -> None:
    changed = [(row, minor) for row, minor in wanted if minor != row.amount_minor]
    if changed:
        bulk.change_rows(session, Freeze, [{"id": row.id, "amount_minor": minor} for row, minor in changed])
        amounts.add(session, _cached(kind), {row.invoice_id: minor - row.amount_minor for row, minor in changed})
        lines = [_Line(row.id, row.invoice_id, kind, minor, row.reason) for row, minor in changed]
        _record_all(session, by, "invoice.hold_resized", rows, lines)


def lift(session: Session, *, freeze_id: uuid.UUID, by: Actor) -> None:
    """End a freeze: the amount may be collected and reminded again. Twice is harmless; raises NotFound.

    Publishes `invoice.lifted`.
    """
    debtor = lock_owner(session, select(Freeze.debtor_id).where(Freeze.id == freeze_id))
    if debtor is None:
        raise NotFound("freeze.missing", _("There is no such hold."))
    lift_these(session, debtor_id=debtor.id, which=Freeze.id == freeze_id, by=by)


def lift_all(session: Session, *, subject_id: uuid.UUID, by: Actor) -> None:
    """End every live freeze of a dispute, plan, promise or declaration."""
    live = select(Freeze.debtor_id).where(Freeze.subject_id == subject_id, Freeze.lifted_at.is_(None))
    debtor = lock_owner(session, live.limit(1))
    if debtor is not None:
        lift_these(session, debtor_id=debtor.id, which=Freeze.subject_id == subject_id, by=by)


def lift_these(session: Session, *, debtor_id: uuid.UUID, which: ColumnElement[bool], by: Actor) -> None:
    """End those of a debtor's live freezes, in as many statements whatever their number. Publishes `invoice.lifted` once."""
    lock_debtor(session, debtor_id)
    live = select(*_FREEZE).where(Freeze.debtor_id == debtor_id, Freeze.lifted_at.is_(None), which)
    rows = amounts.lock(session, session.scalars(live.with_only_columns(Freeze.invoice_id)))
    freezes = session.execute(live.order_by(Freeze.invoice_id, Freeze.id).with_for_update()).all()
    if not freezes:
        return
    less: dict[amounts.Amount, Counter[uuid.UUID]] = {"paused_minor": Counter(), "frozen_minor": Counter()}
    for row in freezes:
        less[_cached(row.kind)][row.invoice_id] -= row.amount_minor
    for amount, minors in less.items():
        amounts.add(session, amount, minors)
    ids = [row.id for row in freezes]
    session.execute(
        update(Freeze).where(db.among(Freeze.id, ids)).values(lifted_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    db.forget(session, Freeze, ids, "lifted_at")
    lines = [_Line(row.id, row.invoice_id, row.kind, row.amount_minor, row.reason) for row in freezes]
    _record_all(session, by, "invoice.lifted", rows, lines)
    told = {"invoice": str(freezes[0].invoice_id), "debtor": str(debtor_id)}
    outbox.publish(session, "invoice.lifted", told)


_FREEZE = (Freeze.id, Freeze.invoice_id, Freeze.kind, Freeze.amount_minor, Freeze.reason)
_LEAVES_FLIGHTS = frozenset({FreezeKind.PLAN, FreezeKind.PROMISE, FreezeKind.DECLARATION})


def _lock_invoice(session: Session, invoice_id: uuid.UUID) -> Invoice:
    if lock_owner(session, select(Invoice.debtor_id).where(Invoice.id == invoice_id)) is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return db.lock(session, Invoice, invoice_id)


def _write_all(
    session: Session,
    rows: Mapping[uuid.UUID, Invoice | Row[Any]],
    kind: FreezeKind,
    parts: Sequence[tuple[uuid.UUID, int]],
    *,
    reason: str,
    subject_id: uuid.UUID | None,
    by: Actor,
) -> list[uuid.UUID]:
    if not parts:
        return []
    debtor_id = rows[parts[0][0]].debtor_id
    why = reason.strip()
    made = [_Line(new_id(), one, kind, minor, why) for one, minor in parts]
    bulk.insert_rows(
        session,
        Freeze,
        [{"id": line.id, "invoice_id": line.invoice_id, "amount_minor": line.minor} for line in made],
        debtor_id=debtor_id,
        kind=kind,
        reason=why,
        subject_id=subject_id,
        frozen_at=clock.now(),
    )
    minors: Counter[uuid.UUID] = Counter()
    for one, minor in parts:
        minors[one] += minor
    amounts.add(session, _cached(kind), minors)
    _record_all(session, by, "invoice.held", rows, made)
    _tell_frozen(session, debtor_id, list(minors))
    return [line.id for line in made]


def _tell_frozen(session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(invoice_ids), TOLD_TOGETHER):
        some = [str(one) for one in invoice_ids[start : start + TOLD_TOGETHER]]
        outbox.publish(session, "invoice.frozen", {"invoices": some, "debtor": str(debtor_id)})


def _cached(kind: FreezeKind) -> amounts.Amount:
    return "paused_minor" if kind in PAUSES else "frozen_minor"


def _covered(invoice: Invoice | Row[Any], kind: FreezeKind) -> int:
    minor: int = invoice.paused_minor if kind in PAUSES else invoice.frozen_minor
    return minor


@dataclass(frozen=True, slots=True)
class _Line:
    """A freeze as the trail tells of it."""

    id: uuid.UUID
    invoice_id: uuid.UUID
    kind: FreezeKind
    minor: int
    reason: str


def _record_all(
    session: Session,
    by: Actor,
    action: str,
    invoices: Mapping[uuid.UUID, Invoice | Row[Any]],
    freezes: Sequence[_Line],
) -> None:
    lines = [
        (
            line.invoice_id,
            {
                "freeze": str(line.id),
                "kind": line.kind.value,
                "minor": line.minor,
                "number": invoices[line.invoice_id].number,
                "reason": line.reason,
            },
        )
        for line in freezes
    ]
    one = invoices[freezes[0].invoice_id]
    audit.record_all(
        session, by, action, lines, subject_type="invoice", company_id=one.company_id, debtor_id=one.debtor_id
    )
