"""The XML of an invoice: what both official schematrons say of it, and when we refuse to write one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from lxml import etree

from shared.documents import facturx
from shared.documents.facts import BankFacts, DebitFacts, InvoiceFacts, PartyFacts, PrecedingFacts, TermsFacts
from shared.kit.money import Money
from tests.support import paper_strategies, papers, schematron

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
BEFORE = (PrecedingFacts(number="F-2026-0143", issued_on=date(2026, 3, 14)),)
CONSUMER = PartyFacts(
    name="Ève Martin", street="1 rue Nue", postcode="75001", city="Paris", email="eve@example.org", is_consumer=True
)
ABROAD = PartyFacts(
    name="Müller GmbH",
    street="Hauptstr. 1",
    postcode="10115",
    city="Berlin",
    country="DE",
    vat_number="DE123456789",
    email="r@mueller.example",
)


def exempt(category: str) -> InvoiceFacts:
    return papers.invoice((papers.line("Prestation", "2", "500", rate="0", vat_category=category),))


def a_credit(category: str) -> InvoiceFacts:
    buyer = ABROAD if category in ("K", "G") else papers.BUYER
    return replace(exempt(category), kind="credit_note", number="A-1", preceding=BEFORE, buyer=buyer)


SITUATIONS = {
    "four rates": papers.invoice(),
    "in English": papers.invoice(language="en"),
    "credit note": papers.invoice(kind="credit_note", number="A-1", preceding=BEFORE),
    "consumer": papers.invoice(buyer=CONSUMER),
    "reverse charge": exempt("AE"),
    "inside the Union": replace(exempt("K"), buyer=ABROAD),
    "export": replace(exempt("G"), buyer=replace(ABROAD, country="US", vat_number="")),
    "exempt by article 261": exempt("E"),
    "seller without VAT, article 293 B": replace(exempt("E"), seller=replace(papers.SELLER, vat_number="")),
    "zero rate": exempt("Z"),
    "outside the scope": exempt("O"),
    "outside the scope, to a customer abroad": replace(exempt("O"), buyer=ABROAD),
    **{f"credit note without VAT, {category}": a_credit(category) for category in ("E", "AE", "K", "G", "Z", "O")},
    "discount line": papers.invoice((papers.line("Chose", "10", "10"), papers.line("Remise", "1", "-12.50"))),
    "free line": papers.invoice((papers.line("Offert", "1", "0"), papers.line("Chose", "1", "5"))),
    "part paid before": papers.invoice(prepaid=papers.euros("1000")),
    "all paid before": papers.invoice(prepaid=papers.invoice().total),
    "direct debit": papers.invoice(debit=DebitFacts(rum="GCL-1", ics="FR72ZZZ123456")),
    "direct debit by a mandate we cannot see": papers.invoice(debit=DebitFacts()),
    "no bank account": papers.invoice(bank=BankFacts()),
    "due before it was issued": papers.invoice(due_on=date(2026, 3, 1)),
    "own penalty rate": papers.invoice(terms=TermsFacts(penalty_rate=Decimal("12.15"), discount="2 % à 8 jours")),
    "delivered elsewhere": papers.invoice(delivery=papers.BUYER, delivered_on=date(2026, 3, 10), title="Lot 3"),
    "overseas rates": papers.invoice(
        (papers.line("a", "3", "0.3333", rate="8.5"), papers.line("b", "1", "7.77", rate="2.1"))
    ),
}


@pytest.mark.parametrize("facts", SITUATIONS.values(), ids=SITUATIONS.keys())
def test_each_situation_passes_both_schematrons(facts: InvoiceFacts):
    assert facturx.faults(facts) == []

    assert schematron.failed_assertions(facturx.xml(facts)) == []


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=paper_strategies.invoices())
def test_any_invoice_whose_sums_hold_passes_both_schematrons(facts: InvoiceFacts):
    assume(facturx.faults(facts) == [])

    made = facturx.xml(facts)

    assert schematron.failed_assertions(made) == []
    assert_totals_equal(made, facts)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=2500, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=paper_strategies.invoices())
def test_thousands_of_invoices_pass_both_schematrons(facts: InvoiceFacts):
    assume(facturx.faults(facts) == [])

    made = facturx.xml(facts)

    assert schematron.failed_assertions(made) == []
    assert_totals_equal(made, facts)


def assert_totals_equal(made: bytes, facts: InvoiceFacts) -> None:
    root = etree.fromstring(made)
    sums = root.find(f".//{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    assert facts.net is not None
    assert facts.vat is not None
    assert Decimal(sums.findtext(f"{RAM}LineTotalAmount")) == facts.net.decimal
    assert Decimal(sums.findtext(f"{RAM}TaxTotalAmount")) == facts.vat.decimal
    assert Decimal(sums.findtext(f"{RAM}GrandTotalAmount")) == facts.total.decimal
    assert Decimal(sums.findtext(f"{RAM}DuePayableAmount")) == facts.payable.decimal
    assert len(root.findall(f".//{RAM}IncludedSupplyChainTradeLineItem")) == len(facts.lines)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"<ram:GrandTotalAmount>5311.89", b"<ram:GrandTotalAmount>5311.88", "BR-CO-15"),
        (b"<ram:LineTotalAmount>4494.00", b"<ram:LineTotalAmount>4495.00", "BR-CO-10"),
        (b"<ram:SubjectCode>PMT<", b"<ram:SubjectCode>AAI<", "BR-FR-05"),
        (b"<ram:ID>F-2026-0143<", b"<ram:ID>F 2026 0143<", "BR-FR-02"),
        (b"<ram:RateApplicablePercent>20<", b"<ram:RateApplicablePercent>21<", "BR-FR-16"),
    ],
)
def test_a_broken_invoice_fails_the_check(old: bytes, new: bytes, rule: str):
    made = facturx.xml(papers.invoice())
    assert old in made

    found = schematron.failed_assertions(made.replace(old, new))

    assert any(rule in failure for failure in found)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (papers.invoice(net=None, vat=None), "lines or VAT are unknown"),
        (
            papers.invoice(lines=(), vats=()) if False else replace(papers.invoice(), lines=(), vats=()),
            "lines or VAT are unknown",
        ),
        (papers.invoice(total=Money(1)), "net and VAT do not add up"),
        (papers.invoice(net=Money(1)), "the lines do not add up"),
        (papers.invoice(number="F 2026 n°1"), "the number has other characters"),
        (papers.invoice(number="F" * 36), "the number has other characters"),
        (papers.invoice(seller=replace(papers.SELLER, siren="")), "the seller's SIREN"),
        (papers.invoice(seller=replace(papers.SELLER, vat_number="")), "the seller's VAT number"),
        (papers.invoice(buyer=PartyFacts(name="Inconnu")), "neither a SIREN nor an e-mail"),
        (papers.invoice(kind="credit_note"), "names the invoice that it corrects"),
        (papers.invoice((papers.line("x", "1", "10", rate="19"),)), "not one of France"),
        (papers.invoice((papers.line("x", "1", "10", rate="0"),)), "a standard rate is zero"),
        (papers.invoice(prepaid=Money(10**9)), "more was paid before"),
        (replace(exempt("AE"), buyer=CONSUMER), "reverse charge needs"),
        (exempt("L"), "a VAT category is not"),
        (
            papers.invoice((papers.line("x", "1", "1"), papers.line("y", "1", "1", rate="0", vat_category="O"))),
            "outside the scope of VAT stands beside",
        ),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_reason(facts: InvoiceFacts, reason: str):
    assert any(reason in fault for fault in facturx.faults(facts))

    with pytest.raises(facturx.NotAnInvoiceError, match=reason):
        facturx.xml(facts)


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        (exempt("AE"), "VATEX-EU-AE", "Autoliquidation"),
        (exempt("K"), "VATEX-EU-IC", "262 ter I"),
        (exempt("G"), "VATEX-EU-G", "262 I du"),
        (exempt("O"), "VATEX-EU-O", "259-1"),
        (exempt("E"), None, "261"),
        (replace(exempt("E"), seller=replace(papers.SELLER, vat_number="")), "VATEX-FR-FRANCHISE", "art. 293 B du CGI"),
        (exempt("Z"), None, None),
    ],
    ids=["AE", "K", "G", "O", "E", "franchise", "Z"],
)
def test_where_no_vat_is_charged_the_file_says_why(facts: InvoiceFacts, code: str | None, words: str | None):
    tax = etree.fromstring(facturx.xml(facts)).find(f".//{RAM}ApplicableHeaderTradeSettlement/{RAM}ApplicableTradeTax")

    assert tax.findtext(f"{RAM}ExemptionReasonCode") == code
    said = tax.findtext(f"{RAM}ExemptionReason")
    assert (said is None) if words is None else (words in " ".join(said.split()))


def test_vat_rounded_line_by_line_is_still_an_invoice():
    entries = tuple(papers.line("Vis", "1", "0.33") for _ in range(10))
    facts = papers.invoice(entries)
    vat = replace(facts.vats[0], vat=Money(70))
    facts = replace(facts, vats=(vat,), vat=Money(70), total=Money(400))

    assert schematron.failed_assertions(facturx.xml(facts)) == []


def test_hostile_text_cannot_leave_its_element():
    hostile = "</ram:Name><ram:ID>1</ram:ID>&xxe;]]>\x00\x1b\u202e"
    facts = papers.invoice((papers.line(hostile, "1", "10"),), order_reference=hostile)

    made = facturx.xml(facts)

    assert schematron.failed_assertions(made) == []
    name = etree.fromstring(made).findtext(f".//{RAM}SpecifiedTradeProduct/{RAM}Name")
    assert name == "</ram:Name><ram:ID>1</ram:ID>&xxe;]]>"


def test_the_library_asks_no_server(monkeypatch):
    import socket

    def refuse(*_arguments: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert facturx.xml(papers.invoice())
