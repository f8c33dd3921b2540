"""What may be paid and by which means, read for one debtor."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from payments import queries as payments
from payments.cards.limits import smallest_minor
from payments.deciding import SMALLEST_MINOR
from payments.queries import MandateLine
from payments.under_way import rivals
from portal.pay import rules
from portal.pay.plan import PlanShare, read_share
from portal.pay.rules import Chosen, Payable, What, Wish
from shared.access.queries import Visitor
from shared.company.models import Company
from shared.documents.facts import BankFacts
from shared.invoices import queries as invoices
from shared.invoices import selections
from shared.invoices.models import FreezeKind
from shared.invoices.queries import Credit, InvoiceRow
from shared.kit.errors import Invalid, NotFound
from shared.kit.money import Money, MoneyParseError
from shared.kit.settings import get_settings
from shared.kit.templating import day, money
from shared.kit.words import gettext as _
from shared.ledger.rules import Part
from shared.promises.queries import Pause, pauses_of

MOST_WRITTEN = 60
"""A form that shows more parts than these says them by their version alone."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is about to pay."""

    wish: Wish
    chosen: Sequence[Chosen]
    currency: str
    credit: Credit
    mandate: MandateLine | None
    card_maximum_minor: int | None
    takes_cards: bool
    takes_debits: bool
    bank: BankFacts
    share: PlanShare | None = None
    """Set when this pays a part of a payment plan."""
    declared_minor: int = 0
    """Of what is chosen: said to be paid by a transfer that is looked for."""
    contested_minor: int = 0
    """Of what is chosen: the debtor's bank contests the payment that had settled it."""

    @property
    def total(self) -> Money:
        return Money(rules.total(self.chosen), self.currency)

    @property
    def version(self) -> str:
        return self.share.version if self.share else rules.version(self.chosen)

    @property
    def parts(self) -> list[Part]:
        return [Part(one.invoice_id, one.minor) for one in self.chosen]

    @property
    def written_parts(self) -> list[str]:
        """What is shown, as the form carries it; of a large choice the version says as much."""
        return rules.written(self.chosen) if len(self.chosen) <= MOST_WRITTEN else []

    @property
    def credit_minor(self) -> int:
        """How much of this could be settled with credit."""
        return min(self.credit.minor, rules.total(self.chosen))

    @property
    def values(self) -> dict[str, Any]:
        """The wish as it stands in an address or a form."""
        return as_values(self.wish, self.currency)

    @property
    def values_for_plan(self) -> dict[str, Any]:
        """The same invoices in the address of a payment plan."""
        names = {"selection", "invoice"} if self.wish.what is What.THESE else {"what"}
        return {name: value for name, value in self.values.items() if name in names}

    @property
    def remittance(self) -> str:
        """What to write on a transfer: the account, then as many invoice numbers as a bank takes."""
        return self.share.reference if self.share else _fitting([one.number for one in self.chosen])


def _fitting(numbers: Sequence[str], longest: int = 100) -> str:
    text = ""
    for number in numbers:
        longer = f"{text} {number}".strip()
        if len(longer) > longest:
            break
        text = longer
    return text


def read_wish(session: Session, visitor: Visitor, values: MultiDict[str, str]) -> Wish:
    """The wish in an address or a form.

    what=all|late|these, selection=… or invoice=… (repeated), amount-<invoice>=12,50; or what=plan, plan=…, part=due|rest.
    Raises Invalid for an amount that is none, NotFound for an id that is none and for a choice that is not kept any more.
    """
    what = next((each for each in What if each.value == values.get("what")), What.ALL)
    if kept := values.get("selection", ""):
        selection = selections.read(session, visitor.debtor_id, kept)
        return Wish(What.THESE, selection.invoice_ids, selection.amounts, selection_id=selection.id)
    if what is What.PLAN:
        return Wish(what, plan_id=_plan_id(values.get("plan", "")), is_rest=values.get("part") == "rest")
    ids = []
    for text in values.getlist("invoice"):
        try:
            ids.append(uuid.UUID(text))
        except ValueError as error:
            raise NotFound("invoice.missing", _("There is no such invoice.")) from error
    amounts = {}
    for invoice_id in ids:
        if text := values.get(f"amount-{invoice_id}", "").strip():
            try:
                amounts[invoice_id] = max(0, Money.parse(text, visitor.currency).minor)
            except MoneyParseError as error:
                raise Invalid("pay.amount", _("This is not an amount. Write it like 1234.50.")) from error
    return Wish(What.THESE if ids else what, tuple(dict.fromkeys(ids)), amounts)


def _plan_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("plan.missing", _("There is no such plan.")) from error


def as_values(wish: Wish, currency: str) -> dict[str, Any]:
    """The same wish for `url_for` and hidden fields."""
    values: dict[str, Any] = {"what": wish.what.value}
    if wish.selection_id:
        return values | {"selection": str(wish.selection_id)}
    if wish.what is What.THESE:
        values["invoice"] = [str(identity) for identity in wish.invoice_ids]
        values |= {f"amount-{identity}": Money(minor, currency).typed for identity, minor in wish.amounts.items()}
    if wish.what is What.PLAN:
        values |= {"plan": str(wish.plan_id), "part": "rest" if wish.is_rest else "due"}
    return values


def read_offer(session: Session, visitor: Visitor, wish: Wish) -> Offer:
    """What the wish means now; raises NotFound for another's invoice."""
    company = session.execute(
        select(
            Company.card_maximum_minor,
            Company.takes_cards,
            Company.takes_debits,
            Company.iban,
            Company.bic,
            Company.legal_name,
        ).where(Company.id == visitor.company_id)
    ).one()
    settings = get_settings()
    share = read_share(session, visitor, wish) if wish.what is What.PLAN else None
    chosen = share.chosen if share else choose(session, visitor, wish)
    minors = {one.invoice_id: one.minor for one in chosen}
    said = pauses_of(session, list(minors))
    return Offer(
        wish=wish,
        chosen=chosen,
        share=share,
        declared_minor=_said_of(FreezeKind.DECLARATION, said, minors),
        contested_minor=_said_of(FreezeKind.CHARGEBACK, said, minors),
        currency=visitor.currency,
        credit=invoices.credit_of(session, visitor.debtor_id),
        mandate=payments.usable_mandate(session, visitor.debtor_id),
        card_maximum_minor=company.card_maximum_minor,
        takes_cards=company.takes_cards and settings.stripe_api_key is not None,
        takes_debits=company.takes_debits
        and settings.gocardless_access_token is not None
        and visitor.currency == "EUR",
        bank=BankFacts(iban=company.iban.replace(" ", ""), bic=company.bic, holder=company.legal_name),
    )


def _said_of(kind: FreezeKind, said: Mapping[uuid.UUID, Pause], minors: Mapping[uuid.UUID, int]) -> int:
    """Of what is chosen, what pauses of a kind cover, in minor units."""
    return sum(min(pause.minor, minors[one]) for one, pause in said.items() if pause.kind is kind)


def shown_parts(session: Session, visitor: Visitor, texts: Sequence[str]) -> list[Part]:
    """The parts that the form showed; raises Invalid for none of ours, NotFound for another's invoice."""
    try:
        parts = rules.read(texts)
    except ValueError as error:
        raise Invalid("pay.parts", _("This form is too old. Please try again.")) from error
    invoices.rows_of(session, visitor.debtor_id, [part.invoice_id for part in parts])
    return parts


def is_under_way(session: Session, visitor: Visitor, parts: Sequence[Part], attempt: str) -> bool:
    """Whether what was shown is held by a payment already: this very attempt, or one of another tab."""
    known = payments.find_payment(session, visitor.debtor_id, attempt) is not None
    return known or bool(rivals(session, debtor_id=visitor.debtor_id, parts=parts))


def choose(session: Session, visitor: Visitor, wish: Wish) -> list[Chosen]:
    """The parts that a wish means now."""
    if wish.what is What.PLAN:
        return list(read_share(session, visitor, wish).chosen)
    rows: Sequence[InvoiceRow]
    less: dict[uuid.UUID, int] = {}
    if wish.what is What.THESE:
        rows = invoices.rows_of(session, visitor.debtor_id, wish.invoice_ids)
    else:
        before = visitor.today if wish.what is What.LATE else None
        rows = invoices.payable(session, visitor.debtor_id, due_before=before)
        if any(
            row.paused_minor for row in rows
        ):  # what a bank contests is paid by who chooses it himself, and offered to nobody
            less = {one.invoice_id: one.minor for one in invoices.contested(session, visitor.debtor_id)}
    items = [Payable(row.id, row.number, row.due_on, row.payable_minor - less.get(row.id, 0)) for row in rows]
    return rules.choose(items, wish, visitor.today)


def means_of(offer: Offer) -> list[dict[str, Any]]:
    """The ways to pay this, in the form that `components/means.html` draws; what cannot be used says why."""
    ways = []
    if offer.takes_cards:
        ways.append({"value": "card", "title": _("Card"), "icon": "card", **_card(offer)})
    if offer.takes_debits:
        ways.append({"value": "debit", "title": _("Direct debit"), "icon": "bank", **_debit(offer)})
    if offer.bank.iban:
        text = _("We show you the details and a code to scan. The money arrives in one or two days.")
        ways.append({"value": "transfer", "title": _("Bank transfer"), "icon": "transfer", "text": text})
    return ways


def _card(offer: Offer) -> Mapping[str, Any]:
    smallest = smallest_minor(offer.currency)
    if offer.total.minor < smallest:
        least = money(Money(smallest, offer.currency))
        return {"text": _("Cards are taken from %(amount)s on.", amount=least), "disabled": True}
    if offer.card_maximum_minor is not None and offer.total.minor > offer.card_maximum_minor:
        most = money(Money(offer.card_maximum_minor, offer.currency))
        return {"text": _("Cards are taken up to %(amount)s.", amount=most), "disabled": True}
    return {"text": _("Paid at once, on the secure page of Stripe.")}


def _debit(offer: Offer) -> Mapping[str, Any]:
    if offer.total.minor < SMALLEST_MINOR:
        least = money(Money(SMALLEST_MINOR, offer.currency))
        return {"text": _("Direct debits are made from %(amount)s on.", amount=least), "disabled": True}
    return {"text": _from_where(offer.mandate)}


def _from_where(mandate: MandateLine | None) -> str:
    if mandate is None:
        return _("You sign a mandate once, then we debit your account.")
    if mandate.next_charge_on is None:
        return _("From the account ending in %(ending)s, within a few bank days.", ending=mandate.iban_ending)
    return _(
        "From the account ending in %(ending)s, around %(day)s.",
        ending=mandate.iban_ending,
        day=day(mandate.next_charge_on),
    )
