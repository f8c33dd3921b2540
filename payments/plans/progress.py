"""How far a plan is: derived from the ledger, never counted up. All in the caller's session, under the debtor's lock."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from payments.collections import service as collections
from payments.collections.eligible import debited_beside
from payments.collections.reconsider import reconsider
from payments.collections.service import Wish
from payments.collections.tell import tell_withdrawn
from payments.deciding import SMALLEST_MINOR, SPARE_DAYS
from payments.models import Mandate, Payment, Provider
from payments.plans import contents, mails, rules
from payments.plans.models import Plan, PlanInstalment, PlanTransition
from payments.plans.rules import Due, Flow, Standing
from payments.plans.status import FOLLOWED, FREEZES, PlanStatus
from payments.plans.steps import BY, advance, lock_plan
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import cover, left_to_freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.ledger.rules import Part
from shared.ledger.service import lock_invoices
from shared.messages import service as messages

S = PlanStatus


# Paying ------------------------------------------------------------------------------------------------------------------


def payment_attempt(plan_id: uuid.UUID, attempt: str) -> str:
    """The attempt of a payment that is meant for a plan: begin every one with it, and its money is the plan's."""
    return f"{contents.attempt_prefix(plan_id)}{attempt}"


CREDIT_MARK = "plan"
"""What stands for the provider of a transfer that uses credit for a plan; its reference begins as a payment's attempt."""


def use_credit(
    session: Session,
    debtor: Debtor,
    plan_id: uuid.UUID,
    uses: Mapping[uuid.UUID | None, Sequence[Part]],
    *,
    key: str,
    occasion: ledger.Occasion,
) -> None:
    """Settle parts of a plan with unapplied money (None) and credit notes; it counts for the next instalments, as money does.

    The debtor is locked by the caller; `key` says which use it is. The plan follows in the same commit. Raises
    Conflict("ledger.not_available") when there is too little of either.
    """
    for note_id, parts in uses.items():
        reference = payment_attempt(plan_id, f"{note_id or 'credit'}:{key}")
        marked = replace(occasion, provider=CREDIT_MARK, provider_reference=reference)
        if note_id is None:
            ledger.apply_credit(session, debtor, parts, marked)
        else:
            ledger.apply_credit_note(session, debtor, credit_note_id=note_id, parts=parts, occasion=marked)
    session.flush()
    refresh(session, plan_id)


def payable(session: Session, plan_id: uuid.UUID, *, until: date | None = None) -> int:
    """What may be paid of a plan now, in minor units.

    Its instalments due up to a day (None: all the rest), less what is under way for it, and less what a bank contests: nobody
    is offered to pay that.
    """
    plan = session.get_one(Plan, plan_id)
    if plan.status not in FREEZES:
        return 0
    rows = contents.instalments_of(session, plan_id)
    wanted = sum(row.rest_minor for row in rows if until is None or row.due_on <= until)
    return max(0, wanted - sum(contents.under_way(session, plan_id).values()) - contents.contested(session, plan_id))


def debitable(session: Session, plan_id: uuid.UUID, *, until: date, own: uuid.UUID | None = None) -> int:
    """What may be debited of a plan up to a day when nobody but us asks for it, in minor units.

    Less what is under way for it, what a bank contests and what we refunded. What is under way for instalments due after that
    day is theirs, and takes nothing from this one: weekly debits are with the provider two at a time. `own`: the debit that
    asks, when it is written; then whatever else is on its way is later than it, as far as so much falls due later.
    """
    plan = session.get_one(Plan, plan_id)
    if plan.status not in FREEZES:
        return 0
    dues = dues_of(contents.instalments_of(session, plan_id))
    wanted = rules.asked_until(dues, until)
    later = sum(due.minor for due in dues) - wanted
    others = _beside(session, plan_id, own)
    others -= min(later, others if own is not None else contents.debited_after(session, plan_id, until))
    return max(0, wanted - others - contents.contested(session, plan_id) - contents.refunded(session, plan))


def left_beside(session: Session, plan_id: uuid.UUID, *, own: uuid.UUID | None) -> int:
    """All the rest of a plan less what a bank contests and what is under way for it, `own` not counted, in minor units."""
    if own is None:
        return payable(session, plan_id)
    rest = sum(row.rest_minor for row in contents.instalments_of(session, plan_id))
    return max(0, rest - _beside(session, plan_id, own) - contents.contested(session, plan_id))


def _beside(session: Session, plan_id: uuid.UUID, own: uuid.UUID | None) -> int:
    if own is None:
        return sum(contents.under_way(session, plan_id).values())
    ours = Payment.attempt.startswith(contents.attempt_prefix(plan_id), autoescape=True)
    return debited_beside(session, own, ours)


def dues_of(rows: Sequence[PlanInstalment]) -> list[Due]:
    """What is left of each instalment, by its due day."""
    return [Due(row.position, row.due_on, row.rest_minor) for row in rows]


def next_payable(session: Session, plan_id: uuid.UUID) -> int:
    """What "pay the instalment due" asks for: all that is due up to today, else the next instalment."""
    today = today_of(session, session.get_one(Plan, plan_id).company_id)
    due = payable(session, plan_id, until=today)
    if due:
        return due
    coming = (row.due_on for row in contents.instalments_of(session, plan_id) if row.rest_minor and row.due_on > today)
    return next((minor for day in coming if (minor := payable(session, plan_id, until=day))), 0)


def parts_for(session: Session, plan_id: uuid.UUID, minor: int) -> list[Part]:
    """So much of a plan as parts of its invoices in order, the oldest due first; for `payment_attempt`.

    Of an invoice that a bank contests in part, only the other part.

    Raises Conflict("plan.less_left") when the plan has not so much left that nobody is paying already.
    """
    plan = session.get_one(Plan, plan_id)
    left, parts = minor, []
    for free in _free(session, plan):
        taken = min(left, free.minor)
        if taken:
            parts.append(Part(free.invoice_id, taken))
            left -= taken
    if plan.status not in FREEZES:
        raise Conflict("plan.less_left", _("This plan does not run any more."), reason="plan_not_running")
    if left:
        is_under_way = sum(contents.under_way(session, plan_id).values()) > 0
        under_way, less = _("A payment of this plan is already under way."), _("Less is left of this plan than before.")
        reason = "payment_under_way" if is_under_way else "less"
        raise Conflict("plan.less_left", under_way if is_under_way else less, reason=reason)
    return parts


def _free(session: Session, plan: Plan) -> list[Part]:
    """What of each invoice of a plan nobody is paying or contesting, and nothing but the plan freezes, in the plan's order."""
    flight, own = contents.under_way(session, plan.id), contents.frozen_by(session, plan.id)
    by_bank = contents.contested_by_invoice(session, plan.id)
    made = []
    for invoice, standing in _standings(session, plan):
        others = max(
            0, invoice.frozen_minor - own.get(invoice.id, 0)
        )  # disputed or on hold: the ledger holds none of it
        free = min(standing.rest - flight.get(invoice.id, 0), invoice.open_minor - invoice.held_minor - others)
        made.append(Part(invoice.id, max(0, free - by_bank.get(invoice.id, 0))))
    return made


def free_minor(session: Session, plan_id: uuid.UUID) -> int:
    """What of a plan may be paid at all now, in minor units: not disputed, not on hold, not contested, not on its way."""
    return sum(part.minor for part in _free(session, session.get_one(Plan, plan_id)))


def parts_for_instalment(session: Session, plan_id: uuid.UUID, *, everything: bool = False) -> list[Part]:
    """What "pay the instalment due" (or, with `everything`, "pay all the rest") settles now; empty when that is nothing."""
    minor = payable(session, plan_id) if everything else next_payable(session, plan_id)
    return parts_for(session, plan_id, minor) if minor else []


# Following the ledger ----------------------------------------------------------------------------------------------------


def refresh(session: Session, plan_id: uuid.UUID, *, by: Actor = BY) -> Plan:
    """Let a plan say what the ledger says: what is settled and credited of each instalment, and what is still frozen.

    Money that came reduces the next instalments in order, and frees so much of its invoices; money that went back opens
    them again and freezes it again, in the commit in which it goes back. A plan with nothing left is completed; a completed
    one whose money went back runs again, or is in default again when it was. Any number of times, at any moment, with the
    same end.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in FOLLOWED:
        return plan
    lock_invoices(session, [item.invoice_id for item in contents.items_of(session, plan.id)])
    standings = _standings(session, plan)
    rows = contents.instalments_of(session, plan.id)
    before = [row.rest_minor for row in rows]
    _write_instalments(session, plan, rows, [standing for _invoice, standing in standings])
    if plan.by_mandate:
        if before != [row.rest_minor for row in rows]:
            reconsider(session, [plan.debtor_id])  # a debit that is written already may be for what is settled now
        _withdraw_needless(session, rows)
        _join_small(session, plan, rows)
    rest = sum(row.rest_minor for row in rows)
    if plan.status is S.COMPLETED and rest:
        advance(session, plan.id, _before_completion(session, plan), by=by, cause="money_went_back")
    _fit_freezes(session, plan, standings, by=by)
    if not rest and plan.status is not S.COMPLETED:
        advance(session, plan.id, S.COMPLETED, by=by)
        mails.completed(session, plan)
    return plan


def _before_completion(session: Session, plan: Plan) -> PlanStatus:
    """Where a completed plan is when its money goes back: it runs again, unless it was in default before it was paid.

    The clause made the rest due at once, and money that did not hold does not undo that; staff may resume it.
    """
    steps = select(PlanTransition.before).where(
        PlanTransition.plan_id == plan.id, PlanTransition.after == S.COMPLETED, PlanTransition.before.is_not(None)
    )
    before = session.scalar(steps.order_by(PlanTransition.step.desc()).limit(1))
    return S.IN_DEFAULT if before is S.IN_DEFAULT else S.ACTIVE


def is_free(session: Session, plan: Plan) -> bool:
    """Whether all the rest of a plan that freezes nothing now may be frozen again: not contested, nor being paid."""
    return all(
        standing.rest <= left_to_freeze(invoice, FreezeKind.PLAN) for invoice, standing in _standings(session, plan)
    )


def follow_payment(session: Session, payment: Payment) -> None:
    """A payment has moved money: the plans of its invoices follow in the same commit (I10).

    So do those of invoices that its money had settled as credit, and that are open again without it.
    """
    from payments.service import allocations

    touched = {part.invoice_id for part in allocations(session, payment.id)}
    restored = select(Transfer.debit_owner).where(
        Transfer.debtor_id == payment.debtor_id, Transfer.kind == Kind.CREDIT_RESTORED
    )
    touched.update(one for one in session.scalars(restored.distinct()) if one)
    for plan_id in contents.followed(session, payment.debtor_id, touched):
        refresh(session, plan_id)


def _standings(session: Session, plan: Plan) -> list[tuple[Invoice, Standing]]:
    """Each invoice of a plan with where it stands, in the plan's order."""
    session.flush()
    items = contents.items_of(session, plan.id)
    identities = [item.invoice_id for item in items]
    invoices = {
        row.id: row
        for row in session.scalars(
            select(Invoice).where(among(Invoice.id, identities)).execution_options(populate_existing=True)
        )
    }
    by_plan = _paid_first(session, plan, identities)
    by_mark = _paid_with_credit(session, plan, identities)
    by_credit = _credited(session, plan, identities)
    return [
        (
            invoices[item.invoice_id],
            rules.stand(
                Flow(
                    covered=item.covered_minor,
                    by_plan=by_plan.get(item.invoice_id, 0) + by_mark.get(item.invoice_id, 0),
                    by_credit=by_credit.get(item.invoice_id, 0),
                    open_now=invoices[item.invoice_id].open_minor - invoices[item.invoice_id].elsewhere_minor,
                )
            ),
        )
        for item in items
    ]


def _write_instalments(
    session: Session, plan: Plan, rows: Sequence[PlanInstalment], standings: Sequence[Standing]
) -> None:
    today = today_of(session, plan.company_id)
    settled = rules.settle(
        [row.amount_minor for row in rows],
        credited_minor=sum(standing.credited for standing in standings),
        paid_minor=sum(standing.paid for standing in standings),
    )
    for row, each in zip(rows, settled, strict=True):
        row.credited_minor, row.settled_minor = each.credited_minor, each.settled_minor
        if row.rest_minor:
            row.settled_on = None
        elif row.settled_on is None:
            row.settled_on, row.grace_until = today, None
    session.flush()


def _fit_freezes(session: Session, plan: Plan, standings: Sequence[tuple[Invoice, Standing]], *, by: Actor) -> None:
    """All that is still the plan's is frozen for it, beside whatever a dispute freezes of the same invoices."""
    is_frozen = plan.status in FREEZES
    cover(
        session,
        debtor_id=plan.debtor_id,
        kind=FreezeKind.PLAN,
        subject_id=plan.id,
        minors={invoice.id: standing.rest if is_frozen else 0 for invoice, standing in standings},
        reason=plan.reference,
        by=by,
    )


_BOOKED = (Phase.POSTED, Phase.POST)
_CREDITS = (Kind.WRITE_OFF, Kind.CREDIT_APPLIED)


def _legs(identities: Sequence[uuid.UUID]) -> tuple[ColumnElement[uuid.UUID | None], ColumnElement[int]]:
    """Of a transfer: which of these invoices it touches, and whether it settles (+1) or opens it (-1)."""
    settles = (Transfer.credit_account == Account.RECEIVABLE) & among(Transfer.credit_owner, identities)
    return case((settles, Transfer.credit_owner), else_=Transfer.debit_owner), case((settles, 1), else_=-1)


def _paid_first(session: Session, plan: Plan, identities: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Invoice → what plan payments, and receipts by hand since the acceptance, settle of it net of what went back."""
    owner, sign = _legs(identities)
    rows = session.execute(
        select(owner.label("invoice_id"), func.sum(sign * Transfer.amount_minor).label("minor"))
        .join(Payment, Payment.id == Transfer.payment_id)
        .where(Transfer.phase.in_(_BOOKED), Transfer.debtor_id == plan.debtor_id, among(owner, identities))
        .where(
            or_(
                Payment.attempt.startswith(contents.attempt_prefix(plan.id), autoescape=True),
                and_(Payment.provider == Provider.HAND, Payment.created_at >= plan.accepted_at),
            )
        )
        .group_by(owner)
    )
    return {row.invoice_id: int(row.minor) for row in rows}


def _paid_with_credit(session: Session, plan: Plan, identities: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Invoice → what credit used for the plan settles of it.

    Credit that had to be given back counts against this first: rather too much is frozen than too little (I10).
    """
    owner, sign = _legs(identities)
    came_back = and_(Transfer.kind == Kind.CREDIT_RESTORED, Transfer.at >= plan.accepted_at)
    rows = session.execute(
        select(owner.label("invoice_id"), func.sum(sign * Transfer.amount_minor).label("minor"))
        .where(Transfer.phase.in_(_BOOKED), Transfer.debtor_id == plan.debtor_id, among(owner, identities))
        .where(or_(_is_marked(plan), came_back))
        .group_by(owner)
    )
    return {row.invoice_id: max(0, int(row.minor)) for row in rows}


def _is_marked(plan: Plan) -> ColumnElement[bool]:
    return and_(
        Transfer.provider == CREDIT_MARK,
        Transfer.provider_reference.startswith(contents.attempt_prefix(plan.id), autoescape=True),
    )


def _credited(session: Session, plan: Plan, identities: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Invoice → what credit notes and write-offs took off it since the acceptance."""
    owner, sign = _legs(identities)
    source = case((owner == Transfer.credit_owner, Transfer.debit_account), else_=Transfer.credit_account)
    rows = session.execute(
        select(owner.label("invoice_id"), func.sum(sign * Transfer.amount_minor).label("minor"))
        .where(Transfer.phase.in_(_BOOKED), Transfer.debtor_id == plan.debtor_id, among(owner, identities))
        .where(Transfer.kind.in_(_CREDITS), source != Account.CREDIT, Transfer.at >= plan.accepted_at)
        .where(or_(Transfer.provider.is_(None), ~_is_marked(plan)))
        .group_by(owner)
    )
    return {row.invoice_id: int(row.minor) for row in rows}


# Debits ------------------------------------------------------------------------------------------------------------------


def announce_debits(session: Session, plan: Plan, mandate: Mandate | None, *, by_mail: str) -> dict[int, date]:
    """Announce the debit of every open instalment of a plan that is collected by mandate; gives position → day.

    The message that goes with it (`by_mail`: plan_accepted or plan_resumed, written in the same commit) names every day and amount: that is the pre-notification
    of the whole schedule, which the SEPA Core rulebook allows. No debit is made sooner than the company's notice after it.
    """
    if not plan.by_mandate or mandate is None:
        return {}
    debtor = session.get_one(Debtor, plan.debtor_id)
    company = session.get_one(Company, plan.company_id)
    everything = contents.instalments_of(session, plan.id)
    rows = [row for row in everything if row.rest_minor]
    days = rules.charge_days(
        [Due(row.position, row.due_on, row.rest_minor) for row in rows],
        accepted_on=clock.today(company.zone),
        notice_days=company.notice_days,
    )
    for row in rows:
        wish = Wish(
            None, row.rest_minor, days[row.position], instalment_id=row.id, label=label(plan, row, len(everything))
        )
        key = mails.key_of(session, plan, by_mail)
        collections.carry_on(session, debtor, mandate, wish, announced_at=clock.now(), notice_key=key)
    return days


def withdraw_debits(session: Session, plan: Plan, *, reason: str) -> int:
    """Let announced debits of a plan not take place; gives how many. What is written is cancelled while that is possible."""
    reconsider(session, [plan.debtor_id])
    ids = [row.id for row in contents.instalments_of(session, plan.id)]
    return collections.withdraw_instalments(session, ids, reason=reason) if ids else 0


def _withdraw_needless(session: Session, rows: Sequence[PlanInstalment]) -> None:
    """Withdraw announced debits up to whose day the plan asks for nothing more.

    Asked by day, not by instalment: money counts for the first open instalment, so that a further attempt at the first one
    may have to pay for the second.
    """
    due = {row.id: row.due_on for row in rows}
    days = contents.debit_days(session, due)
    needless = [
        identity
        for identity, charge_on in days.items()
        if not any(row.rest_minor for row in rows if row.due_on <= max(charge_on, due[identity]))
    ]
    if needless:
        collections.withdraw_instalments(session, needless, reason="paid")


def _join_small(session: Session, plan: Plan, rows: Sequence[PlanInstalment]) -> None:
    """A rest too small to be debited goes with its neighbour: with the next debit, or the last with the one before it.

    The neighbour is announced anew for its day with both, while that notice can still be given in time and somebody can be
    told; else the rest stays with what is debited last.
    """
    small = {row.id for row in rows if 0 < row.rest_minor < SMALLEST_MINOR}
    mandate = contents.mandate_of(session, plan.debtor_id)
    if not small or plan.status is not S.ACTIVE or mandate is None:
        return
    debtor, company = session.get_one(Debtor, plan.debtor_id), session.get_one(Company, plan.company_id)
    earliest = today_of(session, company.id) + timedelta(days=company.notice_days + SPARE_DAYS)
    can_tell = bool(messages.recipients(session, debtor.id, None))
    due, dues = {row.id: row.due_on for row in rows}, dues_of(rows)
    taken, is_anew, joined = sum(contents.under_way(session, plan.id).values()), False, []
    debits = contents.announced(session, due)
    for debit in debits:
        day = due[debit.instalment_id] if debit.instalment_id else debit.charge_on
        minor = max(0, rules.asked_until(dues, max(debit.charge_on, day)) - taken)
        if debit.instalment_id in small and (debit is not debits[-1] or (is_anew and not minor)):
            collections.skip(session, debit, reason="joined")
            joined.append(debit)
            continue
        if 0 < minor - debit.amount_minor < SMALLEST_MINOR and debit.charge_on >= earliest and can_tell:
            collections.skip(session, debit, reason="joined")
            wish = Wish(None, minor, debit.charge_on, instalment_id=debit.instalment_id, label=debit.label, due_on=day)
            collections.announce(session, debtor, mandate, [wish])
            is_anew = True
            taken += minor
        else:
            taken += min(minor, debit.amount_minor)
    tell_withdrawn(session, joined)


def label(plan: Plan, row: PlanInstalment, count: int) -> str:
    """What a list of debits calls an instalment: "PLN-7F3K-2M9Q-4 2/6"."""
    return f"{plan.reference} {row.position}/{count}"
