"""The verbs of declared transfers: declare, match, refuse, let expire, withdraw, reopen, set the terms.

Lock order: debtor, invoices by id, declaration. State changes only through `_advance`, which walks `rules.EDGES`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from payments import frozen
from payments import service as payments
from payments.declarations import rules, tell
from payments.declarations.models import Declaration, DeclarationPart, DeclarationPolicy, DeclarationTransition
from payments.declarations.queries import SUBJECT, terms_of
from payments.declarations.rules import EDGES, DeclarationState, Objection, Terms
from payments.models import Means, Payment, Provider
from payments.receipts import service as receipts
from payments.status import COLLECTED
from shared.attachments import service as attachments
from shared.attachments.rules import Checked
from shared.company import policy
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.invoices import amounts
from shared.invoices import service as invoices
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit import bulk, clock, ids, steps
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.ledger.models import Account, Kind, Transfer
from shared.ledger.rules import Part
from shared.promises import service as promises

SYSTEM = Actor.system("declarations")


@dataclass(frozen=True, slots=True)
class DeclarationDraft:
    """What somebody says to have paid. `attempt` makes it one: the same attempt finds the first declaration."""

    attempt: str
    minor: int
    paid_on: date
    parts: Sequence[Part]
    bank_reference: str = ""
    note: str = ""
    contact_id: uuid.UUID | None = None
    files: Sequence[Checked] = ()
    """The proof; see shared.attachments."""


def declare(session: Session, *, debtor_id: uuid.UUID, draft: DeclarationDraft, by: Actor) -> Declaration:
    """Take a declared transfer: from this commit on its invoices are neither reminded nor collected while it is looked for.

    What a promise paused is paused by the declaration instead. Publishes `declaration.made`. Raises Invalid without
    amount or invoices, Refused("declaration.<objection>") beyond the company's terms, Conflict when an invoice is
    declared already.
    """
    debtor = lock_account(session, debtor_id)
    known = session.scalar(select(Declaration).where(Declaration.attempt == draft.attempt))
    if known is not None:
        if known.debtor_id != debtor_id:
            raise Conflict("declaration.attempt_taken", _("This form belongs to another declaration."))
        return known
    terms = terms_of(session, debtor.company_id)
    today = today_of(session, debtor.company_id)
    parts = [part for part in draft.parts if part.minor > 0]
    if draft.minor <= 0 or not parts:
        raise Invalid("declaration.empty", _("Say how much you paid, and for which invoices."))
    objection = rules.object_to(terms, paid_on=draft.paid_on, today=today, by_staff=by.kind == "staff")
    if objection is not None:
        raise Refused(f"declaration.{objection.value}", explain(objection, terms))
    _refuse_taken(session, debtor, parts)
    declaration = _write(session, debtor, draft, until_on=rules.until(terms, today), by=by)
    _freeze(session, declaration, parts, by)
    attachments.attach(
        session,
        draft.files,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        subject_type=SUBJECT,
        subject_id=declaration.id,
        by=by,
    )
    _write_step(session, declaration, None, by=by, cause="")
    _publish(session, declaration, "declaration.made", by, dedupe_key=str(declaration.id))
    session.flush()
    return declaration


def _write(session: Session, debtor: Debtor, draft: DeclarationDraft, *, until_on: date, by: Actor) -> Declaration:
    identity = ids.new_id()
    declaration = Declaration(
        id=identity,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        contact_id=draft.contact_id,
        reference=ids.reference("DEC", identity),
        attempt=draft.attempt,
        state=DeclarationState.DECLARED,
        amount_minor=draft.minor,
        currency=debtor.currency,
        paid_on=draft.paid_on,
        bank_reference=draft.bank_reference.strip(),
        note=draft.note.strip(),
        until_on=until_on,
        by_kind=by.kind,
        by_name=by.name,
        created_at=clock.now(),
    )
    session.add(declaration)
    session.flush()
    bulk.insert_rows(
        session,
        DeclarationPart,
        [{"invoice_id": part.invoice_id, "amount_minor": part.minor} for part in draft.parts if part.minor > 0],
        declaration_id=identity,
    )
    return declaration


def _freeze(session: Session, declaration: Declaration, parts: Sequence[Part], by: Actor) -> None:
    """Pause what is declared, as far as no dispute, plan or payment in flight covers it already.

    What a payment holds is paused when it lets go (`cover_freed`); an automatic debit of it is looked at again meanwhile.
    """
    promises.give_way(session, debtor_id=declaration.debtor_id, invoice_ids=[part.invoice_id for part in parts], by=by)
    rows = amounts.lock(session, [part.invoice_id for part in parts])
    covered = {
        part.invoice_id: min(part.minor, invoices.left_to_freeze(rows[part.invoice_id], FreezeKind.DECLARATION))
        for part in parts
    }
    invoices.freeze_all(
        session,
        debtor_id=declaration.debtor_id,
        parts=[(one, minor) for one, minor in sorted(covered.items()) if minor > 0],
        kind=FreezeKind.DECLARATION,
        reason=declaration.reference,
        subject_id=declaration.id,
        by=by,
    )
    if any(covered[part.invoice_id] < part.minor and rows[part.invoice_id].held_minor for part in parts):
        affairs.owes_otherwise(session, declaration.debtor_id)


def cover_freed(session: Session, taken: payments.Taken) -> None:
    """What is declared and was held by a payment when it was declared is paused in the commit in which that lets go.

    The debtor is locked by the caller.
    """
    freed = {part.invoice_id for part in taken.freed}
    if not freed:
        return
    declared = session.execute(
        select(Declaration, DeclarationPart.invoice_id, DeclarationPart.amount_minor)
        .join(Declaration, Declaration.id == DeclarationPart.declaration_id)
        .where(among(DeclarationPart.invoice_id, freed), Declaration.state == DeclarationState.DECLARED)
        .order_by(Declaration.id, DeclarationPart.invoice_id)
    ).all()
    if not declared:
        return
    session.flush()
    rows = amounts.lock(session, freed)
    now = _paused(session, {row.Declaration.id for row in declared})
    for declaration, group in groupby(declared, key=lambda row: row.Declaration):
        minors = {
            row.invoice_id: min(
                row.amount_minor,
                now.get((declaration.id, row.invoice_id), 0)
                + invoices.left_to_freeze(rows[row.invoice_id], FreezeKind.DECLARATION),
            )
            for row in group
        }
        invoices.cover(
            session,
            debtor_id=declaration.debtor_id,
            kind=FreezeKind.DECLARATION,
            subject_id=declaration.id,
            minors=minors,
            reason=declaration.reference,
            by=SYSTEM,
        )
        session.flush()


def _paused(session: Session, declaration_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID | None, uuid.UUID], int]:
    """(declaration, invoice) → what it pauses now."""
    rows = session.execute(
        select(Freeze.subject_id, Freeze.invoice_id, Freeze.amount_minor)
        .where(Freeze.kind == FreezeKind.DECLARATION, Freeze.lifted_at.is_(None))
        .where(among(Freeze.subject_id, declaration_ids))
    )
    return {(row.subject_id, row.invoice_id): row.amount_minor for row in rows}


class _Declared:
    """What debits have to know of declared transfers (`frozen.Claims`)."""

    def unpaused(self, session: Session, debtor_id: uuid.UUID) -> Mapping[uuid.UUID, int]:
        parts = session.execute(
            select(DeclarationPart.invoice_id, func.sum(DeclarationPart.amount_minor).label("minor"))
            .join(Declaration, Declaration.id == DeclarationPart.declaration_id)
            .where(Declaration.debtor_id == debtor_id, Declaration.state == DeclarationState.DECLARED)
            .group_by(DeclarationPart.invoice_id)
        ).all()
        if not parts:
            return {}
        paused = session.execute(
            select(Freeze.invoice_id, func.sum(Freeze.amount_minor).label("minor"))
            .where(Freeze.debtor_id == debtor_id, Freeze.kind == FreezeKind.DECLARATION, Freeze.lifted_at.is_(None))
            .group_by(Freeze.invoice_id)
        ).all()
        covered = {row.invoice_id: int(row.minor) for row in paused}
        left = {row.invoice_id: int(row.minor) - covered.get(row.invoice_id, 0) for row in parts}
        return {invoice_id: minor for invoice_id, minor in left.items() if minor > 0}

    def of_invoice(self) -> ColumnElement[bool]:
        return exists().where(
            DeclarationPart.invoice_id == Invoice.id,
            Declaration.id == DeclarationPart.declaration_id,
            Declaration.state == DeclarationState.DECLARED,
        )


payments.with_each_step(cover_freed)
frozen.who_knows_claims(_Declared())


def _refuse_taken(session: Session, debtor: Debtor, parts: Sequence[Part]) -> None:
    """One live declaration an invoice; and every invoice the debtor's own."""
    wanted = {part.invoice_id for part in parts}
    mine = session.scalar(
        select(func.count()).where(
            among(Invoice.id, wanted), Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.INVOICE
        )
    )
    if len(wanted) != len(parts) or mine != len(parts):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    taken = session.scalar(
        select(Invoice.number)
        .join(DeclarationPart, DeclarationPart.invoice_id == Invoice.id)
        .join(Declaration, Declaration.id == DeclarationPart.declaration_id)
        .where(among(Invoice.id, wanted), Declaration.state == DeclarationState.DECLARED)
        .limit(1)
    )
    if taken is not None:
        raise Conflict(
            "declaration.taken", _("You have already told us that invoice %(number)s is paid.", number=taken)
        )


def explain(objection: Objection, terms: Terms) -> str:
    """Why a declaration is not taken, in a sentence for whoever made it."""
    if objection is Objection.NOT_OFFERED:
        return _("Transfers cannot be announced here. Please write to us.")
    if objection is Objection.FUTURE:
        return _("This day is still to come. If you mean to pay on that day, say when you will pay instead.")
    return ngettext(
        "This transfer is more than %(n)s day old. Please write to us, with the proof.",
        "This transfer is more than %(n)s days old. Please write to us, with the proof.",
        terms.back_days,
    )


def record(
    session: Session,
    *,
    declaration_id: uuid.UUID,
    minor: int,
    received_on: date,
    memo: str,
    parts: Sequence[Part],
    by: Actor,
) -> Payment:
    """Record the transfer as a receipt and match it, in one act. Twice is one receipt.

    The debtor gets the receipt's own message, and no second one. Raises like `receipts.record_receipt`, and Conflict
    when the declaration can no longer be matched.
    """
    declaration = lock_declaration(session, declaration_id)
    taken = steps.last(session, DeclarationTransition, DeclarationTransition.declaration_id == declaration.id)
    attempt = f"declaration:{declaration.id}:{taken}"
    if declaration.state is DeclarationState.MATCHED and declaration.payment_id:
        return session.get_one(Payment, declaration.payment_id)
    _refuse_unmatchable(declaration)
    payment = receipts.record_receipt(
        session,
        debtor=session.get_one(Debtor, declaration.debtor_id),
        means=Means.TRANSFER,
        minor=minor,
        received_on=received_on,
        memo=memo,
        parts=parts,
        attempt=attempt,
        by=by,
    )
    _match(session, declaration, payment, by)
    return payment


def match(session: Session, *, declaration_id: uuid.UUID, payment_id: uuid.UUID, by: Actor) -> None:
    """Say that a receipt recorded already is the declared transfer; the debtor is told. Twice is harmless.

    Raises NotFound for another debtor's payment, Conflict for one that is no receipt by hand, has been undone or belongs
    to another declaration.
    """
    declaration = lock_declaration(session, declaration_id)
    payment = session.get(Payment, payment_id, with_for_update=True)
    if payment is None or payment.debtor_id != declaration.debtor_id:
        raise NotFound("payment.missing", _("There is no such payment."))
    if declaration.state is DeclarationState.MATCHED and declaration.payment_id == payment_id:
        return
    _refuse_unmatchable(declaration)
    if payment.provider is not Provider.HAND or payment.status not in COLLECTED:
        raise Conflict("declaration.no_receipt", _("Only a receipt recorded by hand that stands can be linked."))
    other = session.scalar(select(Declaration.reference).where(Declaration.payment_id == payment_id))
    if other is not None:
        raise Conflict("declaration.linked", _("This receipt belongs to declaration %(other)s already.", other=other))
    _match(session, declaration, payment, by)
    tell.matched(session, declaration, payment)


def _refuse_unmatchable(declaration: Declaration) -> None:
    if declaration.state not in rules.OPEN_TO_MATCH:
        raise Conflict("declaration.ended", _("This declaration has ended."))


def _match(session: Session, declaration: Declaration, payment: Payment, by: Actor) -> None:
    declaration.payment_id = payment.id
    invoices.lift_all(session, subject_id=declaration.id, by=by)
    _advance(session, declaration, DeclarationState.MATCHED, by=by, cause=payment.reference)


def refuse(session: Session, *, declaration_id: uuid.UUID, answer: str, by: Actor) -> None:
    """Say that the transfer was not found, with a sentence for the debtor; reminders go on. Twice is harmless.

    Raises Invalid without the sentence, Conflict("declaration.ended").
    """
    declaration = lock_declaration(session, declaration_id)
    if declaration.state is DeclarationState.REFUSED:
        return
    if not answer.strip():
        raise Invalid("declaration.no_answer", _("Write a sentence to the debtor."))
    if declaration.state is not DeclarationState.DECLARED:
        raise Conflict("declaration.ended", _("This declaration has ended."))
    declaration.answer = answer.strip()
    invoices.lift_all(session, subject_id=declaration.id, by=by)
    _advance(session, declaration, DeclarationState.REFUSED, by=by, cause=declaration.answer)
    tell.refused(session, declaration)


def expire(session: Session, declaration_id: uuid.UUID) -> bool:
    """Nobody found it in time: the pause ends and the debtor is told. True when it was so."""
    declaration = lock_declaration(session, declaration_id)
    today = today_of(session, declaration.company_id)
    if declaration.state is not DeclarationState.DECLARED or today <= declaration.until_on:
        return False
    if settle_by_books(session, declaration_id):
        return True
    invoices.lift_all(session, subject_id=declaration.id, by=SYSTEM)
    _advance(session, declaration, DeclarationState.EXPIRED, by=SYSTEM)
    tell.expired(session, declaration, is_open=_is_open(session, declaration))
    return True


def _is_open(session: Session, declaration: Declaration) -> bool:
    """Whether something of its invoices is open still."""
    own = select(DeclarationPart.invoice_id).where(DeclarationPart.declaration_id == declaration.id)
    return session.scalar(select(Invoice.id).where(Invoice.id.in_(own), Invoice.open_minor > 0).limit(1)) is not None


def maybe_in_the_books(session: Session) -> Sequence[uuid.UUID]:
    """Searches of which nothing is open any more: the accounting file may have shown their money."""
    own = select(DeclarationPart.id).where(DeclarationPart.declaration_id == Declaration.id)
    still = own.join(Invoice, Invoice.id == DeclarationPart.invoice_id).where(Invoice.open_minor > 0)
    live = select(Declaration.id).where(Declaration.state == DeclarationState.DECLARED, ~still.exists())
    return session.scalars(live.order_by(Declaration.debtor_id, Declaration.id)).all()


def settle_by_books(session: Session, declaration_id: uuid.UUID) -> bool:
    """The accounting file shows as settled what was declared: it was found there. True when it was so.

    Nothing of it is open, and the books settled something of each of its invoices since it was declared. The debtor is told.
    """
    declaration = lock_declaration(session, declaration_id)
    if declaration.state is not DeclarationState.DECLARED or not _is_in_the_books(session, declaration):
        return False
    invoices.lift_all(session, subject_id=declaration.id, by=SYSTEM)
    _advance(session, declaration, DeclarationState.MATCHED, by=SYSTEM, cause=_("settled in the books"))
    tell.in_the_books(session, declaration)
    return True


def _is_in_the_books(session: Session, declaration: Declaration) -> bool:
    own = select(DeclarationPart.invoice_id).where(DeclarationPart.declaration_id == declaration.id)
    rows = amounts.lock(session, session.scalars(own))
    shown = set(
        session.scalars(
            select(Transfer.credit_owner).where(
                Transfer.kind == Kind.IMPORTED,
                Transfer.credit_account == Account.RECEIVABLE,
                among(Transfer.credit_owner, rows),
                Transfer.at >= declaration.created_at,
            )
        )
    )
    return bool(rows) and all(row.open_minor == 0 for row in rows.values()) and shown == set(rows)


def withdraw(session: Session, *, declaration_id: uuid.UUID, by: Actor) -> None:
    """The debtor was mistaken: the invoices are open as before. Twice is harmless; raises Conflict("declaration.ended")."""
    declaration = lock_declaration(session, declaration_id)
    if declaration.state is DeclarationState.WITHDRAWN:
        return
    if declaration.state is not DeclarationState.DECLARED:
        raise Conflict("declaration.ended", _("This declaration has ended."))
    invoices.lift_all(session, subject_id=declaration.id, by=by)
    _advance(session, declaration, DeclarationState.WITHDRAWN, by=by)


def reopen(session: Session, *, payment_id: uuid.UUID) -> bool:
    """The receipt that a declaration was matched with has been undone: it is looked for again. True when it was so."""
    found = session.scalar(select(Declaration.id).where(Declaration.payment_id == payment_id))
    if found is None:
        return False
    declaration = lock_declaration(session, found)
    payment = session.get_one(Payment, payment_id)
    if declaration.payment_id != payment_id or payment.status in COLLECTED:
        return False
    terms = terms_of(session, declaration.company_id)
    declaration.payment_id = None
    declaration.until_on = rules.until(terms, today_of(session, declaration.company_id))
    _advance(session, declaration, DeclarationState.DECLARED, by=SYSTEM, cause=payment.reference)
    declared = session.scalars(select(DeclarationPart).where(DeclarationPart.declaration_id == declaration.id)).all()
    elsewhere = set(
        session.scalars(
            select(Freeze.invoice_id)
            .where(Freeze.debtor_id == declaration.debtor_id, Freeze.lifted_at.is_(None))
            .where(Freeze.kind == FreezeKind.DECLARATION)
        )
    )
    parts = [Part(row.invoice_id, row.amount_minor) for row in declared if row.invoice_id not in elsewhere]
    if parts:
        _freeze(session, declaration, parts, SYSTEM)
    return True


def assign(session: Session, *, declaration_id: uuid.UUID, staff_id: uuid.UUID | None, name: str, by: Actor) -> None:
    """Say which member of staff looks for it; None is nobody."""
    declaration = lock_declaration(session, declaration_id)
    if declaration.assigned_to == staff_id:
        return
    before = {"assigned": declaration.assigned_name}
    declaration.assigned_to, declaration.assigned_name = staff_id, name if staff_id else ""
    after = {"assigned": declaration.assigned_name}
    affairs.record(session, declaration, action="declaration.assigned", by=by, before=before, after=after)


def set_terms(session: Session, *, company_id: uuid.UUID, terms: Terms, by: Actor) -> bool:
    """What a company does from now on; what was declared keeps its days. True when something changed."""
    return policy.write(session, DeclarationPolicy, company_id, terms, action="declaration.terms_changed", by=by)


def lock_declaration(session: Session, declaration_id: uuid.UUID) -> Declaration:
    """The declaration, locked and read anew, after its debtor. Raises NotFound."""
    missing = NotFound("declaration.missing", _("There is no such declared transfer."))
    return affairs.lock(session, Declaration, declaration_id, missing)


def _advance(session: Session, declaration: Declaration, to: DeclarationState, *, by: Actor, cause: str = "") -> None:
    before = declaration.state
    topic = EDGES.get((before, to))
    if topic is None:
        raise Conflict("declaration.no_such_step", f"{declaration.reference}: {before.value} to {to.value}")
    declaration.state = to
    declaration.ended_at = None if to is DeclarationState.DECLARED else clock.now()
    step = _write_step(session, declaration, before, by=by, cause=cause)
    _publish(session, declaration, topic, by, dedupe_key=f"{declaration.id}:{step}")
    session.flush()


def _write_step(
    session: Session, declaration: Declaration, before: DeclarationState | None, *, by: Actor, cause: str
) -> int:
    row = DeclarationTransition(declaration_id=declaration.id, before=before, after=declaration.state)
    step = steps.take(session, row, DeclarationTransition.declaration_id == declaration.id, by=by, cause=cause)
    is_again = before is DeclarationState.MATCHED
    affairs.record(
        session,
        declaration,
        action="declaration.reopened" if is_again else f"declaration.{declaration.state.value}",
        by=by,
        before={"state": before.value} if before else None,
        after={
            "reference": declaration.reference,
            "minor": declaration.amount_minor,
            "paid_on": declaration.paid_on.isoformat(),
            "reason": cause,
        },
    )
    session.flush()
    return step


def _publish(session: Session, declaration: Declaration, topic: str, by: Actor, *, dedupe_key: str) -> None:
    affairs.publish(session, declaration, topic, by=by, staff=declaration.assigned_to, dedupe_key=dedupe_key)
