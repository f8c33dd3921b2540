"""The verbs of the ledger. Each writes transfers and the cached amounts in the caller's transaction.

Lock order everywhere: the debtor (by the caller, through `debtors.service.lock_debtor`), then invoices by id (here),
then payments. Amounts are minor units of the debtor's currency; `at` is the moment, `value_on` the legal day.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices import amounts
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.db import among
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.ledger.refusals import not_available, not_payable, why_not
from shared.ledger.rules import Part


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a movement happened, and for which payment or provider object."""

    at: datetime
    value_on: date
    payment_id: uuid.UUID | None = None
    provider: str | None = None
    provider_reference: str | None = None


@dataclass(frozen=True, slots=True)
class _Owned:
    account: Account
    owner: uuid.UUID | None


def issue(session: Session, invoice: Invoice, debtor: Debtor, occasion: Occasion) -> None:
    """A new invoice or credit note enters the books with its whole total open."""
    receivable, sales = _Owned(Account.RECEIVABLE, invoice.id), _Owned(Account.SALES, None)
    invoice.open_minor = invoice.total_minor
    sign = 1 if invoice.kind is InvoiceKind.INVOICE else -1
    debtor.open_minor += sign * invoice.total_minor
    debit, credit = (receivable, sales) if sign > 0 else (sales, receivable)
    _Movement(session, debtor, Kind.ISSUE, occasion).leg(debit, credit, invoice.total_minor)


def hold(
    session: Session,
    debtor: Debtor,
    parts: Sequence[Part],
    *,
    account: Account,
    occasion: Occasion,
    of_frozen: Mapping[uuid.UUID, int] | None = None,
) -> None:
    """Reserve parts of invoices for a payment in flight (pending transfers), so that no cent is taken twice (I3).

    Frozen money is not reserved (I10), except so much of an invoice as `of_frozen` says, in minor units: what a plan
    froze is the plan's own payment's. Raises Conflict("ledger.not_available") when a part exceeds what is open, neither
    held nor frozen, with its `reason` (`shared.ledger.refusals`): nothing is written then.
    """
    invoices = amounts.lock(session, (part.invoice_id for part in parts))
    own = of_frozen or {}
    held: Counter[uuid.UUID] = Counter()
    for part in parts:
        invoice = invoices.get(part.invoice_id)
        if invoice is None or invoice.debtor_id != debtor.id or invoice.kind is not InvoiceKind.INVOICE:
            raise not_payable()
        frozen = max(0, invoice.frozen_minor - own.get(invoice.id, 0))
        taken = invoice.held_minor + held[invoice.id]
        if part.minor <= 0 or part.minor > invoice.open_minor - taken - frozen:
            why = why_not(wanted_minor=part.minor, open_minor=invoice.open_minor, held_minor=taken)
            raise not_available(invoice.number, why)
        held[invoice.id] += part.minor
    debtor.held_minor += held.total()
    amounts.add(session, "held_minor", held)
    movement = _Movement(session, debtor, Kind.PAYMENT, occasion, provider_key=False)
    clearing = _Owned(account, None)
    movement.legs(
        [(clearing, _Owned(Account.RECEIVABLE, part.invoice_id), part.minor) for part in parts], Phase.PENDING
    )


def post(
    session: Session, debtor: Debtor, *, account: Account, minor: int, parts: Sequence[Part], occasion: Occasion
) -> list[Part]:
    """The money of a payment has come: what it held is settled. Gives what it held and does not settle as it was held.

    When its hold was void meanwhile (the provider's truth came late), the money settles of `parts` what is still
    available, and the rest becomes the debtor's unapplied credit. Nothing that a provider took is ever left out.
    """
    left = minor
    movement = _Movement(session, debtor, Kind.PAYMENT, occasion)
    pending = _unresolved(session, occasion.payment_id)
    invoices = lock_invoices(session, (row.credit_owner for row in pending if row.credit_owner))
    rest = {part.invoice_id: part.minor for part in parts}
    freed: list[Part] = []
    for row in pending:
        invoice = invoices[row.credit_owner]  # type: ignore[index]
        taken = min(row.amount_minor, left)
        invoice.held_minor -= row.amount_minor
        debtor.held_minor -= row.amount_minor
        if taken != row.amount_minor:  # the provider took less than we asked: free the whole, settle what came
            movement.resolve(row, Phase.VOID)
            freed.append(Part(invoice.id, row.amount_minor))
            continue
        _settle(invoice, debtor, taken, occasion)
        movement.resolve(row, Phase.POST)
        left -= taken
        rest[invoice.id] = rest.get(invoice.id, 0) - taken
    _set_off_elsewhere(session, debtor, invoices.values(), occasion)
    if left:
        parts = [Part(invoice_id, missing) for invoice_id, missing in rest.items() if missing > 0]
        settle_directly(session, debtor, movement=movement, account=account, minor=left, parts=parts, occasion=occasion)
    return freed


def settle_directly(
    session: Session,
    debtor: Debtor,
    *,
    account: Account,
    minor: int,
    parts: Sequence[Part],
    occasion: Occasion,
    kind: Kind = Kind.RECEIPT,
    movement: "_Movement | None" = None,
) -> None:
    """Money that held nothing: settle of `parts` what is available, and make the rest unapplied credit.

    Money that comes back after a loss (a chargeback won) makes the loss good first.
    """
    movement = movement or _Movement(session, debtor, kind, occasion)
    invoices = lock_invoices(session, (part.invoice_id for part in parts))
    left = minor
    lost = min(left, loss_of(session, occasion.payment_id)) if occasion.payment_id else 0
    if lost > 0:
        movement.leg(_Owned(account, None), _Owned(Account.LOSS, None), lost)
        left -= lost
    for part in parts:
        invoice = invoices[part.invoice_id]
        taken = min(part.minor, left, invoice.open_minor - invoice.held_minor)
        if taken > 0:
            _settle(invoice, debtor, taken, occasion)
            movement.leg(_Owned(account, None), _Owned(Account.RECEIVABLE, invoice.id), taken)
            left -= taken
    if left:
        debtor.credit_minor += left
        movement.leg(_Owned(account, None), _Owned(Account.CREDIT, debtor.id), left)


def void(session: Session, debtor: Debtor, occasion: Occasion) -> list[Part]:
    """A payment came to nothing before it was confirmed: free what it held, and give it. Twice is harmless."""
    pending = _unresolved(session, occasion.payment_id)
    invoices = lock_invoices(session, (row.credit_owner for row in pending if row.credit_owner))
    movement = _Movement(session, debtor, Kind.PAYMENT, occasion, provider_key=False)
    for row in pending:
        invoices[row.credit_owner].held_minor -= row.amount_minor  # type: ignore[index]
        debtor.held_minor -= row.amount_minor
        movement.resolve(row, Phase.VOID)
    _set_off_elsewhere(session, debtor, invoices.values(), occasion)
    return [Part(row.credit_owner, row.amount_minor) for row in pending if row.credit_owner]


def _set_off_elsewhere(session: Session, debtor: Debtor, invoices: Iterable[Invoice], occasion: Occasion) -> None:
    """A payment that held money which the books show as settled elsewhere has ended: settle that money now.

    What was paid twice, here and elsewhere, settles the invoice as the books have it, and of this payment it becomes the
    debtor's credit: if its money goes back one day, that credit goes, and the invoice stays settled.
    """
    for invoice in invoices:
        waiting = invoice.elsewhere_minor
        if not waiting:
            continue
        day = Occasion(at=occasion.at, value_on=occasion.value_on)
        movement = _Movement(session, debtor, Kind.IMPORTED, day, provider_key=False)
        taken = max(0, min(waiting, invoice.open_minor - invoice.held_minor))
        if taken:
            _settle(invoice, debtor, taken, day)
            movement.leg(_Owned(Account.ELSEWHERE, None), _Owned(Account.RECEIVABLE, invoice.id), taken)
        twice = max(0, waiting - taken - invoice.held_minor)
        if twice:
            debtor.credit_minor += twice
            owned = _Owned(Account.RECEIVABLE, invoice.id)
            movement.leg(_Owned(Account.ELSEWHERE, None), owned, twice)
            ours = _Movement(session, debtor, Kind.IMPORTED, occasion, provider_key=False)
            ours.leg(owned, _Owned(Account.CREDIT, debtor.id), twice)
        invoice.elsewhere_minor = waiting - taken - twice


def take_back(
    session: Session,
    debtor: Debtor,
    *,
    kind: Kind,
    account: Account,
    minor: int,
    occasion: Occasion,
    may_lose: bool = False,
) -> list[Part]:
    """Money of a payment goes back (late failure, chargeback, refund): unapplied credit first, then invoices reopen.

    Gives what is open again, those invoices included that its money had settled as credit.

    When `minor` exceeds what the payment still settles (a debit that the bank takes back after we refunded part of it),
    the excess is a loss if it `may_lose`, because what a provider took is never left out; else this raises
    Conflict("ledger.more_than_paid").
    """
    settled = _net_settled(session, occasion.payment_id)
    if minor > sum(amount for _, amount in settled) and not may_lose:
        raise Conflict("ledger.more_than_paid", _("More would go back than this payment brought."))
    movement = _Movement(session, debtor, kind, occasion)
    invoices = lock_invoices(session, (o.owner for o, _a in settled if o.account is Account.RECEIVABLE and o.owner))
    left = minor
    opened: list[Part] = []
    for owned, amount in settled:
        taken = min(amount, left)
        if taken <= 0:
            continue
        if owned.account is Account.CREDIT:
            opened += _restore_credit(session, debtor, taken, occasion)
            debtor.credit_minor -= taken
        elif owned.owner is not None:
            _reopen(invoices[owned.owner], debtor, taken)
            opened.append(Part(owned.owner, taken))
        movement.leg(owned, _Owned(account, None), taken)
        left -= taken
    if left:
        movement.leg(_Owned(Account.LOSS, None), _Owned(account, None), left)
    return opened


def apply_credit(session: Session, debtor: Debtor, parts: Sequence[Part], occasion: Occasion) -> None:
    """Use unapplied credit for invoices; raises Conflict("ledger.not_available") when there is too little of either."""
    invoices = lock_invoices(session, (part.invoice_id for part in parts))
    movement = _Movement(session, debtor, Kind.CREDIT_APPLIED, occasion)
    for part in parts:
        invoice = invoices[part.invoice_id]
        if part.minor <= 0 or part.minor > min(debtor.credit_minor, invoice.open_minor - invoice.held_minor):
            raise Conflict("ledger.not_available", _("There is not enough credit, or the invoice has changed."))
        debtor.credit_minor -= part.minor
        _settle(invoice, debtor, part.minor, occasion)
        movement.leg(_Owned(Account.CREDIT, debtor.id), _Owned(Account.RECEIVABLE, invoice.id), part.minor)
    affairs.owes_otherwise(session, debtor.id)


def apply_credit_note(
    session: Session, debtor: Debtor, *, credit_note_id: uuid.UUID, parts: Sequence[Part], occasion: Occasion
) -> None:
    """Use a credit note for invoices; raises Conflict("ledger.not_available") when there is too little of either."""
    rows = lock_invoices(session, [credit_note_id, *(part.invoice_id for part in parts)])
    note = rows[credit_note_id]
    movement = _Movement(session, debtor, Kind.CREDIT_APPLIED, occasion)
    for part in parts:
        invoice = rows[part.invoice_id]
        if part.minor <= 0 or part.minor > min(note.open_minor, invoice.open_minor - invoice.held_minor):
            raise Conflict("ledger.not_available", _("There is not enough credit, or the invoice has changed."))
        note.open_minor -= part.minor
        note.settled_on = occasion.value_on if note.open_minor == 0 else None
        debtor.open_minor += part.minor
        _settle(invoice, debtor, part.minor, occasion)
        movement.leg(_Owned(Account.RECEIVABLE, note.id), _Owned(Account.RECEIVABLE, invoice.id), part.minor)
    affairs.owes_otherwise(session, debtor.id)


def write_off(session: Session, debtor: Debtor, part: Part, occasion: Occasion) -> None:
    """Give up a part of an invoice; raises Conflict("ledger.not_available")."""
    invoice = lock_invoices(session, [part.invoice_id])[part.invoice_id]
    if part.minor <= 0 or part.minor > invoice.open_minor - invoice.held_minor:
        raise Conflict("ledger.not_available", _("The invoice has changed meanwhile."))
    _settle(invoice, debtor, part.minor, occasion)
    movement = _Movement(session, debtor, Kind.WRITE_OFF, occasion)
    movement.leg(_Owned(Account.WRITE_OFF, None), _Owned(Account.RECEIVABLE, invoice.id), part.minor)
    affairs.owes_otherwise(session, debtor.id)


def take_back_write_off(session: Session, debtor: Debtor, part: Part, occasion: Occasion) -> None:
    """What was given up of an invoice is open again: its money has come after all. Raises Conflict("ledger.not_available")."""
    invoice = lock_invoices(session, [part.invoice_id])[part.invoice_id]
    if part.minor <= 0 or part.minor > invoice.total_minor - invoice.open_minor:
        raise Conflict("ledger.not_available", _("The invoice has changed meanwhile."))
    _reopen(invoice, debtor, part.minor)
    movement = _Movement(session, debtor, Kind.WRITE_OFF, occasion)
    movement.leg(_Owned(Account.RECEIVABLE, invoice.id), _Owned(Account.WRITE_OFF, None), part.minor)
    affairs.owes_otherwise(session, debtor.id)


def move_elsewhere(session: Session, debtor: Debtor, invoice: Invoice, minor: int, occasion: Occasion) -> None:
    """What the books settled or took off of an invoice or credit note leaves it; the caller has seen that so much is free."""
    movement = _Movement(session, debtor, Kind.IMPORTED, occasion, provider_key=False)
    mine, other = _Owned(Account.RECEIVABLE, invoice.id), _Owned(Account.ELSEWHERE, None)
    if invoice.kind is InvoiceKind.INVOICE:
        _settle(invoice, debtor, minor, occasion)
        movement.leg(other, mine, minor)
        return
    invoice.open_minor -= minor
    invoice.settled_on = occasion.value_on if invoice.open_minor == 0 else None
    debtor.open_minor += minor
    movement.leg(mine, other, minor)


def provider_movement(
    session: Session,
    *,
    company_id: uuid.UUID,
    kind: Kind,
    debit: Account,
    credit: Account,
    minor: int,
    currency: str,
    occasion: Occasion,
    leg: int = 0,
) -> None:
    """Money between a provider and us that concerns no debtor: a payout or a fee."""
    session.add(
        Transfer(
            id=new_id(),
            company_id=company_id,
            debtor_id=None,
            movement_id=new_id(),
            leg=leg,
            kind=kind,
            phase=Phase.POSTED,
            debit_account=debit,
            credit_account=credit,
            amount_minor=minor,
            currency=currency,
            value_on=occasion.value_on,
            at=occasion.at,
            payment_id=occasion.payment_id,
            provider=occasion.provider,
            provider_reference=occasion.provider_reference,
        )
    )


def net_of(session: Session, payment_id: uuid.UUID, *, plus: Kind, minus: Kind) -> int:
    """What movements of one kind less those of another moved of a payment, in minor units."""
    sign = case((Transfer.kind == plus, 1), else_=-1)
    return int(
        session.scalar(
            select(func.coalesce(func.sum(sign * Transfer.amount_minor), 0))
            .where(Transfer.payment_id == payment_id, Transfer.kind.in_((plus, minus)))
            .where(Transfer.phase.in_((Phase.POSTED, Phase.POST)))
        )
        or 0
    )


def next_round(session: Session, *, provider: str, reference: str, kind: Kind) -> str:
    """The name under which a provider's object moves money once more.

    A provider may confirm the same object again after a late failure: its later rounds are named "PM1#2", "PM1#3" …,
    so that each stays one movement.
    """
    rounds = session.scalar(
        select(func.count(Transfer.provider_reference.distinct()))
        .where(Transfer.provider == provider, Transfer.kind == kind)
        .where(or_(Transfer.provider_reference == reference, Transfer.provider_reference.startswith(f"{reference}#")))
    )
    return reference if not rounds else f"{reference}#{rounds + 1}"


def lock_invoices(session: Session, identities: Iterable[uuid.UUID]) -> dict[uuid.UUID, Invoice]:
    """Lock invoices in the order of their ids and read them anew."""
    wanted = sorted(set(identities))
    if not wanted:
        return {}
    rows = session.scalars(
        select(Invoice)
        .where(among(Invoice.id, wanted))
        .order_by(Invoice.id)
        .with_for_update()
        .execution_options(populate_existing=True, autoflush=True)
    )
    return {row.id: row for row in rows}


class _Movement:
    """Writes the legs of one movement with consecutive numbers."""

    def __init__(
        self, session: Session, debtor: Debtor, kind: Kind, occasion: Occasion, *, provider_key: bool = True
    ) -> None:
        self._session = session
        self._debtor = debtor
        self._kind = kind
        self._occasion = occasion
        self._provider_key = provider_key
        self._id = new_id()
        self._leg = 0

    def leg(
        self,
        debit: _Owned,
        credit: _Owned,
        minor: int,
        phase: Phase = Phase.POSTED,
        pending_id: uuid.UUID | None = None,
    ) -> None:
        self._session.add(Transfer(**self._values(debit, credit, minor, phase, pending_id)))

    def legs(self, moved: Iterable[tuple[_Owned, _Owned, int]], phase: Phase) -> None:
        """Many legs (debit, credit, minor units) in one statement."""
        rows = [self._values(debit, credit, minor, phase, None) for debit, credit, minor in moved]
        if rows:
            self._session.execute(insert(Transfer), rows)

    def _values(
        self, debit: _Owned, credit: _Owned, minor: int, phase: Phase, pending_id: uuid.UUID | None
    ) -> dict[str, Any]:
        has_key = self._provider_key and phase in (Phase.POSTED, Phase.POST)
        values = {
            "id": new_id(),
            "company_id": self._debtor.company_id,
            "debtor_id": self._debtor.id,
            "movement_id": self._id,
            "leg": self._leg,
            "kind": self._kind,
            "phase": phase,
            "pending_id": pending_id,
            "debit_account": debit.account,
            "debit_owner": debit.owner,
            "credit_account": credit.account,
            "credit_owner": credit.owner,
            "amount_minor": minor,
            "currency": self._debtor.currency,
            "value_on": self._occasion.value_on,
            "at": self._occasion.at,
            "payment_id": self._occasion.payment_id,
            "provider": self._occasion.provider if has_key else None,
            "provider_reference": self._occasion.provider_reference if has_key else None,
        }
        if has_key or phase is Phase.PENDING:
            self._leg += 1
        return values

    def resolve(self, pending: Transfer, phase: Phase) -> None:
        self.leg(
            _Owned(pending.debit_account, pending.debit_owner),
            _Owned(pending.credit_account, pending.credit_owner),
            pending.amount_minor,
            phase,
            pending.id,
        )


def _unresolved(session: Session, payment_id: uuid.UUID | None) -> list[Transfer]:
    resolution = aliased(Transfer)
    return list(
        session.scalars(
            select(Transfer)
            .where(Transfer.payment_id == payment_id, Transfer.phase == Phase.PENDING)
            .where(~select(resolution.id).where(resolution.pending_id == Transfer.id).exists())
            .order_by(Transfer.at, Transfer.leg, Transfer.id)
        )
    )


def _net_settled(session: Session, payment_id: uuid.UUID | None) -> list[tuple[_Owned, int]]:
    """What a payment settles now: unapplied credit first, then its invoices, the last settled first."""
    rows = session.scalars(
        select(Transfer)
        .where(Transfer.payment_id == payment_id, Transfer.phase.in_((Phase.POSTED, Phase.POST)))
        .order_by(Transfer.at, Transfer.leg, Transfer.id)
    ).all()
    net: dict[_Owned, int] = {}
    for row in rows:
        for owned, sign in (
            (_Owned(row.credit_account, row.credit_owner), 1),
            (_Owned(row.debit_account, row.debit_owner), -1),
        ):
            if owned.account in (Account.RECEIVABLE, Account.CREDIT):
                net[owned] = net.pop(owned, 0) + sign * row.amount_minor
    backwards = list(net.items())[::-1]
    ordered = sorted(backwards, key=lambda item: item[0].account is not Account.CREDIT)
    return [(owned, amount) for owned, amount in ordered if amount > 0]


def loss_of(session: Session, payment_id: uuid.UUID | None) -> int:
    """What of a payment stands as a loss, in minor units."""
    sign = case((Transfer.debit_account == Account.LOSS, 1), else_=-1)
    return int(
        session.scalar(
            select(func.coalesce(func.sum(sign * Transfer.amount_minor), 0))
            .where(Transfer.payment_id == payment_id)
            .where(or_(Transfer.debit_account == Account.LOSS, Transfer.credit_account == Account.LOSS))
        )
        or 0
    )


def _restore_credit(session: Session, debtor: Debtor, wanted: int, occasion: Occasion) -> list[Part]:
    """Make sure that so much unapplied credit is there, by reopening what credit has settled, the latest first."""
    missing = wanted - debtor.credit_minor
    if missing <= 0:
        return []
    opened = []
    applied: dict[uuid.UUID, int] = {}
    for row in session.scalars(
        select(Transfer)
        .where(Transfer.debtor_id == debtor.id)
        .where(Transfer.kind.in_((Kind.CREDIT_APPLIED, Kind.CREDIT_RESTORED)))
        .order_by(Transfer.at, Transfer.leg, Transfer.id)
    ):
        if row.debit_account is Account.CREDIT and row.credit_owner:
            applied[row.credit_owner] = applied.pop(row.credit_owner, 0) + row.amount_minor
        elif row.credit_account is Account.CREDIT and row.debit_owner:
            applied[row.debit_owner] = applied.get(row.debit_owner, 0) - row.amount_minor
    invoices = lock_invoices(session, applied)
    when = Occasion(at=occasion.at, value_on=occasion.value_on)
    movement = _Movement(session, debtor, Kind.CREDIT_RESTORED, when)
    for invoice_id, amount in reversed(list(applied.items())):
        taken = min(amount, missing)
        if taken > 0:
            _reopen(invoices[invoice_id], debtor, taken)
            debtor.credit_minor += taken
            movement.leg(_Owned(Account.RECEIVABLE, invoice_id), _Owned(Account.CREDIT, debtor.id), taken)
            opened.append(Part(invoice_id, taken))
            missing -= taken
    return opened


def _settle(invoice: Invoice, debtor: Debtor, minor: int, occasion: Occasion) -> None:
    invoice.open_minor -= minor
    debtor.open_minor -= minor
    if invoice.open_minor == 0:
        invoice.settled_on = occasion.value_on


def _reopen(invoice: Invoice, debtor: Debtor, minor: int) -> None:
    invoice.open_minor += minor
    debtor.open_minor += minor
    invoice.settled_on = None
