"""`guichet correct`: a difference that one person proposes to put right, and another one approves.

Nothing of the ledger or the trail is ever changed: what was booked wrong is put right beside it. Copies are written anew from
what they are copies of. Each correction looks again before it acts, proves afterwards that its difference is gone, and leaves
an audit line.
"""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.gateways.base import PayoutSeen
from payments.gateways.choose import gateway_of
from payments.models import Provider
from payments.payouts.take import first_payment_at
from payments.reconcile import acts
from payments.reconcile.models import Correction, CorrectionState
from payments.reconcile.proof import Difference, Proof
from payments.reconcile.remedies import REMEDIES, Remedy
from payments.reconcile.verify import LOCAL, check_books, verify
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.ids import new_id
from shared.kit.words import gettext as _


def correctable(proof: Proof) -> list[Difference]:
    """The differences that have a remedy."""
    return [one for one in proof.differences if one.check in REMEDIES]


def propose(difference: Difference, *, reason: str, by: Actor) -> Correction:
    """Propose to put a difference right. Raises Conflict without a remedy or when it is proposed already, Invalid without words."""
    remedy = REMEDIES.get(difference.check)
    if remedy is None:
        raise Conflict("correction.no_remedy", _("Nobody but a person can say what is true here."))
    if by.id is None or not reason.strip():
        raise Invalid("correction.reason", _("Say who proposes it, and why."))
    with transaction() as session:
        waiting = select(Correction.id).where(
            Correction.difference == difference.check,
            Correction.subject == difference.subject,
            Correction.state == CorrectionState.PROPOSED,
        )
        if session.scalar(waiting):
            raise Conflict("correction.proposed", _("This correction is proposed already."))
        row = Correction(
            id=new_id(),
            difference=difference.check,
            subject=difference.subject,
            key=difference.key,
            expected_minor=difference.expected,
            found_minor=difference.found,
            currency=difference.currency,
            remedy=remedy.value,
            reason=reason.strip(),
            state=CorrectionState.PROPOSED,
            asked_by=by.name,
            asked_by_id=by.id,
            asked_at=clock.now(),
        )
        session.add(row)
        session.flush()
        _record(session, row, by)
        return row


def decline(correction_id: uuid.UUID, *, by: Actor) -> None:
    """Leave the difference as it is. Raises NotFound, Conflict when it was decided already."""
    with transaction() as session:
        row = _waiting(session, correction_id)
        _decide(session, row, CorrectionState.DECLINED, by)


def approve(correction_id: uuid.UUID, *, by: Actor) -> Correction:
    """A second person agrees: put it right now.

    1. Outside: for a payout, what the provider shows of it.
    2. One transaction: look whether the difference still stands, act, and prove that it is gone; else nothing is written.

    Raises Refused for the one who proposed it, Conflict when the difference is another one by now or would remain,
    NotFound, Unavailable when the provider does not answer.
    """
    with reading() as session:
        row = session.get(Correction, correction_id)
        if row is None:
            raise NotFound("correction.missing", _("There is no such correction."))
        remedy, known = Remedy(row.remedy), _difference(row)
    _check_four_eyes(row, by)
    if remedy is Remedy.PAYOUT:
        return _approve_payout(correction_id, known, by)

    def once() -> Correction:
        with transaction() as session:
            waiting = _waiting(session, correction_id)
            _check_four_eyes(waiting, by)
            _look_again(session, known)
            _refuse_on_broken_ground(session, known, remedy)
            waiting.done = acts.act(session, remedy, known)
            session.flush()
            if _stands(session, known) is not None:
                raise Conflict("correction.remains", _("The difference would remain; nothing was changed."))
            _decide(session, waiting, CorrectionState.DONE, by)
            return waiting

    return retrying(once)


def waiting(session: Session) -> Sequence[Correction]:
    """Corrections that wait for a second person."""
    query = select(Correction).where(Correction.state == CorrectionState.PROPOSED).order_by(Correction.id)
    return session.scalars(query).all()


def _approve_payout(correction_id: uuid.UUID, known: Difference, by: Actor) -> Correction:
    reference = known.subject.split()[0]
    provider, payout = _find_payout(reference)
    lines = gateway_of(provider).payout_lines(reference)

    def once() -> Correction:
        with transaction() as session:
            row = _waiting(session, correction_id)
            row.done = acts.put_payout_right(session, provider, payout, lines, by=by)
            _decide(session, row, CorrectionState.DONE, by)
            return row

    row = retrying(once)
    for one in verify().differences:
        if (one.check, one.subject) == (known.check, known.subject):
            raise Conflict(
                "correction.remains", _("The payout was booked anew, and the difference remains: %(what)s", what=one)
            )
    return row


def _find_payout(reference: str) -> tuple[Provider, PayoutSeen]:
    provider = Provider.STRIPE if reference.startswith("po_") else Provider.GOCARDLESS
    with reading() as session:
        since = first_payment_at(session, provider) or clock.now()
    for payout in gateway_of(provider).payouts_since(since):
        if payout.reference == reference:
            return provider, payout
    raise NotFound("correction.no_payout", _("The provider does not know this payout."))


def _difference(row: Correction) -> Difference:
    return Difference(row.difference, row.subject, row.expected_minor, row.found_minor, row.currency, row.key)


def _check_four_eyes(row: Correction, by: Actor) -> None:
    if by.id is None or by.id == row.asked_by_id:
        raise Refused("correction.four_eyes", _("Somebody else must approve this correction."))


def _waiting(session: Session, correction_id: uuid.UUID) -> Correction:
    row = session.get(Correction, correction_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("correction.missing", _("There is no such correction."))
    if row.state is not CorrectionState.PROPOSED:
        raise Conflict("correction.decided", _("This correction was decided already."))
    return row


def _stands(session: Session, known: Difference) -> Difference | None:
    """The difference as the books show it in this session, or None."""
    statement = LOCAL.get(known.check)
    if statement is None:
        proof = Proof()
        check_books(session, proof)
        return next((one for one in proof.differences if (one.check, one.key) == (known.check, known.key)), None)
    found = session.execute(
        text(
            f"SELECT * FROM ({statement}) AS everything WHERE key = :key AND subject = :subject AND expected <> found"
        ),
        {"key": known.key, "subject": known.subject},
    ).mappings()
    row = next(iter(found), None)
    if row is None:
        return None
    return Difference(known.check, known.subject, int(row["expected"]), int(row["found"]), known.currency, known.key)


def _look_again(session: Session, known: Difference) -> None:
    if known.check == "payment fee":
        return
    now = _stands(session, known)
    if now is None or (now.expected, now.found) != (known.expected, known.found):
        raise Conflict("correction.changed", _("The difference is another one by now. Look again."))


def _refuse_on_broken_ground(session: Session, known: Difference, remedy: Remedy) -> None:
    """A copy is not written anew from movements that were spoilt, nor a spoilt movement sealed while money differs."""
    proof = Proof()
    check_books(session, proof)
    others = [one.check for one in proof.differences if (one.check, one.key) != (known.check, known.key)]
    spoilt = any(name.startswith("ledger_transfer row") for name in others)
    if remedy is Remedy.RESTATE and spoilt:
        raise Conflict("correction.ground", _("Movements themselves were changed: put them right first."))
    if (
        remedy is Remedy.SEAL
        and known.check.startswith("ledger_transfer")
        and any(" row " not in name for name in others)
    ):
        raise Conflict("correction.ground", _("Money still differs: put that right first."))


def _decide(session: Session, row: Correction, state: CorrectionState, by: Actor) -> None:
    row.state, row.decided_by, row.decided_at = state, by.name, clock.now()
    session.flush()
    _record(session, row, by)


def _record(session: Session, row: Correction, by: Actor) -> None:
    audit.record(
        session,
        by,
        f"correction.{row.state.value}",
        subject_type="correction",
        subject_id=row.id,
        before={"difference": row.difference, "subject": row.subject, "minor": row.found_minor},
        after={"minor": row.expected_minor, "reason": row.reason, "done": row.done or []},
    )
