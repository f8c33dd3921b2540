"""The verbs of the ledger. Each writes transfers and the cached amounts in the caller's transaction.

Lock order everywhere: the debtor (by the caller, through `debtors.service.lock_debtor`), then invoices by id (here),
then payments. Amounts are minor units of the debtor's currency; `at` is the moment, `value_on` the legal day.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.db import among
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.ledger.book import Balance, Book, Movement, Occasion, Owned
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.ledger.refusals import not_available, not_payable, why_not
from shared.ledger.rules import Part, total

__all__ = [
    "Occasion",
    "apply_credit",
    "apply_credit_note",
    "hold",
    "issue",
    "lock_invoices",
    "loss_of",
    "move_elsewhere",
    "net_of",
    "next_round",
    "post",
    "provider_movement",
    "settle_directly",
    "take_back",
    "take_back_write_off",
    "void",
    "write_off",
]


def issue(session: Session, invoice: Invoice, debtor: Debtor, occasion: Occasion) -> None:
    """A new invoice or credit note enters the books with its whole total open."""
    receivable, sales = Owned(Account.RECEIVABLE, invoice.id), Owned(Account.SALES, None)
    invoice.open_minor = invoice.total_minor
    sign = 1 if invoice.kind is InvoiceKind.INVOICE else -1
    debtor.open_minor += sign * invoice.total_minor
    debit, credit = (receivable, sales) if sign > 0 else (sales, receivable)
    book = Book(session, debtor)
    Movement(book, Kind.ISSUE, occasion).leg(debit, credit, invoice.total_minor)
    book.write()


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
    book = Book(session, debtor)
    invoices = book.lock(part.invoice_id for part in parts)
    movement = Movement(book, Kind.PAYMENT, occasion, provider_key=False)
    clearing, own = Owned(account, None), of_frozen or {}
    for part in parts:
        invoice = invoices.get(part.invoice_id)
        if invoice is None or invoice.debtor_id != debtor.id or invoice.kind is not InvoiceKind.INVOICE:
            raise not_payable()
        frozen = max(0, invoice.frozen_minor - own.get(invoice.id, 0))
        if part.minor <= 0 or part.minor > invoice.open_minor - invoice.held_minor - frozen:
            why = why_not(wanted_minor=part.minor, open_minor=invoice.open_minor, held_minor=invoice.held_minor)
            raise not_available(invoice.number, why)
        invoice.held_minor += part.minor
        movement.leg(clearing, Owned(Account.RECEIVABLE, invoice.id), part.minor, Phase.PENDING)
    debtor.held_minor += total(parts)
    book.write()


def post(
    session: Session, debtor: Debtor, *, account: Account, minor: int, parts: Sequence[Part], occasion: Occasion
) -> list[Part]:
    """The money of a payment has come: what it held is settled. Gives what it held and does not settle as it was held.

    When its hold was void meanwhile (the provider's truth came late), the money settles of `parts` what is still
    available, and the rest becomes the debtor's unapplied credit. Nothing that a provider took is ever left out.
    """
    left = minor
    book = Book(session, debtor)
    movement = Movement(book, Kind.PAYMENT, occasion)
    pending = _unresolved(session, occasion.payment_id)
    invoices = book.lock(row.credit_owner for row in pending)
    rest = {part.invoice_id: part.minor for part in parts}
    freed: list[Part] = []
    for row in pending:
        invoice = invoices[row.credit_owner]
        taken = min(row.amount_minor, left)
        invoice.held_minor -= row.amount_minor
        debtor.held_minor -= row.amount_minor
        if taken != row.amount_minor:  # the provider took less than we asked: free the whole, settle what came
            _resolve(movement, row, Phase.VOID)
            freed.append(Part(invoice.id, row.amount_minor))
            continue
        book.settle(invoice, taken, occasion)
        _resolve(movement, row, Phase.POST)
        left -= taken
        rest[invoice.id] = rest.get(invoice.id, 0) - taken
    _set_off_elsewhere(book, invoices.values(), occasion)
    if left:
        missing = [Part(invoice_id, minor) for invoice_id, minor in rest.items() if minor > 0]
        _settle_parts(book, movement, account=account, minor=left, parts=missing, occasion=occasion)
    book.write()
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
) -> None:
    """Money that held nothing: settle of `parts` what is available, and make the rest unapplied credit.

    Money that comes back after a loss (a chargeback won) makes the loss good first.
    """
    book = Book(session, debtor)
    movement = Movement(book, kind, occasion)
    _settle_parts(book, movement, account=account, minor=minor, parts=parts, occasion=occasion)
    book.write()


def _settle_parts(
    book: Book, movement: Movement, *, account: Account, minor: int, parts: Sequence[Part], occasion: Occasion
) -> None:
    invoices = book.lock(part.invoice_id for part in parts)
    left = minor
    lost = min(left, loss_of(book.session, occasion.payment_id)) if occasion.payment_id else 0
    if lost > 0:
        movement.leg(Owned(account, None), Owned(Account.LOSS, None), lost)
        left -= lost
    for part in parts:
        invoice = invoices[part.invoice_id]
        taken = min(part.minor, left, invoice.open_minor - invoice.held_minor)
        if taken > 0:
            book.settle(invoice, taken, occasion)
            movement.leg(Owned(account, None), Owned(Account.RECEIVABLE, invoice.id), taken)
            left -= taken
    if left:
        book.debtor.credit_minor += left
        movement.leg(Owned(account, None), Owned(Account.CREDIT, book.debtor.id), left)


def void(session: Session, debtor: Debtor, occasion: Occasion) -> list[Part]:
    """A payment came to nothing before it was confirmed: free what it held, and give it. Twice is harmless."""
    book = Book(session, debtor)
    pending = _unresolved(session, occasion.payment_id)
    invoices = book.lock(row.credit_owner for row in pending)
    movement = Movement(book, Kind.PAYMENT, occasion, provider_key=False)
    for row in pending:
        invoices[row.credit_owner].held_minor -= row.amount_minor
        debtor.held_minor -= row.amount_minor
        _resolve(movement, row, Phase.VOID)
    _set_off_elsewhere(book, invoices.values(), occasion)
    book.write()
    return [Part(row.credit_owner, row.amount_minor) for row in pending if row.credit_owner]


def _set_off_elsewhere(book: Book, invoices: Iterable[Balance], occasion: Occasion) -> None:
    """A payment that held money which the books show as settled elsewhere has ended: settle that money now.

    What was paid twice, here and elsewhere, settles the invoice as the books have it, and of this payment it becomes the
    debtor's credit: if its money goes back one day, that credit goes, and the invoice stays settled.
    """
    for invoice in invoices:
        waiting = invoice.elsewhere_minor
        if not waiting:
            continue
        day = Occasion(at=occasion.at, value_on=occasion.value_on)
        movement = Movement(book, Kind.IMPORTED, day, provider_key=False)
        taken = max(0, min(waiting, invoice.open_minor - invoice.held_minor))
        if taken:
            book.settle(invoice, taken, day)
            movement.leg(Owned(Account.ELSEWHERE, None), Owned(Account.RECEIVABLE, invoice.id), taken)
        twice = max(0, waiting - taken - invoice.held_minor)
        if twice:
            book.debtor.credit_minor += twice
            owned = Owned(Account.RECEIVABLE, invoice.id)
            movement.leg(Owned(Account.ELSEWHERE, None), owned, twice)
            ours = Movement(book, Kind.IMPORTED, occasion, provider_key=False)
            ours.leg(owned, Owned(Account.CREDIT, book.debtor.id), twice)
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

    An invoice reopens up to its total: what was paid beyond one that the books have lowered since is credit, and that goes.
    When `minor` exceeds what the payment still settles (a debit that the bank takes back after we refunded part of it),
    the excess is a loss if it `may_lose`, because what a provider took is never left out; else this raises
    Conflict("ledger.more_than_paid").
    """
    settled = _net_settled(session, occasion.payment_id)
    if minor > sum(amount for _, amount in settled) and not may_lose:
        raise Conflict("ledger.more_than_paid", _("More would go back than this payment brought."))
    book = Book(session, debtor)
    movement = Movement(book, kind, occasion)
    invoices = book.lock(owned.owner for owned, _amount in settled if owned.account is Account.RECEIVABLE)
    left, lost = minor, 0
    opened: list[Part] = []
    for owned, amount in settled:
        taken = min(amount, left)
        if taken <= 0:
            continue
        if owned.account is Account.CREDIT:
            opened += _restore_credit(book, taken, occasion)
            debtor.credit_minor -= taken
        elif owned.owner is not None:
            invoice = invoices[owned.owner]
            left -= taken
            beyond = max(0, taken - (invoice.total_minor - invoice.open_minor))
            used, more = _use_surplus(book, invoice, beyond, occasion)
            opened += more
            lost += beyond - used
            taken -= beyond - used
            book.reopen(invoice, taken - used)
            opened.append(Part(owned.owner, taken - used))
            movement.leg(owned, Owned(account, None), taken)
            continue
        movement.leg(owned, Owned(account, None), taken)
        left -= taken
    if left + lost:
        movement.leg(Owned(Account.LOSS, None), Owned(account, None), left + lost)
    book.write()
    return opened


def _use_surplus(book: Book, invoice: Balance, beyond: int, occasion: Occasion) -> tuple[int, list[Part]]:
    """What was paid of an invoice beyond the total that the books have lowered since stands as credit: it covers what goes back.

    Gives what of it is there, in minor units, and what is open again for it, because credit had settled it meanwhile.
    """
    if not beyond:
        return 0, []
    opened = _restore_credit(book, beyond, occasion)
    used = min(beyond, book.debtor.credit_minor)
    if used:
        book.debtor.credit_minor -= used
        when = Occasion(at=occasion.at, value_on=occasion.value_on)
        covered = Movement(book, Kind.CREDIT_APPLIED, when)
        covered.leg(Owned(Account.CREDIT, book.debtor.id), Owned(Account.RECEIVABLE, invoice.id), used)
    return used, opened


def apply_credit(session: Session, debtor: Debtor, parts: Sequence[Part], occasion: Occasion) -> None:
    """Use unapplied credit for invoices; raises Conflict("ledger.not_available") when there is too little of either."""
    book = Book(session, debtor)
    invoices = book.lock(part.invoice_id for part in parts)
    movement = Movement(book, Kind.CREDIT_APPLIED, occasion)
    for part in parts:
        invoice = invoices[part.invoice_id]
        if part.minor <= 0 or part.minor > min(debtor.credit_minor, invoice.open_minor - invoice.held_minor):
            raise Conflict("ledger.not_available", _("There is not enough credit, or the invoice has changed."))
        debtor.credit_minor -= part.minor
        book.settle(invoice, part.minor, occasion)
        movement.leg(Owned(Account.CREDIT, debtor.id), Owned(Account.RECEIVABLE, invoice.id), part.minor)
    book.write()
    affairs.owes_otherwise(session, debtor.id)


def apply_credit_note(
    session: Session, debtor: Debtor, *, credit_note_id: uuid.UUID, parts: Sequence[Part], occasion: Occasion
) -> None:
    """Use a credit note for invoices; raises Conflict("ledger.not_available") when there is too little of either."""
    book = Book(session, debtor)
    rows = book.lock([credit_note_id, *(part.invoice_id for part in parts)])
    note = rows[credit_note_id]
    movement = Movement(book, Kind.CREDIT_APPLIED, occasion)
    for part in parts:
        invoice = rows[part.invoice_id]
        if part.minor <= 0 or part.minor > min(note.open_minor, invoice.open_minor - invoice.held_minor):
            raise Conflict("ledger.not_available", _("There is not enough credit, or the invoice has changed."))
        note.open_minor -= part.minor
        note.settled_on = occasion.value_on if note.open_minor == 0 else None
        debtor.open_minor += part.minor
        book.settle(invoice, part.minor, occasion)
        movement.leg(Owned(Account.RECEIVABLE, note.id), Owned(Account.RECEIVABLE, invoice.id), part.minor)
    book.write()
    affairs.owes_otherwise(session, debtor.id)


def write_off(session: Session, debtor: Debtor, part: Part, occasion: Occasion) -> None:
    """Give up a part of an invoice; raises Conflict("ledger.not_available")."""
    book = Book(session, debtor)
    invoice = book.lock([part.invoice_id])[part.invoice_id]
    if part.minor <= 0 or part.minor > invoice.open_minor - invoice.held_minor:
        raise Conflict("ledger.not_available", _("The invoice has changed meanwhile."))
    book.settle(invoice, part.minor, occasion)
    movement = Movement(book, Kind.WRITE_OFF, occasion)
    movement.leg(Owned(Account.WRITE_OFF, None), Owned(Account.RECEIVABLE, invoice.id), part.minor)
    book.write()
    affairs.owes_otherwise(session, debtor.id)


def take_back_write_off(session: Session, debtor: Debtor, part: Part, occasion: Occasion) -> None:
    """What was given up of an invoice is open again: its money has come after all. Raises Conflict("ledger.not_available")."""
    book = Book(session, debtor)
    invoice = book.lock([part.invoice_id])[part.invoice_id]
    if part.minor <= 0 or part.minor > invoice.total_minor - invoice.open_minor:
        raise Conflict("ledger.not_available", _("The invoice has changed meanwhile."))
    book.reopen(invoice, part.minor)
    movement = Movement(book, Kind.WRITE_OFF, occasion)
    movement.leg(Owned(Account.RECEIVABLE, invoice.id), Owned(Account.WRITE_OFF, None), part.minor)
    book.write()
    affairs.owes_otherwise(session, debtor.id)


def move_elsewhere(session: Session, debtor: Debtor, invoice: Invoice, minor: int, occasion: Occasion) -> None:
    """What the books settled or took off of an invoice or credit note leaves it; the caller has seen that so much is free."""
    book = Book(session, debtor)
    movement = Movement(book, Kind.IMPORTED, occasion, provider_key=False)
    mine, other = Owned(Account.RECEIVABLE, invoice.id), Owned(Account.ELSEWHERE, None)
    if invoice.kind is InvoiceKind.INVOICE:
        movement.leg(other, mine, minor)
    else:
        movement.leg(mine, other, minor)
    sign = 1 if invoice.kind is InvoiceKind.INVOICE else -1
    debtor.open_minor -= sign * minor
    invoice.open_minor -= minor
    invoice.settled_on = occasion.value_on if invoice.open_minor == 0 else None
    book.write()


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


def _resolve(movement: Movement, pending: Row[Any], phase: Phase) -> None:
    movement.leg(
        Owned(pending.debit_account, pending.debit_owner),
        Owned(pending.credit_account, pending.credit_owner),
        pending.amount_minor,
        phase,
        pending.id,
    )


_MOVED = (
    Transfer.id,
    Transfer.debit_account,
    Transfer.debit_owner,
    Transfer.credit_account,
    Transfer.credit_owner,
    Transfer.amount_minor,
)


def _unresolved(session: Session, payment_id: uuid.UUID | None) -> list[Row[Any]]:
    resolution = aliased(Transfer)
    rows: Any = session.execute(
        select(*_MOVED)
        .where(Transfer.payment_id == payment_id, Transfer.phase == Phase.PENDING)
        .where(~select(resolution.id).where(resolution.pending_id == Transfer.id).exists())
        .order_by(Transfer.at, Transfer.leg, Transfer.id)
    )
    return list(rows)


def _net_settled(session: Session, payment_id: uuid.UUID | None) -> list[tuple[Owned, int]]:
    """What a payment settles now: unapplied credit first, then its invoices, the last settled first."""
    rows = session.execute(
        select(*_MOVED)
        .where(Transfer.payment_id == payment_id, Transfer.phase.in_((Phase.POSTED, Phase.POST)))
        .order_by(Transfer.at, Transfer.leg, Transfer.id)
    )
    net: dict[Owned, int] = {}
    for row in rows:
        for owned, sign in (
            (Owned(row.credit_account, row.credit_owner), 1),
            (Owned(row.debit_account, row.debit_owner), -1),
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


def _restore_credit(book: Book, wanted: int, occasion: Occasion) -> list[Part]:
    """Make sure that so much unapplied credit is there, by reopening what credit has settled, the latest first."""
    debtor = book.debtor
    missing = wanted - debtor.credit_minor
    if missing <= 0:
        return []
    opened = []
    applied: dict[uuid.UUID, int] = {}
    for row in book.session.execute(
        select(*_MOVED)
        .where(Transfer.debtor_id == debtor.id)
        .where(Transfer.kind.in_((Kind.CREDIT_APPLIED, Kind.CREDIT_RESTORED)))
        .order_by(Transfer.at, Transfer.leg, Transfer.id)
    ):
        if row.debit_account is Account.CREDIT and row.credit_owner:
            applied[row.credit_owner] = applied.pop(row.credit_owner, 0) + row.amount_minor
        elif row.credit_account is Account.CREDIT and row.debit_owner:
            applied[row.debit_owner] = applied.get(row.debit_owner, 0) - row.amount_minor
    invoices = book.lock(applied)
    when = Occasion(at=occasion.at, value_on=occasion.value_on)
    movement = Movement(book, Kind.CREDIT_RESTORED, when)
    for invoice_id, amount in reversed(list(applied.items())):
        taken = min(amount, missing)
        if taken > 0:
            book.reopen(invoices[invoice_id], taken)
            debtor.credit_minor += taken
            movement.leg(Owned(Account.RECEIVABLE, invoice_id), Owned(Account.CREDIT, debtor.id), taken)
            opened.append(Part(invoice_id, taken))
            missing -= taken
    return opened
