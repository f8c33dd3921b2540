"""What a correction writes, each in the caller's session; gives sentences that say it."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments.gateways.base import PayoutLine, PayoutSeen
from payments.models import Payment, Payout, Provider
from payments.payouts import book as books
from payments.payouts.rules import Share, shares
from payments.reconcile.proof import Difference
from payments.reconcile.remedies import RESTATED, Remedy
from payments.reconcile.statements import UNRESOLVED
from payments.service import CLEARING
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.service import lock_owner
from shared.kit import clock, seals
from shared.kit.actors import Actor
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Phase, Transfer


def act(session: Session, remedy: Remedy, known: Difference) -> list[str]:
    """Put one difference right; raises Conflict when its remedy does not fit what stands here."""
    if known.key is None:
        raise Conflict("correction.no_row", _("This difference names no row."))
    if remedy is Remedy.SEAL:
        return _seal(session, known)
    verbs = {
        Remedy.RESTATE: _restate,
        Remedy.PARTS: _parts,
        Remedy.REPOST: _repost,
        Remedy.REVERSE: _reverse,
        Remedy.STEP: _step,
        Remedy.TRAIL: _trail,
    }
    _lock_owner(session, known.key)
    return verbs[remedy](session, known, known.key)


def _lock_owner(session: Session, key: uuid.UUID) -> None:
    """The lock order of the house: whatever the row is, its debtor first."""
    tables = (
        "invoice",
        "payment",
        "mandate",
        "dispute",
        "promise",
        "plan",
        "declaration",
        "chargeback",
        "ledger_transfer",
    )
    found = " UNION ALL ".join(f"SELECT debtor_id FROM {table} WHERE id = :key" for table in tables)
    query = text(f"{found} UNION ALL SELECT id FROM debtor WHERE id = :key").bindparams(key=key)
    lock_owner(session, query)


def _restate(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    table, column = RESTATED[known.check]
    value: Any = known.expected
    if column.endswith("_on"):
        value = datetime.strptime(str(known.expected), "%Y%m%d").date() if known.expected else None  # noqa: DTZ007 - a day
    session.execute(text(f"UPDATE {table} SET {column} = :value WHERE id = :key"), {"value": value, "key": key})
    return [f"{table}.{column} of {known.subject}: {known.found} → {known.expected}"]


def _parts(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    held = {
        row.invoice_id: int(row.minor)
        for row in session.execute(
            text(
                """
                SELECT DISTINCT ON (credit_owner) credit_owner AS invoice_id, amount_minor AS minor FROM ledger_transfer
                WHERE phase = 'pending' AND payment_id = :key ORDER BY credit_owner, id
                """
            ),
            {"key": key},
        )
    }
    session.execute(
        text("DELETE FROM payment_allocation WHERE payment_id = :key AND NOT invoice_id = ANY (CAST(:kept AS uuid[]))"),
        {"key": key, "kept": [str(one) for one in held]},
    )
    for invoice_id, minor in sorted(held.items()):
        session.execute(
            text(
                """
                INSERT INTO payment_allocation (id, payment_id, invoice_id, amount_minor) VALUES (:id, :key, :invoice, :minor)
                ON CONFLICT (payment_id, invoice_id) DO UPDATE SET amount_minor = excluded.amount_minor
                """
            ),
            {"id": new_id(), "key": key, "invoice": invoice_id, "minor": minor},
        )
    return [f"parts of {known.subject} as they were held"]


def _repost(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    payment = session.get_one(Payment, key)
    pending = session.scalars(
        select(Transfer)
        .from_statement(text(f"SELECT t.* FROM ledger_transfer t WHERE payment_id = :key AND {UNRESOLVED} ORDER BY id"))
        .params(key=key)
    ).all()
    phase = Phase.POST if payment.confirmed_at else Phase.VOID
    for row in pending:
        _beside(session, row, Kind.PAYMENT, row.amount_minor, phase=phase, pending_id=row.id, payment=payment)
    return [f"{phase.value} of {row.amount_minor} held by {known.subject}" for row in pending]


def _reverse(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    row = session.get_one(Transfer, key)
    minor = known.expected - row.amount_minor
    if known.expected <= 0 or row.payment_id is None:
        raise Conflict("correction.no_fit", _("This movement does not stand where it should: a person has to look."))
    _beside(session, row, Kind.CORRECTION, minor, payment=session.get_one(Payment, row.payment_id))
    return [f"correction of {minor} beside movement {row.id}"]


def _beside(
    session: Session,
    row: Transfer,
    kind: Kind,
    minor: int,
    *,
    payment: Payment,
    phase: Phase = Phase.POSTED,
    pending_id: uuid.UUID | None = None,
) -> None:
    """A movement between the accounts of another one, back when negative."""
    sides = ((row.debit_account, row.debit_owner), (row.credit_account, row.credit_owner))
    (debit, debit_owner), (credit, credit_owner) = sides if minor > 0 else sides[::-1]
    has_key = phase is not Phase.VOID and payment.provider is not Provider.HAND
    reference = row.provider_reference or payment.provider_reference
    taken = select(func.coalesce(func.max(Transfer.leg) + 1, 0)).where(
        Transfer.provider == payment.provider.value, Transfer.provider_reference == reference, Transfer.kind == kind
    )
    session.add(
        Transfer(
            id=new_id(),
            company_id=row.company_id,
            debtor_id=row.debtor_id,
            movement_id=row.movement_id if kind is Kind.CORRECTION else new_id(),
            leg=(session.scalar(taken) or 0) if has_key else 0,
            kind=kind,
            phase=phase,
            pending_id=pending_id,
            debit_account=debit,
            debit_owner=debit_owner,
            credit_account=credit,
            credit_owner=credit_owner,
            amount_minor=abs(minor),
            currency=row.currency,
            value_on=_day_of(session, row, payment) if phase is Phase.POST else today_of(session, row.company_id),
            at=clock.now(),
            payment_id=row.payment_id,
            provider=payment.provider.value if has_key else None,
            provider_reference=reference if has_key else None,
        )
    )
    session.flush()


def _day_of(session: Session, row: Transfer, payment: Payment) -> date:
    """The legal day on which a payment was confirmed."""
    zone = session.get_one(Company, row.company_id).zone
    moment = payment.confirmed_at or row.at
    return payment.received_on or moment.astimezone(ZoneInfo(zone)).date()


def _step(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    thing = known.check.removeprefix("steps of a ")
    column = "state" if thing in ("promise", "declaration", "chargeback") else "status"
    ours = {"key": key}
    now = session.scalar(text(f"SELECT {column} FROM {thing} WHERE id = :key"), ours)
    rows = session.execute(
        text(f"SELECT step, before, after FROM {thing}_transition WHERE {thing}_id = :key ORDER BY step"),
        ours,
    ).all()
    last = session.scalar(
        text(
            f"""SELECT coalesce(after ->> 'status', after ->> 'state') FROM audit_line
            WHERE subject_type = '{thing}' AND subject_id = :key AND (after ? 'status' OR after ? 'state')
            ORDER BY id DESC LIMIT 1"""
        ),
        ours,
    )
    said = []
    known_steps = {row.step: _Step(row.step, row.before, row.after) for row in rows}
    highest = max(known_steps, default=0)
    for number in range(1, highest):
        if number not in known_steps:
            before = known_steps[number - 1].after if number > 1 else None
            after = known_steps[number + 1].before if number + 1 in known_steps else None
            if after is None:
                raise Conflict("correction.no_fit", _("Several steps in a row are missing: a person has to look."))
            known_steps[number] = _Step(number, before, after)
            said.append(_write_step(session, thing, key, known_steps[number]))
    end = known_steps[highest].after if highest else None
    if end != now and last == now:
        said.append(_write_step(session, thing, key, _Step(highest + 1, end, now)))
    elif end != now and end is not None and last in (end, None):
        session.execute(text(f"UPDATE {thing} SET {column} = :end WHERE id = :key"), ours | {"end": end})
        said.append(f"{thing}.{column} of {known.subject}: {now} → {end}")
    return said


@dataclass(frozen=True, slots=True)
class _Step:
    step: int
    before: str | None
    after: str


def _write_step(session: Session, thing: str, key: uuid.UUID, row: _Step) -> str:
    more, values = (", kept_minor", ", 0") if thing == "promise" else ("", "")
    session.execute(
        text(
            f"""INSERT INTO {thing}_transition (id, {thing}_id, step, before, after, at, actor_kind, actor_name, cause{more})
            VALUES (:id, :key, :step, :before, :after, :at, 'system', 'correction', 'correction'{values})"""
        ),
        {"id": new_id(), "key": key, "step": row.step, "before": row.before, "after": row.after, "at": clock.now()},
    )
    return f"step {row.step} of a {thing}: {row.before} → {row.after}"


def _trail(session: Session, known: Difference, key: uuid.UUID) -> list[str]:
    rows = session.execute(
        text(
            """
            INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
            SELECT now.at, 'system', 'correction', 'payment.' || s.after, 'payment', p.id, p.company_id, p.debtor_id,
                   jsonb_build_object('status', s.after, 'minor', p.amount_minor, 'currency', p.currency, 'step', s.step)
            FROM payment p
            CROSS JOIN (SELECT CAST(:at AS timestamptz) AS at) AS now
            JOIN (SELECT payment_id, after, step, row_number() OVER (PARTITION BY after ORDER BY step) AS number
                  FROM payment_transition WHERE payment_id = :key) s ON s.payment_id = p.id
            LEFT JOIN (SELECT action, count(*) AS lines FROM audit_line
                       WHERE subject_type = 'payment' AND subject_id = :key AND after ? 'status' GROUP BY 1) a
              ON a.action = 'payment.' || s.after
            WHERE p.id = :key AND s.number > coalesce(a.lines, 0) RETURNING action
            """
        ),
        {"key": key, "at": clock.now()},
    )
    return [f"audit line {row.action} of {known.subject}" for row in rows]


def _seal(session: Session, known: Difference) -> list[str]:
    table = known.check.split()[0]
    assert known.key is not None  # noqa: S101 - for the type checker
    seals.renew(session, table, [known.key])
    return [f"{known.check}: {known.subject} is sealed as it stands"]


def put_payout_right(
    session: Session, provider: Provider, payout: PayoutSeen, lines: Sequence[PayoutLine], *, by: Actor
) -> list[str]:
    """Let the books hold of a payout what the provider shows of it: booked when it is not, else corrected beside."""
    row = session.scalar(books.row_of(provider, payout.reference).with_for_update())
    has_legs = session.scalar(
        select(func.count()).where(
            Transfer.provider == provider.value,
            Transfer.provider_reference == payout.reference,
            Transfer.payment_id.is_(None),
        )
    )
    if row is None and not has_legs:
        books.book(session, provider, payout, lines, by=by, even_unexplained=True)
        return [f"payout {payout.reference} of {payout.amount_minor} booked"]
    wanted = shares(lines, payout.amount_minor, books.owners_of(session, provider, lines))
    said = _set_row(session, provider, payout, wanted, row)
    name = ledger.next_round(session, provider=provider.value, reference=payout.reference, kind=Kind.CORRECTION)
    for leg, (company_id, account, missing) in enumerate(_missing(session, provider, payout, wanted)):
        place = books.Place(provider, payout, company_id, leg, name)
        books.move(session, place, Kind.CORRECTION, account, missing)
        said.append(f"correction of {missing} to {account.value} for payout {payout.reference}")
    return said


def _set_row(
    session: Session, provider: Provider, payout: PayoutSeen, wanted: dict[uuid.UUID, Share], row: Payout | None
) -> list[str]:
    fee = sum(share.fee_minor for share in wanted.values())
    if row is None:
        home = max(wanted, key=lambda company_id: (abs(wanted[company_id].gross_minor), company_id))
        row = Payout(
            id=new_id(),
            company_id=home,
            provider=provider,
            provider_reference=payout.reference,
            currency=payout.currency,
            created_at=clock.now(),
            amount_minor=payout.amount_minor,
            fee_minor=fee,
        )
        session.add(row)
    said = [f"payout row {payout.reference}: {row.amount_minor} and {row.fee_minor} → {payout.amount_minor} and {fee}"]
    row.amount_minor, row.fee_minor, row.paid_on = payout.amount_minor, fee, payout.paid_on
    if payout.is_returned != (row.returned_at is not None):
        row.returned_at = clock.now() if payout.is_returned else None
    session.flush()
    return said


def _missing(
    session: Session, provider: Provider, payout: PayoutSeen, wanted: dict[uuid.UUID, Share]
) -> list[tuple[uuid.UUID, Account, int]]:
    """Company, account and what its legs of this payout lack there."""
    accounts = (Account.BANK, Account.FEES, Account.ELSEWHERE)
    found: dict[tuple[uuid.UUID, Account], int] = {}
    legs = session.scalars(
        select(Transfer).where(
            Transfer.provider == provider.value,
            func.split_part(Transfer.provider_reference, "#", 1) == payout.reference,
            Transfer.payment_id.is_(None),
        )
    )
    for leg in legs:
        other, sign = (leg.debit_account, 1) if leg.credit_account is CLEARING[provider] else (leg.credit_account, -1)
        found[leg.company_id, other] = found.get((leg.company_id, other), 0) + sign * leg.amount_minor
    lacking = []
    for company_id in sorted(wanted.keys() | {company_id for company_id, _account in found}):
        share = wanted.get(company_id, Share(0, 0))
        bank = 0 if payout.is_returned else share.net_minor
        for account, minor in zip(accounts, (bank, share.fee_minor, -share.elsewhere_minor), strict=True):
            missing = minor - found.get((company_id, account), 0)
            if missing:
                lacking.append((company_id, account, missing))
    return lacking
