"""What one act of the ledger moves: balances of locked invoices and legs of movements, each written by one statement."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from shared.debtors.models import Debtor
from shared.invoices import amounts
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import bulk
from shared.kit.ids import new_id
from shared.ledger.models import Account, Kind, Phase, Transfer


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a movement happened, and for which payment or provider object."""

    at: datetime
    value_on: date
    payment_id: uuid.UUID | None = None
    provider: str | None = None
    provider_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """An account with its owner: an invoice or a debtor, where the account has one."""

    account: Account
    owner: uuid.UUID | None


@dataclass(slots=True)
class Balance:
    """An invoice or credit note as an act finds and leaves it, in minor units."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    kind: InvoiceKind
    number: str
    total_minor: int
    frozen_minor: int
    open_minor: int
    held_minor: int
    elsewhere_minor: int
    settled_on: date | None

    @property
    def moved(self) -> dict[str, Any]:
        """What an act changes of it."""
        return {
            "open_minor": self.open_minor,
            "held_minor": self.held_minor,
            "elsewhere_minor": self.elsewhere_minor,
            "settled_on": self.settled_on,
        }


@dataclass(slots=True)
class Book:
    """The page of one act on a debtor's account: nothing of it is in the database before `write`.

    The debtor is locked by the caller and is the session's own; his sums go with the session.
    """

    session: Session
    debtor: Debtor
    legs: list[dict[str, Any]] = field(default_factory=list)
    _balances: dict[uuid.UUID, Balance] = field(default_factory=dict)
    _before: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)

    def lock(self, identities: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Balance]:
        """Lock invoices in the order of their ids and give them; what this act has locked already is as the act left it."""
        wanted = {one for one in identities if one is not None}
        unknown = wanted - self._balances.keys()
        if unknown:
            for row in amounts.lock(self.session, unknown).values():
                known = Balance(
                    id=row.id,
                    debtor_id=row.debtor_id,
                    kind=row.kind,
                    number=row.number,
                    total_minor=row.total_minor,
                    frozen_minor=row.frozen_minor,
                    open_minor=row.open_minor,
                    held_minor=row.held_minor,
                    elsewhere_minor=row.elsewhere_minor,
                    settled_on=row.settled_on,
                )
                self._balances[row.id] = known
                self._before[row.id] = known.moved
        return {one: self._balances[one] for one in sorted(wanted) if one in self._balances}

    def settle(self, invoice: Balance, minor: int, occasion: Occasion) -> None:
        """So much of an invoice is owed no more."""
        invoice.open_minor -= minor
        self.debtor.open_minor -= minor
        if invoice.open_minor == 0:
            invoice.settled_on = occasion.value_on

    def reopen(self, invoice: Balance, minor: int) -> None:
        """So much of an invoice is owed again."""
        invoice.open_minor += minor
        self.debtor.open_minor += minor
        invoice.settled_on = None

    def write(self) -> None:
        """Write what has changed: one statement for the balances, one for the legs."""
        after = {one.id: one.moved for one in self._balances.values()}
        changed = [{"id": one, **moved} for one, moved in after.items() if moved != self._before[one]]
        bulk.change_rows(self.session, Invoice, changed)
        bulk.insert_rows(
            self.session,
            Transfer,
            self.legs,
            company_id=self.debtor.company_id,
            debtor_id=self.debtor.id,
            currency=self.debtor.currency,
        )
        self.legs.clear()
        self._balances.clear()
        self._before.clear()


class Movement:
    """One movement of an act: its legs have consecutive numbers."""

    def __init__(self, book: Book, kind: Kind, occasion: Occasion, *, provider_key: bool = True) -> None:
        self._book = book
        self._kind = kind
        self._occasion = occasion
        self._provider_key = provider_key
        self._id = new_id()
        self._leg = 0

    def leg(
        self,
        debit: Owned,
        credit: Owned,
        minor: int,
        phase: Phase = Phase.POSTED,
        pending_id: uuid.UUID | None = None,
    ) -> None:
        """So much goes from the credited to the debited account, in minor units."""
        has_key = self._provider_key and phase in (Phase.POSTED, Phase.POST)
        self._book.legs.append(
            {
                "id": new_id(),
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
                "value_on": self._occasion.value_on,
                "at": self._occasion.at,
                "payment_id": self._occasion.payment_id,
                "provider": self._occasion.provider if has_key else None,
                "provider_reference": self._occasion.provider_reference if has_key else None,
            }
        )
        if has_key or phase is Phase.PENDING:
            self._leg += 1
