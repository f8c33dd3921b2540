"""The verbs of contested payments: opened and closed with the payment's own steps, aligned with the bank, decided by staff.

Lock order: debtor, invoices by id, payment, chargeback. State changes only through `_advance`, which walks `rules.EDGES`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from payments import service as payments
from payments.chargebacks import rules, tell
from payments.chargebacks.models import Chargeback, ChargebackPart, ChargebackTransition
from payments.chargebacks.rules import EDGES, FREEZES, ChargebackKind, ChargebackState
from payments.gateways.base import ChargebackSeen
from payments.models import Means, Payment
from payments.reasons import policy_of
from payments.service import Taken
from payments.status import COLLECTED, PaymentStatus
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.giving import service as giving
from shared.giving.models import GiftKind, GiftState
from shared.giving.service import Wish
from shared.invoices import amounts
from shared.invoices import service as invoices
from shared.invoices.models import FreezeKind
from shared.kit import bulk, clock, ids, steps
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.second_person import Witness
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Transfer
from shared.ledger.rules import Part

C = ChargebackState
SYSTEM = Actor.system("chargebacks")


# With the payment's own steps ------------------------------------------------------------------------------------------


def see(session: Session, taken: Taken) -> None:
    """A payment has taken a step: open the case that it calls for, or close the one that it ends, in the same commit (I10)."""
    payment = taken.payment
    if payment.status is PaymentStatus.CHARGED_BACK:
        _open(session, taken, ChargebackKind.CARD if payment.means is Means.CARD else ChargebackKind.DEBIT)
    elif payment.status is PaymentStatus.FAILED and _is_refusal(payment):
        _open(session, taken, ChargebackKind.DEBIT if taken.before in COLLECTED else ChargebackKind.REFUSAL)
    elif payment.status is PaymentStatus.CONFIRMED:
        _win(session, taken)


payments.with_each_step(see)


def open_again(session: Session, payment: Payment, minor: int) -> None:
    """The money of a case that was given up comes after all: what was written off for it is open again, and the money settles it.

    At most so much as comes, in minor units: what still does not come stays given up.
    """
    latest = _latest(session, payment.id)
    if latest is None or latest.state is not C.GIVEN_UP:
        return
    debtor = session.get_one(Debtor, payment.debtor_id)
    left = minor - ledger.loss_of(session, payment.id)
    for invoice_id, given_up in sorted(_written_off(session, latest).items()):
        invoice = ledger.lock_invoices(session, [invoice_id])[invoice_id]
        again = min(given_up, left, invoice.total_minor - invoice.open_minor)
        if again > 0:
            ledger.take_back_write_off(
                session, debtor, Part(invoice_id, again), _marked(session, latest, invoice_id, "back")
            )
            session.flush()
            left -= again


payments.before_money_counts(open_again)

WRITE_OFF_MARK = "chargeback"


def _marked(session: Session, chargeback: Chargeback, invoice_id: uuid.UUID, act: str) -> ledger.Occasion:
    """A movement that says whose case it belongs to, so that what was given up for it is known to the cent."""
    return ledger.Occasion(
        at=clock.now(),
        value_on=today_of(session, chargeback.company_id),
        provider=WRITE_OFF_MARK,
        provider_reference=f"{chargeback.id}:{invoice_id}:{act}",
    )


def _written_off(session: Session, chargeback: Chargeback) -> dict[uuid.UUID, int]:
    """Invoice → what was written off for a case, in minor units; before its movements were marked, those of its own moment."""
    mine = and_(Transfer.provider == WRITE_OFF_MARK, Transfer.provider_reference.startswith(f"{chargeback.id}:"))
    ended = chargeback.ended_at or chargeback.created_at
    of_old = and_(
        Transfer.provider.is_(None),
        Transfer.at.between(ended, ended + _MOMENT),
        among(Transfer.credit_owner, [part.invoice_id for part in parts_of(session, chargeback.id)]),
    )
    opens = Transfer.debit_account == Account.RECEIVABLE
    owner = case((opens, Transfer.debit_owner), else_=Transfer.credit_owner)
    rows = session.execute(
        select(owner.label("invoice_id"), func.sum(case((opens, -1), else_=1) * Transfer.amount_minor).label("minor"))
        .where(Transfer.kind == Kind.WRITE_OFF, Transfer.debtor_id == chargeback.debtor_id, or_(mine, of_old))
        .group_by(owner)
    )
    return {row.invoice_id: int(row.minor) for row in rows if row.minor > 0}


_MOMENT = timedelta(minutes=1)


def _is_refusal(payment: Payment) -> bool:
    return payment.means is Means.DEBIT and policy_of(payment.failure_code).is_contested


def _open(session: Session, taken: Taken, kind: ChargebackKind) -> None:
    payment = taken.payment
    identity = ids.new_id()
    today = today_of(session, payment.company_id)
    amount = payment.amount_minor if taken.facts.amount_minor is None else taken.facts.amount_minor
    chargeback = Chargeback(
        id=identity,
        company_id=payment.company_id,
        debtor_id=payment.debtor_id,
        payment_id=payment.id,
        opened_step=taken.step,
        reference=ids.reference("CHB", identity),
        kind=kind,
        state=rules.first_state(kind),
        code=payment.failure_code or "",
        provider_reference=taken.facts.object_reference,
        amount_minor=amount,
        currency=payment.currency,
        due_on=rules.decide_by(today),
        created_at=clock.now(),
    )
    session.add(chargeback)
    session.flush()
    is_open = _freeze(session, chargeback, taken.freed)
    _write_step(
        session, chargeback, None, by=taken.by, cause=chargeback.code, action=f"chargeback.{chargeback.state.value}"
    )
    _publish(session, chargeback, "chargeback.opened", taken.by, dedupe_key=str(chargeback.id))
    session.flush()
    if chargeback.state is C.TO_DECIDE and not is_open:
        _end(session, chargeback, C.SETTLED, by=SYSTEM)


def open_late(session: Session, *, payment_id: uuid.UUID) -> Chargeback | None:
    """A payment that a bank took back before there were cases gets its own; None when it has one, or counts again.

    What is still open of what went back is frozen as it would have been then; a case of which nothing is open is closed at
    once, as settled otherwise. Whether the bank still waits for an answer is asked by the sweep.
    """
    payment = payments.lock_payment(session, payment_id)
    if payment.status is not PaymentStatus.CHARGED_BACK or _latest(session, payment.id) is not None:
        return None
    step, freed = payments.steps_of(session, payment.id), _went_back(session, payment.id)
    facts = payments.Facts(object_reference=_name_at_bank(session, payment.id))
    kind = ChargebackKind.CARD if payment.means is Means.CARD else ChargebackKind.DEBIT
    _open(session, Taken(payment, PaymentStatus.CONFIRMED, step, freed, facts, SYSTEM), kind)
    made = _latest(session, payment.id)
    if made is not None and made.state is C.OPEN and not parts_of(session, made.id):
        _advance(session, made, C.TO_DECIDE, by=SYSTEM)
        _end(session, made, C.SETTLED, by=SYSTEM)
    return made


def _went_back(session: Session, payment_id: uuid.UUID) -> list[Part]:
    """What was open again when a payment was taken back: what it had settled itself, and as credit."""
    mine = (Transfer.payment_id == payment_id, Transfer.kind == Kind.CHARGEBACK)
    restored = and_(Transfer.kind == Kind.CREDIT_RESTORED, Transfer.at.in_(select(Transfer.at).where(*mine)))
    of_payment = and_(Transfer.payment_id == payment_id, Transfer.kind.in_((Kind.CHARGEBACK, Kind.CHARGEBACK_WON)))
    debtors = select(Payment.debtor_id).where(Payment.id == payment_id)
    opens = Transfer.debit_account == Account.RECEIVABLE
    owner = case((opens, Transfer.debit_owner), else_=Transfer.credit_owner)
    minor = func.sum(case((opens, 1), else_=-1) * Transfer.amount_minor)
    rows = session.execute(
        select(owner.label("invoice_id"), minor.label("minor"))
        .where(Transfer.debtor_id.in_(debtors), or_(of_payment, restored))
        .where(or_(opens, Transfer.credit_account == Account.RECEIVABLE))
        .group_by(owner)
    )
    return [Part(row.invoice_id, int(row.minor)) for row in rows if row.minor > 0]


def _name_at_bank(session: Session, payment_id: uuid.UUID) -> str | None:
    """What the provider calls the latest chargeback of a payment."""
    names = select(func.split_part(Transfer.provider_reference, "#", 1)).where(
        Transfer.payment_id == payment_id, Transfer.kind == Kind.CHARGEBACK, Transfer.provider_reference.is_not(None)
    )
    return session.scalar(names.order_by(Transfer.id.desc()).limit(1))


def _freeze(session: Session, chargeback: Chargeback, freed: Sequence[Part]) -> bool:
    """Freeze what is open again, beside whatever a plan or dispute freezes of it, so that neither leaves a gap.

    False when nothing is open of it: what waited for these invoices has settled them already, or it had settled none.
    """
    minors: dict[uuid.UUID, int] = {}
    for part in freed:
        minors[part.invoice_id] = minors.get(part.invoice_id, 0) + part.minor
    rows = amounts.lock(session, minors)
    wanted = {one: min(minors[one], row.open_minor) for one, row in rows.items()}
    covered = invoices.cover(
        session,
        debtor_id=chargeback.debtor_id,
        kind=FreezeKind.CHARGEBACK,
        subject_id=chargeback.id,
        minors={one: minor for one, minor in wanted.items() if minor > 0},
        reason=chargeback.reference,
        by=SYSTEM,
    )
    bulk.insert_rows(
        session,
        ChargebackPart,
        [{"invoice_id": one, "amount_minor": minor} for one, minor in sorted(covered.items()) if minor],
        chargeback_id=chargeback.id,
    )
    return any(minor > 0 for minor in wanted.values())


def _win(session: Session, taken: Taken) -> None:
    """The money is ours again: the freeze ends, and what could not settle its invoices at once does as far as it may."""
    payment = taken.payment
    latest = _latest(session, payment.id)
    if latest is None or latest.state is C.WON:
        return
    _end(session, latest, C.WON, by=taken.by)
    _settle_again(session, latest, payment)
    if latest.kind is not ChargebackKind.REFUSAL:
        tell.won(session, latest, payment)


def _settle_again(session: Session, chargeback: Chargeback, payment: Payment) -> None:
    """Money that had settled other invoices as credit settles them again."""
    debtor = session.get_one(Debtor, payment.debtor_id)
    occasion = ledger.Occasion(at=clock.now(), value_on=today_of(session, payment.company_id))
    meant = {part.invoice_id for part in payments.allocations(session, payment.id)}
    for part in parts_of(session, chargeback.id):
        if part.invoice_id in meant:
            continue
        invoice = ledger.lock_invoices(session, [part.invoice_id])[part.invoice_id]
        minor = min(part.minor, debtor.credit_minor, invoice.open_minor - invoice.held_minor)
        if minor > 0:
            ledger.apply_credit(session, debtor, [Part(invoice.id, minor)], occasion)
            session.flush()


def _latest(session: Session, payment_id: uuid.UUID) -> Chargeback | None:
    return session.scalar(
        select(Chargeback)
        .where(Chargeback.payment_id == payment_id)
        .order_by(Chargeback.opened_step.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


# With the bank ---------------------------------------------------------------------------------------------------------


def align(session: Session, payment: Payment, seen: ChargebackSeen, *, by: Actor) -> None:
    """Let a card's case say what its bank shows: until when it can be answered, whether it was, and whether it is lost.

    The payment is locked. A case that staff have decided, or that is won, is left alone.
    """
    chargeback = _latest(session, payment.id)
    if chargeback is None or chargeback.kind is not ChargebackKind.CARD or seen.is_won:
        return
    chargeback.provider_reference = seen.reference or chargeback.provider_reference
    if chargeback.state not in (C.OPEN, C.ANSWERED):
        return
    if seen.answer_by is not None and seen.answer_by != chargeback.answer_by:
        chargeback.answer_by = seen.answer_by
        zone = session.get_one(Company, chargeback.company_id).zone
        chargeback.due_on = seen.answer_by.astimezone(ZoneInfo(zone)).date()
    to = rules.at_bank(is_answered=seen.is_answered, is_lost=seen.is_lost)
    if to is C.TO_DECIDE:
        chargeback.due_on = rules.decide_by(today_of(session, chargeback.company_id))
    if to is not chargeback.state:
        _advance(session, chargeback, to, by=by)
    if to is C.TO_DECIDE and _is_over(session, chargeback):
        _end(session, chargeback, C.SETTLED, by=SYSTEM)


# What staff decide -----------------------------------------------------------------------------------------------------


def note(session: Session, *, chargeback_id: uuid.UUID, text: str, by: Actor) -> None:
    """Keep a note of staff among the steps. Raises Invalid for an empty one."""
    chargeback = lock_chargeback(session, chargeback_id)
    if not text.strip():
        raise Invalid("chargeback.no_note", _("Write a few words."))
    _write_step(session, chargeback, chargeback.state, by=by, cause=text.strip(), action="chargeback.noted")


def assign(session: Session, *, chargeback_id: uuid.UUID, staff_id: uuid.UUID | None, name: str, by: Actor) -> None:
    """Say which member of staff looks after it; None is nobody."""
    chargeback = lock_chargeback(session, chargeback_id)
    if chargeback.assigned_to == staff_id:
        return
    before = {"assigned": chargeback.assigned_name}
    chargeback.assigned_to, chargeback.assigned_name = staff_id, name if staff_id else ""
    after = {"assigned": chargeback.assigned_name}
    affairs.record(session, chargeback, action="chargeback.assigned", by=by, before=before, after=after)


def owe(session: Session, *, chargeback_id: uuid.UUID, text: str, by: Actor) -> None:
    """It is owed, and asked for like any other debt from now on; the debtor is told once. Twice is harmless.

    Raises Invalid without a sentence for the debtor, Conflict("chargeback.not_to_decide" or "chargeback.nothing_open").
    """
    chargeback = lock_chargeback(session, chargeback_id)
    if chargeback.state is C.OWED:
        return
    _refuse_undecidable(session, chargeback, text)
    _end(session, chargeback, C.OWED, by=by, cause=text.strip())
    if parts_of(session, chargeback.id):  # of what had been refunded, or was credit, nothing is asked for again
        tell.owed(session, chargeback, text.strip())


def give_up(session: Session, *, chargeback_id: uuid.UUID, text: str, by: Witness) -> bool:
    """Ask for it no more: what is open of its parts is written off, and the debtor is told. False while a second must agree.

    Above the company's limit the first who wants it is noted, and somebody else must want it too (four eyes). What one
    person alone gave of this payment or these invoices, or to this debtor of late, counts with it (`shared.giving`). Twice
    is harmless. Raises Invalid without a sentence for the debtor, Conflict ("chargeback.not_to_decide",
    "chargeback.nothing_open", "chargeback.under_way"), and what `giving.agree` raises.
    """
    chargeback = lock_chargeback(session, chargeback_id)
    if chargeback.state is C.GIVEN_UP:
        return True
    _refuse_undecidable(session, chargeback, text)
    parts = parts_of(session, chargeback.id)
    _refuse_all_under_way(session, parts)
    if not _may_give_up(session, chargeback, text.strip(), by=by):
        return False
    _end(session, chargeback, C.GIVEN_UP, by=by.actor, cause=text.strip())
    debtor = session.get_one(Debtor, chargeback.debtor_id)
    given_up = 0
    for part in parts:
        invoice = ledger.lock_invoices(session, [part.invoice_id])[part.invoice_id]
        minor = min(part.minor, invoice.open_minor - invoice.held_minor)
        if minor > 0:
            ledger.write_off(
                session, debtor, Part(invoice.id, minor), _marked(session, chargeback, invoice.id, "given_up")
            )
            session.flush()
            given_up += minor
    payments.moved(session, session.get_one(Payment, chargeback.payment_id))
    if parts:
        tell.given_up(session, chargeback, text.strip(), minor=given_up)
    return True


def _may_give_up(session: Session, chargeback: Chargeback, text: str, *, by: Witness) -> bool:
    """Whether enough people want it now; the first who does is noted when a second must agree."""
    if chargeback.wished_by_id is not None:
        if chargeback.wished_by_id == by.actor.id:
            return False
        giving.agree(session, kind=GiftKind.CHARGEBACK, subject_id=chargeback.id, by=by)
        return True
    parts = {part.invoice_id: part.minor for part in parts_of(session, chargeback.id)}
    wish = Wish(
        GiftKind.CHARGEBACK, chargeback.id, chargeback.amount_minor, payment_id=chargeback.payment_id, invoices=parts
    )
    if not giving.weigh(session, session.get_one(Debtor, chargeback.debtor_id), wish, by=by.actor):
        return True
    chargeback.wished_by_id, chargeback.wished_by_name = by.actor.id, by.actor.name
    _write_step(session, chargeback, chargeback.state, by=by.actor, cause=text, action="chargeback.give_up_asked")
    _publish(session, chargeback, "chargeback.give_up_asked", by.actor, dedupe_key=str(chargeback.id))
    return False


def settle(session: Session, *, chargeback_id: uuid.UUID) -> bool:
    """Nothing of it is open any more, or ever was: there is nothing to decide. True when it was so.

    A payment that was refunded before, or was credit, opens no invoice when the bank takes it back: what it cost stands as a
    loss, of which staff hear (`payments.returns`).
    """
    chargeback = lock_chargeback(session, chargeback_id)
    if chargeback.state is not C.TO_DECIDE:
        return False
    if not _is_over(session, chargeback):
        return False
    _end(session, chargeback, C.SETTLED, by=SYSTEM)
    return True


def _is_over(session: Session, chargeback: Chargeback) -> bool:
    """Whether nothing is open of what it opened again; of a case that froze nothing, of what its payment was meant for."""
    parts = parts_of(session, chargeback.id) or payments.allocations(session, chargeback.payment_id)
    rows = amounts.lock(session, (part.invoice_id for part in parts))
    return not any(row.open_minor for row in rows.values())


def warn(session: Session, *, chargeback_id: uuid.UUID) -> bool:
    """Its day has come near and it waits for us: staff are told once for each deadline. True when they are now."""
    chargeback = lock_chargeback(session, chargeback_id)
    today = today_of(session, chargeback.company_id)
    if chargeback.warned_on == chargeback.due_on or not rules.is_urgent(
        chargeback.state, due_on=chargeback.due_on, today=today
    ):
        return False
    chargeback.warned_on = chargeback.due_on
    key = f"{chargeback.id}:due:{chargeback.due_on.isoformat()}"
    _publish(session, chargeback, "chargeback.due", SYSTEM, dedupe_key=key)
    return True


def _refuse_undecidable(session: Session, chargeback: Chargeback, text: str) -> None:
    if chargeback.state is not C.TO_DECIDE:
        raise Conflict(
            "chargeback.not_to_decide",
            _("The bank has not decided yet, or this case is closed: there is nothing to decide."),
        )
    if not text.strip():
        raise Invalid("chargeback.no_words", _("Write a sentence to the debtor."))
    if _is_over(session, chargeback):
        raise Conflict(
            "chargeback.nothing_open",
            _("Nothing of it is open any more: there is nothing to decide, and the case closes by itself."),
        )


def _refuse_all_under_way(session: Session, parts: Sequence[Part]) -> None:
    rows = amounts.lock(session, (part.invoice_id for part in parts))
    if rows and not any(row.open_minor > row.held_minor for row in rows.values()):
        raise Conflict(
            "chargeback.under_way",
            _("A payment for all of it is under way: wait until it has come, or failed, before you give it up."),
        )


# Rows ------------------------------------------------------------------------------------------------------------------


def parts_of(session: Session, chargeback_id: uuid.UUID) -> list[Part]:
    """What it opened again, by invoice, in the order of locking."""
    rows = session.execute(
        select(ChargebackPart.invoice_id, ChargebackPart.amount_minor)
        .where(ChargebackPart.chargeback_id == chargeback_id)
        .order_by(ChargebackPart.invoice_id)
    )
    return [Part(row.invoice_id, row.amount_minor) for row in rows]


def lock_chargeback(session: Session, chargeback_id: uuid.UUID) -> Chargeback:
    """The case, locked and read anew, after its debtor. Raises NotFound."""
    missing = NotFound("chargeback.missing", _("There is no such contested payment."))
    return affairs.lock(session, Chargeback, chargeback_id, missing)


def _end(session: Session, chargeback: Chargeback, to: ChargebackState, *, by: Actor, cause: str = "") -> None:
    invoices.lift_all(session, subject_id=chargeback.id, by=by)
    if to is not C.GIVEN_UP:  # a wish to give it up has come to nothing, or what was given up came back
        no = GiftState.DECLINED if to is C.OWED else GiftState.UNDONE
        giving.decide(session, kind=GiftKind.CHARGEBACK, subject_id=chargeback.id, state=no, by=by)
    chargeback.outcome_note = cause or chargeback.outcome_note
    _advance(session, chargeback, to, by=by, cause=cause)


def _advance(session: Session, chargeback: Chargeback, to: ChargebackState, *, by: Actor, cause: str = "") -> None:
    before = chargeback.state
    topic = EDGES.get((before, to))
    if topic is None:
        raise Conflict("chargeback.no_such_step", f"{chargeback.reference}: {before.value} to {to.value}")
    chargeback.state = to
    chargeback.ended_at = None if to in FREEZES else clock.now()
    step = _write_step(session, chargeback, before, by=by, cause=cause, action=f"chargeback.{chargeback.state.value}")
    _publish(session, chargeback, topic, by, dedupe_key=f"{chargeback.id}:{step}")
    session.flush()


def _write_step(
    session: Session,
    chargeback: Chargeback,
    before: ChargebackState | None,
    *,
    by: Actor,
    cause: str,
    action: str,
) -> int:
    row = ChargebackTransition(chargeback_id=chargeback.id, before=before, after=chargeback.state)
    step = steps.take(session, row, ChargebackTransition.chargeback_id == chargeback.id, by=by, cause=cause)
    affairs.record(
        session,
        chargeback,
        action=action,
        by=by,
        before={"state": before.value} if before else None,
        after={
            "reference": chargeback.reference,
            "state": chargeback.state.value,
            "minor": chargeback.amount_minor,
            "reason": cause,
        },
    )
    session.flush()
    return step


def _publish(session: Session, chargeback: Chargeback, topic: str, by: Actor, *, dedupe_key: str) -> None:
    affairs.publish(session, chargeback, topic, by=by, staff=chargeback.assigned_to, dedupe_key=dedupe_key)
