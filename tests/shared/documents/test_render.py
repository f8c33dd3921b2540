"""What stands on a page: the law's words, true totals, and no total alone."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from typing import get_args

import pikepdf
import pytest
from pypdf import PdfReader

from shared.documents import render, rules
from shared.documents.facts import (
    Brand,
    DebitFacts,
    InvoiceFacts,
    Language,
    MandateFacts,
    MovementFacts,
    NowFacts,
    NowKind,
    OpenItemFacts,
    PartyFacts,
    ReceiptFacts,
    StandingFacts,
    StatementFacts,
    as_json,
    from_json,
    tidy,
)
from shared.kit.money import Money
from shared.kit.words import speaking
from tests.support import papers

CONSUMER = PartyFacts(
    name="Ève Martin", street="1 rue Nue", postcode="75001", city="Paris", email="eve@example.org", is_consumer=True
)


def pages(paper: render.Paper) -> list[str]:
    reader = PdfReader(io.BytesIO(paper.content))
    return [" ".join(page.extract_text().replace("\u202f", " ").replace("\xa0", " ").split()) for page in reader.pages]


def text(paper: render.Paper) -> str:
    return " ".join(pages(paper))


def test_an_invoice_says_what_the_law_asks():
    shown = text(render.invoice(papers.invoice()))

    for word in (
        "Facture F-2026-0143",
        "14 mars 2026",
        "13 avril 2026",
        "Menuiserie Durand & Fils",
        "38000 Grenoble",
        "732 829 320",
        "FR44732829320",
        "BC-7781",
        "SAS au capital de 20 000 €",
        "RCS Lyon 552 100 554",
        "FR31552100554",
        "4 494,00 €",
        "817,89 €",
        "5 311,89 €",
        "5,5 %",
        "FR76 3000 6000 0112 3456 7890 189",
        "indemnité forfaitaire de 40 €",
        "majoré de 10 points",
        "Pas d’escompte",
        "Page 1 / 1",
    ):
        assert word in shown


def test_an_english_reader_gets_an_english_invoice():
    shown = text(render.invoice(papers.invoice(language="en")))

    for word in (
        "Invoice",
        "14 March 2026",
        "€5,311.89",
        "Net payable",
        "fixed indemnity of €40",
        "Payable on 13 April 2026 at the latest",
    ):
        assert word in shown
    assert "Facture" not in shown


def test_a_consumer_is_not_threatened_with_what_is_not_owed():
    shown = text(render.invoice(papers.invoice(buyer=CONSUMER)))

    assert "forfaitaire" not in shown
    assert "majoré" not in shown
    assert "Ève Martin" in shown


def test_an_exemption_says_its_article():
    facts = papers.invoice((papers.line("Sous-traitance", "1", "1000", rate="0", vat_category="AE"),))

    assert "Autoliquidation" in text(render.invoice(facts))


def test_a_direct_debit_replaces_the_transfer():
    debit = DebitFacts(rum="GCL-1", ics="FR72ZZZ123456", iban_ending="0606", charge_on=date(2026, 4, 14))
    invoice = papers.invoice(debit=debit)
    part = NowFacts(kind="debit", amount=invoice.payable, on=debit.charge_on)
    now = StandingFacts(open=invoice.payable, to_pay=Money(0), parts=(part,))

    shown = text(render.invoice(replace(invoice, standing=now)))

    assert "prélevés sur votre compte le 14 avril 2026" in shown
    assert "Vous n’avez rien à faire" in shown
    assert "GCL-1" in shown
    assert "IBAN" not in shown


@pytest.mark.parametrize("kind", get_args(NowKind))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_standing_of_an_invoice_has_its_sentence(kind: NowKind, language: Language):
    part = NowFacts(kind=kind, amount=Money(4_321), on=date(2026, 4, 14), reference="PLN-1")
    now = StandingFacts(open=Money(10_000), to_pay=Money(5_679), parts=(part,))

    shown = text(render.invoice(papers.invoice(language=language, standing=now)))

    said = {"fr": "43,21 €", "en": "€43.21"}
    if kind == "refunded":  # all that is open is open again: the sentence names the day
        said = {"fr": "14 avril 2026", "en": "14 April 2026"}
    assert said[language] in shown
    assert {"fr": "56,79 € à régler", "en": "€56.79 to pay"}[language] in shown


@pytest.mark.parametrize("count", [8, 16, 17, 20, 21, 22, 23, 36, 37])
def test_no_total_stands_alone_on_its_page(count: int):
    entries = tuple(papers.line(f"Article{number}", "2", "35.10") for number in range(count))

    [found] = [page for page in pages(render.invoice(papers.invoice(entries))) if "Net à payer" in page]

    assert found.count("Article") >= 2


def test_a_long_invoice_numbers_its_pages_and_repeats_its_head():
    entries = tuple(papers.line(f"Article{number}", "2", "35.10") for number in range(300))

    shown = pages(render.invoice(papers.invoice(entries)))

    assert sum(page.count("Article") for page in shown) == 300
    for number, page in enumerate(shown, start=1):
        assert f"Page {number} / {len(shown)}" in page
        assert "Désignation" in page or number == len(shown)
        assert "F-2026-0143" in page


def test_hostile_words_are_words():
    hostile = "<script>alert(1)</script><img src=file:///etc/passwd> {{ 7*7 }}"

    shown = text(render.invoice(papers.invoice((papers.line(hostile, "1", "10"),), title=hostile)))

    assert "<script>alert(1)</script>" in shown
    assert "{{ 7*7 }}" in shown


def test_a_colour_that_is_none_and_a_logo_that_is_none_are_left_out():
    brand = Brand(accent="red; } body { display: none", logo=b"<svg onload=alert(1)>")

    html, assets, _title = render.invoice_page(papers.invoice(), brand)

    assert "display: none" not in html
    assert "logo" not in assets
    assert "Facture" in text(render.invoice(papers.invoice(), brand))


def test_a_statement_shows_open_items_their_ages_and_a_running_balance():
    shown = text(render.statement(papers.statement()))

    for word in ("56 jours", "4 048,20 €", "Non échu", "31–60 jours", "6 708,20 €", "Solde de clôture", "4 108,20 €"):
        assert word in shown


def test_ages_add_up_to_what_is_open():
    facts = papers.statement()

    found = render.ages(facts.open_items, facts.until, "EUR")

    total = sum((age.amount for age in found), Money.zero())
    assert total == sum((item.open for item in facts.open_items), Money.zero())
    assert [age.amount.minor for age in found] == [-24_000, 404_820, 30_000, 0, 0]


def test_a_receipt_promises_nothing_before_the_bank_is_final():
    waiting = text(render.receipt(papers.receipt()))
    final = text(render.receipt(papers.receipt(is_final=True)))

    assert "Sous réserve d’encaissement" in waiting
    assert "10 avril 2026" in waiting
    assert "Bien reçu" not in waiting
    assert "Bien reçu" in final
    assert "Sous réserve" not in final


@pytest.mark.parametrize("means", ["card", "debit", "transfer", "cheque", "cash"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_receipt_of_any_means_is_written_in_both_languages(means: str, language: str):
    shown = text(render.receipt(papers.receipt(means=means, language=language)))

    assert ("2 360,00 €" if language == "fr" else "€2,360.00") in shown


def test_a_mandate_has_the_words_of_the_scheme_and_its_evidence():
    shown = text(render.mandate(papers.mandate()))
    english = text(render.mandate(papers.mandate(language="en")))

    for word in (
        "vous autorisez (A) Atelier Lumière",
        "8 semaines",
        "GCL-7Q2M9X",
        "FR72ZZZ123456",
        "203.0.113.24",
        "sepa-core-2026-01",
        "10:32",
        "0606",
        "14 jours",
    ):
        assert word in shown
    assert "within 8 weeks" in english
    assert "FR7630006000011234567890189" not in shown


@pytest.mark.parametrize("invoice_count", range(1, 4))
def test_the_agreement_of_a_plan_is_not_split_over_two_pages(invoice_count: int):
    [found] = [page for page in pages(render.plan(papers.plan(invoice_count))) if "Donné par" in page]

    assert "Accord Donné le" in found
    assert "preuve du consentement" in found


def test_an_address_of_the_web_is_not_broken_at_its_hyphen():
    seller = replace(
        papers.SELLER, email="compta@atelier-des-lices.example", website="https://atelier-des-lices.example"
    )

    shown = PdfReader(io.BytesIO(render.invoice(papers.invoice(seller=seller)).content)).pages[0].extract_text()

    assert [line for line in shown.splitlines() if seller.website in line]


def test_a_customer_without_an_address_leaves_no_empty_line_above_the_country():
    nobody_knows = replace(papers.BUYER, street="", street_more="", postcode="", city="")

    html, _assets, _title = render.invoice_page(
        papers.invoice(buyer=nobody_knows, seller=replace(papers.SELLER, country="BE"), delivery=nobody_knows),
        Brand(),
    )

    assert "<strong>Menuiserie Durand &amp; Fils</strong><br>FRANCE" in html
    assert "Adresse de livraison : Menuiserie Durand &amp; Fils</p>" in html.replace("\xa0", " ")


def test_an_unsigned_mandate_leaves_room_for_a_signature():
    assert "Lieu et date" in text(render.mandate(papers.mandate(signature=None)))


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (InvoiceFacts, papers.invoice(debit=DebitFacts(rum="x"), prepaid=Money(5))),
        (StatementFacts, papers.statement()),
        (ReceiptFacts, papers.receipt()),
        (MandateFacts, papers.mandate()),
    ],
)
def test_facts_come_back_from_their_stored_form(kind: type, facts: object):
    assert from_json(kind, as_json(facts)) == facts


def _long_statement() -> StatementFacts:
    items = tuple(
        OpenItemFacts(
            kind="invoice",
            number=f"F-{number:05}",
            issued_on=date(2026, 1, 1),
            due_on=date(2026, 2, 1),
            total=Money(1_000),
            open=Money(1_000),
            in_progress=Money(0),
        )
        for number in range(45)
    )
    moved = tuple(
        MovementFacts(on=date(2026, 1, 1), label="Facture", reference=f"M-{number:05}", debit=Money(1_000))
        for number in range(70)
    )
    return papers.statement(open_items=items, movements=moved, opening=Money(0), closing=Money(70_000))


@pytest.mark.parametrize("most", [1, 20, 45, 46, 60, 114, 115, 500])
def test_the_portions_of_a_long_statement_have_every_line_once(most: int):
    facts = _long_statement()

    found = render.portions(facts, most)

    assert [item for each in found for item in facts.open_items[each.items]] == list(facts.open_items)
    assert [row for each in found for row in facts.movements[each.rows]] == list(facts.movements)
    for name in ("is_first", "is_last", "begins_items", "ends_items", "begins_rows"):
        assert sum(getattr(each, name) for each in found) == 1, name


@pytest.mark.parametrize("facts", [papers.statement(open_items=()), papers.statement(movements=())])
def test_a_statement_without_items_or_without_movements_is_one_portion(facts: StatementFacts):
    (whole,) = render.portions(facts)

    assert whole.begins_items and whole.ends_items and whole.begins_rows and whole.is_last  # noqa: PT018 - all of it


def test_a_long_statement_of_several_portions_says_what_the_whole_says_and_numbers_its_pages():
    facts = _long_statement()
    pages = [render.statement_portion(facts, None, each) for each in render.portions(facts, 40)]

    made = render.joined_statement(facts, pages)

    whole, shown = text(render.statement(facts)), text(made)
    words = [word for word in whole.split() if word.startswith(("F-", "M-"))]
    assert len(words) == 115
    assert [word for word in shown.split() if word.startswith(("F-", "M-"))] == words
    assert made.name == render.statement(facts).name
    with pikepdf.open(io.BytesIO(made.content)) as opened:
        count = len(opened.pages)
        numbers = [f"Page {number} / {count}" for number in range(1, count + 1)]
        assert re.findall(r"Page \d+ / \d+", " ".join(shown.split())) == numbers
        assert not opened.check_pdf_syntax()
        assert b'pdfaid:part="3"' in opened.Root.Metadata.read_bytes()
        assert len(opened.Root.OutputIntents) == 1
        by_page = list(opened.Root.StructTreeRoot.ParentTree.Nums)
        assert [int(number) for number in by_page[::2]] == [int(page.obj.StructParents) for page in opened.pages]
        for page, elements in zip(opened.pages, by_page[1::2], strict=True):
            assert {element.Pg.objgen for element in elements} == {page.obj.objgen}


def test_a_long_statement_made_twice_is_the_same_file():
    facts = _long_statement()

    first, second = (
        render.joined_statement(
            facts, [render.statement_portion(facts, None, each) for each in render.portions(facts, 60)]
        )
        for _ in range(2)
    )

    assert first.content == second.content


UNDRAWABLE = "\U00010530\U00010531"
"""Caucasian Albanian, which no font of a usual machine has."""


def test_an_invoice_with_signs_that_no_font_has_says_so_and_is_not_called_electronic():
    facts = papers.invoice(buyer=replace(papers.BUYER, name=f"Durand {UNDRAWABLE}"))

    made = render.invoice(facts)

    assert not made.is_electronic
    with pikepdf.open(io.BytesIO(made.content)) as opened:
        assert list(opened.attachments) == []
    shown = "".join(text(made).split())
    assert "n’ontpaspuêtreimpriméssurcedocument" in shown
    assert "U+10530CAUCASIANALBANIANLETTERALT,U+10531CAUCASIANALBANIANLETTERBET." in shown


def test_other_papers_say_what_they_could_not_draw_too_also_when_a_child_makes_them(monkeypatch):
    monkeypatch.setattr("shared.kit.pdf.LIGHT_HTML", 10)
    made = render.receipt(papers.receipt(debtor=replace(papers.BUYER, name=f"Durand {UNDRAWABLE}"), language="en"))

    assert "Some signs could not be drawn on this paper" in " ".join(text(made).split())


@pytest.mark.parametrize(
    ("language", "reader", "said"),
    [
        ("fr", "en", "n’ontpaspuêtreimpriméssurcedocument"),
        ("en", "fr", "Somesignscouldnotbedrawnonthispaper"),
    ],
)
@pytest.mark.parametrize("kind", ["statement", "receipt", "mandate", "plan"])
def test_what_could_not_be_drawn_is_said_in_the_papers_language_whoever_reads(kind, language, reader, said):
    odd = replace(papers.BUYER, name=f"Durand {UNDRAWABLE}")
    facts = getattr(papers, kind)(debtor=odd, language=language)
    with speaking(reader):
        made = getattr(render, kind)(facts)

    assert said in "".join(text(made).split())


def test_a_portion_of_a_long_statement_says_it_in_the_papers_language_too():
    facts = papers.statement(debtor=replace(papers.BUYER, name=f"Durand {UNDRAWABLE}"), language="fr")
    with speaking("en"):
        pages = [render.statement_portion(facts, None, each) for each in render.portions(facts)]
        made = render.joined_statement(facts, pages)

    assert "n’ontpaspuêtreimpriméssurcedocument" in "".join(text(made).split())


def test_text_is_tidied_when_it_comes_in():
    assert tidy("a\u202eb\x00c\u200bd\ne  ") == "abcd e"
    assert tidy("e\u0301") == "é"
    assert len(tidy("x" * 5000)) == 2000
    assert papers.line("a\x07b", "1", "1").description == "ab"


def test_names_in_an_archive_are_their_own():
    assert list(rules.unique_names(["F-1.pdf", "f-1.PDF", "F-1.pdf", "a"])) == [
        "F-1.pdf",
        "f-1 (2).PDF",
        "F-1 (3).pdf",
        "a",
    ]


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [(10_000, 2_000, "20"), (10_000, 1_000, "10"), (10_000, 550, "5.5"), (1_237, 247, "20")],
)
def test_net_and_vat_tell_their_rate(net: int, vat: int, rate: str):
    found = rules.sole_line("x", Money(net), Money(vat))

    assert found is not None
    assert str(found[0].vat_rate) == rate


@pytest.mark.parametrize(("net", "vat"), [(10_000, 1_500), (10_000, 0), (0, 0), (3, 1), (-10_000, -2_000)])
def test_net_and_vat_that_leave_a_doubt_tell_none(net: int, vat: int):
    assert rules.sole_line("x", Money(net), Money(vat)) is None


def test_a_payment_kept_as_credit_says_so():
    settled = (replace(papers.receipt().settled[0], number="", issued_on=None),)

    assert "Conservé en crédit" in text(render.receipt(papers.receipt(settled=settled)))
