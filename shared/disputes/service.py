"""The verbs of disputes, in the caller's session. Files are checked before it opens (`attachments.service.check`).

Deciding is in `decide`; its verbs are named here, too. Who acts is `by`: a contact speaks for the debtor (the caller
has seen that the dispute is his), staff for the company.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.attachments.models import Attachment
from shared.attachments.service import Checked
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.disputes import tell
from shared.disputes.decide import CreditWish, accept, reject, release, reopen, settle, withdraw
from shared.disputes.models import Dispute, DisputeEntry, DisputePart, DisputePolicy, DisputeReason, EntryKind
from shared.disputes.rules import DEFAULT_REASONS, Policy, Status, gross_of_line, is_overdue, share_lines
from shared.disputes.steps import (
    TooMany,
    advance,
    clean,
    enter,
    freeze_parts,
    keep_files,
    lock_dispute,
    lock_live,
    tell_house,
    write_line,
    write_step,
)
from shared.invoices.models import FreezeKind, Invoice, InvoiceKind, InvoiceLine
from shared.invoices.service import left_to_freeze
from shared.kit import audit, clock, ids, limits
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.service import lock_invoices

__all__ = [
    "Assignee",
    "Claim",
    "CreditWish",
    "accept",
    "assign",
    "change_reason",
    "ensure_reasons",
    "escalate",
    "note",
    "raise_dispute",
    "reject",
    "release",
    "reopen",
    "say",
    "set_deadline",
    "set_policy",
    "set_reason",
    "settle",
    "take_up",
    "withdraw",
]

RAISED_A_DAY = 20
SAID_AN_HOUR = 40
MOST_INVOICES = 100


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
class _Share:
    invoice: Invoice
    line_id: uuid.UUID | None
    minor: int


def raise_dispute(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    claims: Sequence[Claim],
    reason_code: str,
    text: str,
    attempt: str,
    by: Actor,
    contact_id: uuid.UUID | None = None,
    files: Sequence[Checked] = (),
) -> Dispute:
    """Contest invoices; the money is frozen from the same commit on (I10).

    `contact_id` is whom answers are written to; None (staff opened it for the debtor): everybody who is reminded. The
    same `attempt` gives the dispute that is there. Raises Invalid for an empty claim, an amount above what is left, or a
    reason that is not offered; Conflict("invoice.frozen") when the money is contested already (another tab); NotFound for
    an invoice or line of another; TooMany.
    """
    debtor = lock_account(session, debtor_id)
    known = session.scalar(select(Dispute).where(Dispute.attempt == attempt))
    if known is not None:
        if known.debtor_id != debtor_id:
            raise Conflict("dispute.attempt_taken", _("This form was used before. Please start again."))
        return known
    said = clean(text)
    reason = _find_reason(session, debtor.company_id, reason_code)
    shares = _shares(session, debtor, claims)
    if by.kind == "contact" and not _within(session, f"dispute:{debtor_id}", RAISED_A_DAY, timedelta(days=1)):
        raise TooMany("dispute.too_many", _("That is a lot for one day. Please write to us instead."))
    dispute = _write(session, debtor, reason, shares, attempt=attempt, contact_id=contact_id, by=by)
    entry = enter(session, dispute, EntryKind.MESSAGE, said, by=by)
    keep_files(session, dispute, entry, files, by=by)
    if by.kind == "contact":
        dispute.spoken_at = clock.now()
    write_step(session, dispute, None, by=by, cause="")
    tell_house(session, dispute, "dispute.raised", by=by, key="1")
    tell.received(session, dispute)
    return dispute


def _write(
    session: Session,
    debtor: Debtor,
    reason: DisputeReason,
    shares: Sequence[_Share],
    *,
    attempt: str,
    contact_id: uuid.UUID | None,
    by: Actor,
) -> Dispute:
    identity = new_id()
    today = today_of(session, debtor.company_id)
    dispute = Dispute(
        id=identity,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        reference=ids.reference("LIT", identity),
        attempt=attempt,
        status=Status.OPEN,
        reason_id=reason.id,
        currency=debtor.currency,
        claimed_minor=sum(share.minor for share in shares),
        opened_by_kind=by.kind,
        opened_by_id=by.id,
        opened_by_name=by.name,
        contact_id=contact_id,
        opened_at=clock.now(),
        due_on=today + timedelta(days=reason.deadline_days),
    )
    session.add(dispute)
    session.flush()
    parts = [
        DisputePart(
            id=new_id(),
            dispute_id=dispute.id,
            invoice_id=share.invoice.id,
            line_id=share.line_id,
            amount_minor=share.minor,
        )
        for share in sorted(shares, key=lambda each: each.invoice.id)
    ]
    session.add_all(parts)
    session.flush()
    freeze_parts(session, dispute, {part: part.amount_minor for part in parts}, by=by)
    return dispute


def _shares(session: Session, debtor: Debtor, claims: Sequence[Claim]) -> list[_Share]:
    """What is contested, invoice by invoice and line by line, within what is left of each."""
    wanted = {claim.invoice_id for claim in claims}
    if not claims or len(wanted) != len(claims):
        raise Invalid("dispute.empty", _("Choose at least one invoice."))
    if len(claims) > MOST_INVOICES:
        raise Invalid("dispute.too_large", _("Choose at most %(n)s invoices at a time.", n=MOST_INVOICES))
    rows = lock_invoices(session, wanted)
    if any(
        one not in rows or rows[one].debtor_id != debtor.id or rows[one].kind is not InvoiceKind.INVOICE
        for one in wanted
    ):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lines = _lines_of(session, [claim.invoice_id for claim in claims if claim.line_ids])
    shares: list[_Share] = []
    for claim in sorted(claims, key=lambda each: each.invoice_id):
        shares += _shares_of(rows[claim.invoice_id], claim, lines.get(claim.invoice_id, []))
    return shares


def _lines_of(session: Session, invoice_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[InvoiceLine]]:
    found: dict[uuid.UUID, list[InvoiceLine]] = {}
    if invoice_ids:
        order = (InvoiceLine.invoice_id, InvoiceLine.position)
        for line in session.scalars(
            select(InvoiceLine).where(among(InvoiceLine.invoice_id, invoice_ids)).order_by(*order)
        ):
            found.setdefault(line.invoice_id, []).append(line)
    return found


def _shares_of(invoice: Invoice, claim: Claim, lines: Sequence[InvoiceLine]) -> list[_Share]:
    left = left_to_freeze(invoice, FreezeKind.DISPUTE)
    if left <= 0:
        raise Conflict(
            "invoice.frozen",
            _(
                "Nothing of invoice %(number)s is left to contest: it is settled or contested already.",
                number=invoice.number,
            ),
        )
    if claim.line_ids:
        shares = [share for share in _line_shares(invoice, lines, claim.line_ids, left) if share.minor > 0]
        if not shares:
            raise Invalid("dispute.amount", _("These lines cost nothing; contest an amount instead."))
        return shares
    minor = left if claim.minor is None else claim.minor
    if minor <= 0:
        raise Invalid("dispute.amount", _("The amount must be more than zero."))
    if minor > left:
        most = format_money(Money(left, invoice.currency), current_language())
        raise Invalid(
            "dispute.amount", _("Of invoice %(number)s at most %(amount)s.", number=invoice.number, amount=most)
        )
    return [_Share(invoice, None, minor)]


def _line_shares(
    invoice: Invoice, lines: Sequence[InvoiceLine], line_ids: Sequence[uuid.UUID], left: int
) -> list[_Share]:
    chosen = [line for line in lines if line.id in set(line_ids)]
    if len(chosen) != len(set(line_ids)):
        raise NotFound("invoice.line_missing", _("There is no such line."))
    minors = share_lines(
        [gross_of_line(line.net_minor, line.vat_rate) for line in chosen],
        is_whole=len(chosen) == len(lines),
        total_minor=invoice.total_minor,
        left_minor=left,
    )
    return [_Share(invoice, line.id, minor) for line, minor in zip(chosen, minors, strict=True)]


def say(
    session: Session,
    *,
    dispute_id: uuid.UUID,
    text: str,
    by: Actor,
    asks: bool = False,
    files: Sequence[Checked] = (),
) -> DisputeEntry:
    """Write to the other side. Staff who `asks` wait for the debtor, and the deadline stands still until he answers.

    The first word of staff takes the dispute up, and makes it theirs when it is nobody's. The same word of the same
    person within a minute is one (a form sent twice). The debtor is told by mail of what staff write. Raises
    Conflict("dispute.closed"), Invalid, TooMany.
    """
    dispute = lock_live(session, dispute_id)
    said = clean(text)
    if (twin := _said_before(session, dispute, said, by, files)) is not None:
        return twin
    if by.kind == "contact" and not _within(
        session, f"dispute-word:{dispute.debtor_id}", SAID_AN_HOUR, timedelta(hours=1)
    ):
        raise TooMany("dispute.too_many", _("That is a lot for one hour. Please wait a little."))
    entry = enter(session, dispute, EntryKind.MESSAGE, said, by=by)
    keep_files(session, dispute, entry, files, by=by)
    if by.kind == "contact":
        dispute.spoken_at = clock.now()
        if dispute.status is Status.WAITING:
            advance(session, dispute, Status.UNDER_REVIEW, by=by)
    else:
        dispute.spoken_at = None
        if dispute.assignee_id is None and by.kind == "staff" and by.id is not None:
            dispute.assignee_id, dispute.assignee_name = by.id, by.name
        if asks:
            advance(session, dispute, Status.WAITING, by=by)
        elif dispute.status is Status.OPEN:
            advance(session, dispute, Status.UNDER_REVIEW, by=by)
        tell.answered(session, dispute, entry, is_question=asks)
    write_line(session, dispute, action="dispute.said", by=by, after={"entry": str(entry.id)})
    tell_house(session, dispute, "dispute.said", by=by, key=str(entry.id))
    return entry


def _said_before(
    session: Session, dispute: Dispute, text: str, by: Actor, files: Sequence[Checked]
) -> DisputeEntry | None:
    """The same form sent twice: the same words with the same files, within a minute."""
    last = session.scalar(
        select(DisputeEntry)
        .where(DisputeEntry.dispute_id == dispute.id, DisputeEntry.kind == EntryKind.MESSAGE)
        .order_by(DisputeEntry.id.desc())
        .limit(1)
    )
    if last is None or (last.author_kind, last.author_id, last.text) != (by.kind, by.id, text):
        return None
    with_it = session.scalars(select(Attachment.received_sha256).where(Attachment.part_id == last.id)).all()
    if sorted(with_it) != sorted(each.received_sha256 for each in files):
        return None
    return last if clock.now() - last.at < timedelta(minutes=1) else None


def note(
    session: Session, *, dispute_id: uuid.UUID, text: str, by: Actor, files: Sequence[Checked] = ()
) -> DisputeEntry:
    """Keep something for staff alone; the debtor never sees it, nor its files. Also after the end."""
    dispute = lock_dispute(session, dispute_id)
    entry = enter(session, dispute, EntryKind.NOTE, clean(text), by=by)
    keep_files(session, dispute, entry, files, by=by, is_internal=True)
    write_line(session, dispute, action="dispute.noted", by=by, after={"entry": str(entry.id)})
    return entry


def take_up(session: Session, *, dispute_id: uuid.UUID, by: Actor) -> None:
    """Staff look at it: the debtor sees so. From WAITING: somebody answered by telephone. Twice is harmless."""
    dispute = lock_live(session, dispute_id)
    advance(session, dispute, Status.UNDER_REVIEW, by=by)


def assign(session: Session, *, dispute_id: uuid.UUID, assignee: Assignee | None, by: Actor) -> None:
    """Make it somebody's, or nobody's. Tells him (`dispute.assigned`). Twice is harmless."""
    dispute = lock_dispute(session, dispute_id)
    wanted = assignee.id if assignee else None
    if dispute.assignee_id == wanted:
        return
    before = {"assignee": dispute.assignee_name}
    dispute.assignee_id, dispute.assignee_name = wanted, assignee.name if assignee else ""
    entry = enter(session, dispute, EntryKind.ACT, "assigned", by=by, detail=dispute.assignee_name)
    write_line(
        session, dispute, action="dispute.assigned", by=by, before=before, after={"assignee": dispute.assignee_name}
    )
    if assignee is not None:
        tell_house(session, dispute, "dispute.assigned", by=by, key=str(entry.id))


def change_reason(session: Session, *, dispute_id: uuid.UUID, reason_code: str, by: Actor) -> None:
    """Staff sort it under another reason; the deadline stays."""
    dispute = lock_live(session, dispute_id)
    reason = _find_reason(session, dispute.company_id, reason_code, with_inactive=True)
    if reason.id == dispute.reason_id:
        return
    before = session.get_one(DisputeReason, dispute.reason_id).code
    dispute.reason_id = reason.id
    enter(session, dispute, EntryKind.ACT, "reason", by=by, detail=reason.code)
    write_line(
        session, dispute, action="dispute.reason", by=by, before={"reason": before}, after={"reason": reason.code}
    )


def set_deadline(session: Session, *, dispute_id: uuid.UUID, due_on: date, by: Actor) -> None:
    """Another day for the answer; what was escalated may be so again. Raises Invalid for a day that has passed."""
    dispute = lock_live(session, dispute_id)
    if due_on < today_of(session, dispute.company_id):
        raise Invalid("dispute.deadline", _("Choose a day that is still to come."))
    if due_on == dispute.due_on:
        return
    before = dispute.due_on
    dispute.due_on, dispute.escalated_at = due_on, None
    enter(session, dispute, EntryKind.ACT, "deadline", by=by, detail=due_on.isoformat())
    write_line(
        session,
        dispute,
        action="dispute.deadline",
        by=by,
        before={"due_on": before.isoformat()},
        after={"due_on": due_on.isoformat()},
    )


def escalate(session: Session, *, dispute_id: uuid.UUID, by: Actor) -> bool:
    """Mark that its deadline has passed and tell the house, once for each deadline; False when it is not so (any more)."""
    dispute = lock_dispute(session, dispute_id)
    if dispute.escalated_at is not None or not is_overdue(
        dispute.status, due_on=dispute.due_on, today=today_of(session, dispute.company_id)
    ):
        return False
    dispute.escalated_at = clock.now()
    enter(session, dispute, EntryKind.ACT, "escalated", by=by, detail=dispute.due_on.isoformat())
    write_line(session, dispute, action="dispute.escalated", by=by, after={"due_on": dispute.due_on.isoformat()})
    tell_house(session, dispute, "dispute.overdue", by=by, key=dispute.due_on.isoformat())
    return True


def ensure_reasons(session: Session, company_id: uuid.UUID) -> list[DisputeReason]:
    """The company's reasons by position; writes the defaults when it has none yet. Twice at once is harmless."""
    query = select(DisputeReason).where(DisputeReason.company_id == company_id).order_by(DisputeReason.position)
    found = list(session.scalars(query))
    if found:
        return found
    session.execute(
        insert(DisputeReason)
        .values(
            [
                {
                    "id": new_id(),
                    "company_id": company_id,
                    "code": each.code,
                    "label_en": each.label_en,
                    "label_fr": each.label_fr,
                    "deadline_days": each.deadline_days,
                    "is_active": True,
                    "position": position,
                }
                for position, each in enumerate(DEFAULT_REASONS, start=1)
            ]
        )
        .on_conflict_do_nothing(index_elements=["company_id", "code"])
    )
    return list(session.scalars(query))


def set_reason(
    session: Session,
    *,
    company_id: uuid.UUID,
    code: str,
    label_en: str,
    label_fr: str,
    deadline_days: int,
    is_active: bool,
    by: Actor,
    position: int | None = None,
) -> DisputeReason:
    """Change a reason, or add one with a new code. Raises Invalid for empty words, odd codes or deadlines."""
    known = {each.code: each for each in ensure_reasons(session, company_id)}
    if not code or len(code) > 32 or not code.replace("_", "").isalnum() or not code.isascii():
        raise Invalid("dispute.reason_code", _("A code is made of letters, digits and underscores."))
    if not label_en.strip() or not label_fr.strip():
        raise Invalid("dispute.reason_label", _("Give the reason a name in both languages."))
    if not 1 <= deadline_days <= 365:
        raise Invalid("dispute.reason_deadline", _("The deadline is a number of days between 1 and 365."))
    if not is_active and not any(each.is_active for each in known.values() if each.code != code):
        raise Invalid("dispute.reason_last", _("At least one reason must stay on offer."))
    reason = known.get(code)
    before = None
    if reason is None:
        reason = DisputeReason(id=new_id(), company_id=company_id, code=code, position=len(known) + 1)
        session.add(reason)
    else:
        before = _reason_facts(reason)
    reason.label_en, reason.label_fr = label_en.strip(), label_fr.strip()
    reason.deadline_days, reason.is_active = deadline_days, is_active
    reason.position = reason.position if position is None else position
    session.flush()
    audit.record(
        session,
        by,
        "dispute.reason_set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before=before,
        after=_reason_facts(reason),
    )
    return reason


def _reason_facts(reason: DisputeReason) -> dict[str, object]:
    names = ("code", "label_en", "label_fr", "deadline_days", "is_active", "position")
    return {name: getattr(reason, name) for name in names}


def set_policy(session: Session, *, company_id: uuid.UUID, policy: Policy, by: Actor) -> None:
    """What the company grants from now on. Raises Invalid for odd numbers."""
    if not (0 <= policy.owed_again_days <= 90 and 0 <= policy.reopen_days <= 365 and 0 <= policy.most_reopens <= 20):
        raise Invalid("dispute.policy", _("These numbers are out of range."))
    values = {name: getattr(policy, name) for name in ("owed_again_days", "reopen_days", "most_reopens")}
    session.execute(
        insert(DisputePolicy)
        .values(company_id=company_id, **values)
        .on_conflict_do_update(index_elements=["company_id"], set_=values)
    )
    audit.record(
        session,
        by,
        "dispute.policy_set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        after=dict(values),
    )


def _find_reason(session: Session, company_id: uuid.UUID, code: str, *, with_inactive: bool = False) -> DisputeReason:
    for reason in ensure_reasons(session, company_id):
        if reason.code == code and (reason.is_active or with_inactive):
            return reason
    raise Invalid("dispute.reason", _("Choose a reason."))


def _within(session: Session, key: str, limit: int, window: timedelta) -> bool:
    return limits.hit(session, key, limit=limit, window=window)
