"""What we ask of a provider and what it answers, in our words.

Only three errors come out of a gateway. `Declined`: the provider said no, for good. `TryLater`: it did nothing and may
do it later. `Unknown`: we do not know whether it did it; only asking again, or looking, tells (I5).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from payments.status import MandateStatus, PaymentStatus, RefundStatus
from shared.kit.errors import Conflict, Unavailable

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 15
READ_WHILE_SOMEBODY_WAITS_S = 5
"""In a web process. What gives no answer in time is asked again by a job, under the same key."""

AT_ONCE = 4
"""So many requests of one web process speak to a provider at the same moment; one more is left to a job."""

CANNOT_BE_CANCELLED = "cancellation_failed"
"""The code of a `Declined` that says that a debit has left for the bank. Any other refusal to cancel says nothing of that
(GoCardless: "cancellation_failed", in every state but pending_submission)."""

Frozen = dict[str, Any]
"""The exact parameters of a provider's call, as they are kept in our row before the call and sent at every repetition."""


class Declined(Conflict):
    """A definite no: nothing was done and nothing will be. `code` is the provider's reason."""


class TryLater(Unavailable):
    """Nothing was done: too many requests, or our credentials are not accepted."""


class Unknown(Unavailable):
    """No usable answer: it may have been done or not."""


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """A refund as the provider shows it. SUBMITTED, DONE or FAILED."""

    reference: str
    amount_minor: int
    status: RefundStatus
    our_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChargebackSeen:
    """Money that the payer's bank took back, in minor units. `reference` names the provider's object, if it has one."""

    reference: str | None
    amount_minor: int
    is_won: bool
    code: str = ""
    is_lost: bool = False
    is_answered: bool = False
    """Evidence was sent, and the bank has not decided."""
    answer_by: datetime | None = None
    """Until when the provider takes evidence."""


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """A payment as the provider shows it now."""

    status: PaymentStatus
    currency: str
    amount_minor: int
    """What it took, or would take."""
    our_id: uuid.UUID | None = None
    provider_reference: str | None = None
    checkout_reference: str | None = None
    checkout_url: str | None = None
    checkout_expires_at: datetime | None = None
    charge_on: date | None = None
    fee_minor: int | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    chargeback: ChargebackSeen | None = None
    inquiry_reference: str | None = None
    """A bank's question before a chargeback that waits for an answer: no money has moved."""
    refunds: tuple[RefundSeen, ...] = ()
    mandate_reference: str | None = None


@dataclass(frozen=True, slots=True)
class MandateSeen:
    """A mandate, or the request for one, as the provider shows it now."""

    status: MandateStatus
    our_id: uuid.UUID | None = None
    request_reference: str | None = None
    provider_reference: str | None = None
    scheme_reference: str | None = None
    holder_name: str = ""
    bank_name: str = ""
    iban_ending: str = ""
    iban_country: str = ""
    next_charge_on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """What of a payout belongs to one of our payments, in minor units; `net` is gross less fee.

    GoCardless gives tenths of a cent and rounds their sum: amounts are exact here, and rounded only in sum.
    """

    kind: str
    """payment, refund, refund_failed, chargeback, chargeback_won, late_failure, fee, payout_returned or other."""
    payment_reference: str | None
    gross_minor: Decimal
    fee_minor: Decimal
    payout_reference: str | None = None
    """Of `payout_returned`: the earlier payout that the company's bank sent back."""


@dataclass(frozen=True, slots=True)
class PayoutSeen:
    """A payout to the company's bank account."""

    reference: str
    amount_minor: int
    currency: str
    paid_on: date | None
    is_returned: bool


@dataclass(frozen=True, slots=True)
class EventSeen:
    """News from a provider: which object it is about, never what became of it (that is fetched)."""

    id: str
    kind: str
    created_at: datetime
    subject: str | None
    """payment, mandate, payout; None when this kind of news does not matter to us."""
    references: Mapping[str, str] = field(default_factory=dict)
    """checkout, payment, mandate, mandate_request, payout, refund → the provider's reference; ours → our id."""
    is_live: bool | None = None
    version: str | None = None
    raw: str = ""
    body: bytes | None = None
    """As it came, of one that is set aside because it cannot be read; `problem` says why."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MoneyObject:
    """One money object at a provider and what of it should stand in the ledger, for `guichet verify`."""

    kind: str
    """payment, refund, chargeback."""
    reference: str
    net_minor: int
    currency: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CheckoutWish:
    """A card payment to be opened on the provider's page. Money in minor units."""

    payment_id: uuid.UUID
    reference: str
    amount_minor: int
    currency: str
    description: str
    statement_suffix: str
    """What a card statement says behind the account's own name, at most 18 Latin characters."""
    language: str
    email: str | None
    success_url: str
    cancel_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MandateWish:
    """A mandate to be asked for on the provider's page."""

    mandate_id: uuid.UUID
    reference: str
    description: str
    company_name: str | None
    given_name: str | None
    family_name: str | None
    email: str | None
    street: str
    postcode: str
    city: str
    country: str
    language: str
    return_url: str
    exit_url: str


@dataclass(frozen=True, slots=True)
class DebitWish:
    """A SEPA debit to be created. `charge_on` None means as soon as possible."""

    payment_id: uuid.UUID
    mandate_reference: str
    amount_minor: int
    currency: str
    charge_on: date | None
    description: str


@dataclass(frozen=True, slots=True)
class RefundWish:
    """Money to give back. `total_minor` is the sum of all refunds of the payment, this one included."""

    refund_id: uuid.UUID
    payment_reference: str
    amount_minor: int
    total_minor: int


class RefundGateway(Protocol):
    """What both providers can do with money that came through them."""

    name: str

    def look(self, reference: str) -> PaymentSeen:
        """The payment with this provider reference, as it stands now."""
        ...

    def freeze_refund(self, wish: RefundWish) -> Frozen:
        """The exact parameters of a refund."""
        ...

    def refund(self, frozen: Frozen, *, key: str) -> RefundSeen:
        """Give money back; the same key gives the same refund."""
        ...

    def events_since(self, moment: datetime) -> Iterator[EventSeen]:
        """News since a moment."""
        ...

    def payouts_since(self, moment: datetime) -> Iterator[PayoutSeen]:
        """Payouts made since a moment."""
        ...

    def payout_lines(self, reference: str) -> tuple[PayoutLine, ...]:
        """What a payout is made of."""
        ...

    def money_since(self, moment: datetime) -> Iterator[MoneyObject]:
        """Every money object made since a moment."""
        ...
