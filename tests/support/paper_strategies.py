"""Invoices of every honest shape, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from shared.documents.facts import (
    BankFacts,
    DebitFacts,
    InvoiceFacts,
    LineFacts,
    PartyFacts,
    PrecedingFacts,
    TermsFacts,
)
from shared.kit.money import Money
from tests.support import papers

RATES = [Decimal(rate) for rate in ("20", "10", "5.5", "2.1", "8.5")]
ZERO_CATEGORIES = ["Z", "E", "AE", "G"]
_TEXT = st.text(min_size=1, max_size=80)
_WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "S")), min_size=1, max_size=60)
_NUMBER = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/", min_size=1, max_size=35)
_DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
_IBANS = st.sampled_from(["", "FR7630006000011234567890189", "DE89370400440532013000", "ES9121000418450200051332"])


@st.composite
def lines(draw: st.DrawFn) -> tuple[LineFacts, ...]:
    rates = [(rate, "S") for rate in RATES] + [(Decimal(0), category) for category in ZERO_CATEGORIES]
    found = []
    for _ in range(draw(st.integers(1, 8))):
        rate, category = draw(st.sampled_from(rates))
        quantity = draw(st.decimals("-50", "500", places=draw(st.integers(0, 4)), allow_nan=False))
        price = draw(st.decimals("-20", "9999", places=draw(st.integers(0, 4)), allow_nan=False))
        net = Money(int((quantity * price * 100).quantize(Decimal(1))))
        found.append(
            LineFacts(
                description=draw(_TEXT),
                quantity=quantity,
                unit_price=price,
                unit=draw(st.sampled_from(["", "h", "j", "kg", "pièce", "m²", "mois"])),
                net=net,
                vat_rate=rate,
                vat_category=category,
            )
        )
    return tuple(found)


@st.composite
def parties(draw: st.DrawFn) -> PartyFacts:
    is_consumer = draw(st.booleans())
    common = {
        "name": draw(_WORDS.filter(str.strip)),
        "street": draw(_WORDS),
        "street_more": draw(st.one_of(st.just(""), _WORDS)),
        "postcode": draw(st.sampled_from(["38000", "", "2B 123"])),
        "city": draw(_WORDS),
        "country": draw(st.sampled_from(["FR", "BE", "DE", "US"])),
        "email": "someone@example.org",
    }
    if is_consumer:
        return PartyFacts(**common, is_consumer=True)
    return PartyFacts(**common, siren=draw(st.sampled_from(["732829320", "552100554"])), vat_number="FR44732829320")


@st.composite
def invoices(draw: st.DrawFn) -> InvoiceFacts:
    """Any invoice or credit note whose sums hold."""
    entries = draw(lines())
    issued = draw(_DAYS)
    facts = papers.invoice(
        entries,
        number=draw(_NUMBER),
        issued_on=issued,
        due_on=issued + timedelta(days=draw(st.integers(-3, 90))),
        language=draw(st.sampled_from(["fr", "en"])),
        buyer=draw(parties()),
        order_reference=draw(st.one_of(st.just(""), _TEXT)),
        title=draw(st.one_of(st.just(""), _TEXT)),
        bank=BankFacts(iban=draw(_IBANS), holder=draw(_WORDS)),
        terms=TermsFacts(
            penalty_rate=draw(st.one_of(st.none(), st.decimals("3", "20", places=2))),
            discount=draw(st.one_of(st.just(""), _TEXT)),
        ),
    )
    if draw(st.booleans()):
        before = PrecedingFacts(number=draw(_NUMBER), issued_on=issued - timedelta(days=9))
        return replace(facts, kind="credit_note", preceding=(before,))
    if facts.buyer.is_consumer and any(entry.vat_category == "AE" for entry in entries):
        facts = replace(facts, buyer=papers.BUYER)
    if facts.total > Money.zero() and draw(st.booleans()):
        facts = replace(facts, prepaid=Money(draw(st.integers(0, facts.total.minor))))
    if draw(st.booleans()):
        facts = replace(facts, debit=DebitFacts(rum="GCL-7Q2M9X", ics="FR72ZZZ123456"))
    return facts
