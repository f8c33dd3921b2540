"""What stands on a paper, as plain frozen values: never a row of the database, never a moment read from a clock.

Every text is tidied when it comes in: no control, invisible or direction-changing characters, bounded length. The
facts of a document are stored beside it (`as_json`), so that it can be explained and made again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from shared.kit.money import Money

Language = Literal["fr", "en"]
F = TypeVar("F")

LONGEST_TEXT = 2000
_KEPT_FORMAT_CHARACTERS = {"\u200c", "\u200d"}  # joiners that Persian and Indic names need


def tidy(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text fit for paper and XML 1.0: composed, without control or invisible characters, not longer than `longest`."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character in "\n\t" or category in {"Zl", "Zp"}:
            kept.append(" ")
        elif category[0] != "C" or character in _KEPT_FORMAT_CHARACTERS:
            kept.append(character)
    clean = "".join(kept).strip()
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


class _Tidy:
    """Tidies every text field of the dataclass that inherits it."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, str):
                object.__setattr__(self, field.name, tidy(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyFacts(_Tidy):
    """A company or a customer. Identifiers without spaces; `country` is ISO 3166 alpha-2."""

    name: str
    street: str = ""
    street_more: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    siren: str = ""
    siret: str = ""
    vat_number: str = ""
    legal_form: str = ""
    capital: str = ""
    trade_register: str = ""
    account_code: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    is_consumer: bool = False

    @property
    def address_lines(self) -> list[str]:
        """Where the party is, below its name and above its country; what is not known leaves no empty line."""
        return [line for line in (self.street, self.street_more, f"{self.postcode} {self.city}".strip()) if line]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFacts(_Tidy):
    """Where to pay. `iban` without spaces; an empty one means no transfer is offered."""

    iban: str = ""
    bic: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitFacts(_Tidy):
    """That this invoice will be collected by SEPA direct debit, and by which mandate where that is known."""

    rum: str = ""
    ics: str = ""
    iban: str = ""
    iban_ending: str = ""
    charge_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsFacts(_Tidy):
    """What the law wants said about late and early payment (C. com. L441-9, L441-10, D441-5)."""

    penalty_rate: Decimal | None = None
    """Percent a year; None is the legal default: ECB refinancing rate plus ten points."""
    discount: str = ""
    """The discount for early payment; empty means none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts(_Tidy):
    """One line. `unit_price` is before VAT in major units, `net` the line's amount before VAT."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    vat_rate: Decimal
    vat_category: str = "S"
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VatFacts(_Tidy):
    """VAT of one rate and category (UNCL 5305: S, Z, E, AE, K, G, O)."""

    category: str
    rate: Decimal
    base: Money
    vat: Money
    exemption_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedingFacts(_Tidy):
    """The invoice that a credit note corrects."""

    number: str
    issued_on: date


NowKind = Literal["paid", "credit", "debit", "under_way", "plan", "contested", "bank", "promised", "told", "refunded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NowFacts(_Tidy):
    """What is true of a part of an invoice when its paper is handed out, and for which day."""

    kind: NowKind
    """paid, covered by credit, announced as a debit, on its way, in a payment plan, contested, contested at the payer's bank, promised,
    said to be paid, or open again after a refund."""
    amount: Money
    on: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFacts(_Tidy):
    """How an invoice stands when its paper is handed out. What stood on it at issue is not touched by it."""

    open: Money
    to_pay: Money
    """What a transfer would settle now."""
    parts: tuple[NowFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts(_Tidy):
    """An invoice or a credit note; the amounts of both are positive."""

    kind: Literal["invoice", "credit_note"]
    number: str
    issued_on: date
    due_on: date
    language: Language
    seller: PartyFacts
    buyer: PartyFacts
    lines: tuple[LineFacts, ...]
    vats: tuple[VatFacts, ...]
    total: Money
    net: Money | None = None
    vat: Money | None = None
    """None when the accounting file gave only the total."""
    prepaid: Money | None = None
    title: str = ""
    order_reference: str = ""
    delivered_on: date | None = None
    delivery: PartyFacts | None = None
    preceding: tuple[PrecedingFacts, ...] = ()
    bank: BankFacts = BankFacts()
    debit: DebitFacts | None = None
    """Set when all that is open of it is debited under a mandate."""
    standing: StandingFacts | None = None
    """None: the paper says what was true at issue, and nothing of how it is paid."""
    terms: TermsFacts = TermsFacts()

    @property
    def payable(self) -> Money:
        """What is asked for: the total less what was paid before the invoice was issued."""
        return self.total - self.prepaid if self.prepaid else self.total

    @property
    def is_credit(self) -> bool:
        return self.kind == "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItemFacts(_Tidy):
    """One open invoice or usable credit note of a statement; `open` is negative for a credit."""

    kind: Literal["invoice", "credit_note", "credit"]
    number: str
    issued_on: date
    due_on: date | None
    total: Money
    open: Money
    in_progress: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFacts(_Tidy):
    """One line of an account: what raised the balance (`debit`) or lowered it (`credit`)."""

    on: date
    label: str
    reference: str
    debit: Money | None = None
    credit: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts(_Tidy):
    """An account between two days, and what is open at the end of `until`."""

    company: PartyFacts
    debtor: PartyFacts
    since: date
    until: date
    language: Language
    opening: Money
    closing: Money
    movements: tuple[MovementFacts, ...]
    open_items: tuple[OpenItemFacts, ...]
    bank: BankFacts = BankFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledFacts(_Tidy):
    """What a payment settles of one invoice; `number` empty means kept as credit."""

    number: str
    amount: Money
    issued_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts(_Tidy):
    """A payment received. `is_final` is false while the bank may still take the money back."""

    reference: str
    company: PartyFacts
    debtor: PartyFacts
    language: Language
    means: Literal["card", "debit", "transfer", "cheque", "cash"]
    amount: Money
    paid_on: date
    made_on: date
    is_final: bool
    settled: tuple[SettledFacts, ...]
    final_on: date | None = None
    """When it becomes final, if that is known."""
    rum: str = ""
    account_ending: str = ""
    """The last characters of the card or account that paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts(_Tidy):
    """How consent was given to a mandate."""

    at: datetime
    by: str = ""
    address: str = ""
    """The network address that it came from."""
    text_version: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateFacts(_Tidy):
    """A SEPA Core direct debit mandate for recurrent or single payments."""

    rum: str
    ics: str
    creditor: PartyFacts
    debtor: PartyFacts
    language: Language
    zone: str = "Europe/Paris"
    holder: str = ""
    iban: str = ""
    iban_ending: str = ""
    """Shown as a masked IBAN when the whole is kept by the provider alone."""
    iban_country: str = ""
    bic: str = ""
    bank_name: str = ""
    is_recurrent: bool = True
    signature: SignatureFacts | None = None
    notice_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInvoiceFacts(_Tidy):
    """An invoice whose debt is acknowledged: so much of it is part of the plan."""

    number: str
    issued_on: date
    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentFacts(_Tidy):
    """One instalment. `charge_on`: the day of its debit, when it is collected by mandate."""

    position: int
    due_on: date
    amount: Money
    charge_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts(_Tidy):
    """An acknowledgement of debt with its payment plan (C. civ. 1376: the sum in figures and in words)."""

    reference: str
    company: PartyFacts
    debtor: PartyFacts
    language: Language
    zone: str
    total: Money
    total_in_words: str
    """In the language of the paper; written when it was accepted."""
    invoices: tuple[PlannedInvoiceFacts, ...]
    instalments: tuple[InstalmentFacts, ...]
    wording: tuple[str, ...]
    """What was agreed to, word by word, in paragraphs."""
    clause: str
    grace_days: int
    signature: SignatureFacts
    email: str
    """Of the person who accepted: where the one-time code went."""
    user_agent: str = ""
    verified_at: datetime | None = None
    rum: str = ""
    ics: str = ""
    iban_ending: str = ""
    """Of the mandate, when instalments are collected by direct debit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A company's face: its colour (#rrggbb), logo (PNG or JPEG bytes), and the name that people know it by."""

    accent: str = "#1f5f5b"
    logo: bytes | None = None
    trade_name: str = ""


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def as_json(facts: Any) -> dict[str, Any]:
    """The facts as JSON values, for storing."""
    written: dict[str, Any] = _adapter(type(facts)).dump_python(facts, mode="json")
    return written


def from_json(kind: type[F], values: dict[str, Any]) -> F:
    """The facts as they were stored; raises pydantic's ValidationError when they are not of this kind."""
    read: F = _adapter(kind).validate_python(values, strict=False)
    return read
