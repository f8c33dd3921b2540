"""An account with more invoices than an address or a form holds: everything can be chosen, nothing is cut without a word."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, update

from payments import service as payments
from payments.declarations.models import DeclarationPart
from payments.models import Means, Provider
from payments.plans.models import PlanItem
from payments.queries import find_payment
from payments.service import PaymentDraft
from payments.status import PaymentStatus
from portal.choose import jobs
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes.models import DisputePart
from shared.invoices.models import Invoice, KeptSelection
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.promises.models import PromisePart
from tests.portal.conftest import Dora
from tests.support.people import SYSTEM, an_invoice

MANY = 230
"""More than two pages of the chooser, four times what an address held."""


@pytest.fixture
def big(dora: Dora) -> Dora:
    """Dora owes 230 invoices of 10 each beside her three, all late, the oldest first."""
    grow(dora)
    return dora


def grow(dora: Dora) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        for number in range(MANY):
            name = f"BIG-{number:04}"
            dora.invoices[name] = an_invoice(session, debtor, name, 1_000, due_in=-400 + number).id


def kept(selection_id: str) -> list[uuid.UUID]:
    with reading() as session:
        return list(session.get_one(KeptSelection, uuid.UUID(selection_id)).invoice_ids)


def count(of) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(of)) or 0


def test_two_hundred_invoices_are_chosen_and_shown_to_be_paid(enter, big: Dora) -> None:
    page = enter(big).open("/choose/pay").submit("Tick all")
    assert f"{MANY + 3} of {MANY + 3}" in page.text

    pay = page.submit("Pay these invoices")

    assert pay.heading == "Pay €3,534.50"
    assert "for 233 invoices" in pay.text
    assert len(pay.address) < 200, "the address names the choice, not each invoice"
    assert len(pay.form_of("Continue").fields.getlist("part")) == 0


def test_the_newest_invoice_of_a_large_account_can_be_chosen(enter, big: Dora) -> None:
    page = enter(big).open("/choose/pay").submit("Untick all").submit("Search", q="BIG-0229")
    chosen = page.submit("Pay these invoices", invoice=[big.invoices["BIG-0229"]])
    assert chosen.heading == "Pay €10.00"
    assert "BIG-0229" in chosen.text


def test_what_is_ticked_is_kept_over_a_search_and_pages(enter, big: Dora) -> None:
    first = enter(big).open("/choose/pay").submit("Untick all")
    second = first.submit("Next", invoice=[big.invoices["BIG-0001"]])
    assert "Page 2 of 3" in second.text
    found = second.submit("Search", invoice=[big.invoices["BIG-0150"]], q="fa-3")
    pay = found.submit("Pay these invoices", invoice=[big.invoices["FA-3"]])
    assert [name for name in ("BIG-0001", "BIG-0150", "FA-3", "BIG-0002") if name in pay.text] == [
        "BIG-0001",
        "BIG-0150",
        "FA-3",
    ]


def test_ticking_and_unticking_all_of_a_search_leaves_alone_what_it_does_not_show(enter, big: Dora) -> None:
    browser = enter(big)
    found = browser.open("/choose/pay").submit("Untick all").submit("Search", q="BIG-000")

    ticked = found.submit("Tick all")
    assert "10 of 233" in ticked.text

    other = ticked.submit("Search", q="FA-").submit("Tick all")
    assert "13 of 233" in other.text
    assert "11 of 233" in other.submit("Only what is late").text
    assert "10 of 233" in other.submit("Untick all").text


@pytest.mark.parametrize("typed", ["oeuvre elue", "ŒUVRE ÉLUE", "strasse", "istanbul"])
def test_an_invoice_is_found_by_its_title_however_it_is_typed(enter, big: Dora, typed: str) -> None:
    with transaction() as session:
        session.get_one(Invoice, big.invoices["BIG-0150"]).title = "Œuvre élue, Hohe Straße, İstanbul"
    page = enter(big).open("/choose/pay").submit("Untick all").submit("Search", q=typed)

    assert "BIG-0150" in page.text
    assert "BIG-0151" not in page.text


def test_what_is_late_on_other_pages_is_part_of_the_first_choice(enter, big: Dora) -> None:
    page = enter(big).open("/choose/pay")
    assert f"{MANY + 1} of {MANY + 3}" in page.text
    assert "for 231 invoices" in page.submit("Pay these invoices").text


def test_nothing_chosen_is_said_and_nothing_is_lost(enter, big: Dora) -> None:
    page = enter(big).open("/choose/pay").submit("Untick all").submit("Pay these invoices")
    assert page.status == 422
    assert "Tick at least one invoice." in page.text


def test_a_part_of_many_is_one_sum_for_the_oldest_first(enter, big: Dora) -> None:
    pay = enter(big).open("/pay?what=all")
    parts = pay.follow("Pay only a part")
    assert "233 invoices, €3,534.50 open" in parts.text
    wrong = parts.submit("Continue", sum="4000")
    assert wrong.status == 422
    assert "At most €3,534.50" in wrong.text
    assert wrong.form_of("Continue").fields["sum"] == "4000"
    assert wrong.tree.xpath("//*[@role='alert']//a/@href") == ["#sum"]
    (typed,) = wrong.tree.xpath("//input[@id='sum']")
    assert typed.get("aria-invalid") == "true"
    (beside,) = wrong.tree.xpath("//*[@id='wrong-sum']")
    assert beside.get("id") in typed.get("aria-describedby").split()
    assert "At most €3,534.50" in beside.text_content()

    pay = wrong.submit("Continue", sum="25,00")

    assert pay.heading == "Pay €25.00"
    assert "BIG-0000" in pay.text
    assert "BIG-0002 (part)" in pay.text


def test_a_payment_of_very_many_invoices_names_a_few_wherever_it_is_told(enter, big: Dora) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, big.debtor_id)
        parts = [Part(one, 1_000) for one in big.invoices.values()]
        draft = PaymentDraft(
            attempt=str(uuid.uuid4()), means=Means.CARD, provider=Provider.STRIPE, parts=parts, contact_id=None
        )
        payment_id = payments.start(session, debtor, draft, by=SYSTEM).id
        payments.advance(session, payment_id, PaymentStatus.SUBMITTED, by=SYSTEM)
    with reading() as session:
        assert len(find_payment(session, big.debtor_id, str(payment_id)).numbers) == MANY + 3

    browser = enter(big)
    for address in (f"/pay/{payment_id}/return", "/"):
        said = " ".join(browser.open(address).text.split())
        assert "BIG-0000, BIG-0001, BIG-0002, BIG-0003, BIG-0004, BIG-0005, and 227 others" in said
        assert "BIG-0229" not in said


def test_amounts_typed_for_each_invoice_stay_out_of_the_address(enter, dora: Dora) -> None:
    parts = enter(dora).open("/pay?what=all").follow("Pay only a part")
    pay = parts.submit("Continue", **{f"amount-{dora.invoices['FA-2']}": "20", f"amount-{dora.invoices['FA-3']}": ""})
    assert pay.heading == "Pay €400.00"
    assert "amount-" not in pay.address
    again = pay.follow("Pay only a part")
    assert again.form_of("Continue").fields[f"amount-{dora.invoices['FA-2']}"] == "€20.00"


@pytest.mark.parametrize(
    ("begin", "form", "heading"),
    [
        ("/promises/new", "Promise to pay", "Choose what to promise"),
        ("/declarations/new", "Tell us", "Choose what you have paid"),
        ("/disputes/new", "Send", "Choose what is wrong"),
    ],
)
def test_a_form_that_cannot_show_them_all_leads_to_the_page_that_can(enter, big, begin, form, heading) -> None:
    page = enter(big).open(begin)
    assert page.heading == heading
    chosen = page.submit("Untick all").submit("Continue", invoice=[big.invoices["BIG-0000"], big.invoices["BIG-0001"]])
    assert chosen.form_of(form)
    assert "€20.00" in chosen.text or "BIG-0001" in chosen.text


def test_many_invoices_are_promised_by_one_form(enter, big: Dora) -> None:
    page = enter(big).open("/promises/new").submit("Tick all").submit("Continue")
    assert "233 invoices chosen of 233" in page.text
    day = (clock.today() + timedelta(days=7)).isoformat()
    assert page.submit("Promise to pay", promised_on=day).status == 200
    assert count(PromisePart) == MANY + 3


def test_a_promise_over_many_invoices_can_be_changed(enter, big: Dora) -> None:
    browser = enter(big)
    page = browser.open("/promises/new").submit("Tick all").submit("Continue")
    day = (clock.today() + timedelta(days=5)).isoformat()
    shown = page.submit("Promise to pay", promised_on=day)
    edit = browser.open(shown.address + "/change")
    assert "233 invoices chosen of 233" in edit.text
    fewer = edit.follow("Choose others").submit("Untick all").submit("Continue", invoice=[big.invoices["BIG-0003"]])
    assert "1 invoice chosen of 233" in fewer.text


@pytest.mark.parametrize(
    ("way", "form", "row"),
    [
        ("Say when you will pay", ("Promise to pay", "promised_on"), PromisePart),
        ("I have paid", ("Tell us", "paid_on"), DeclarationPart),
    ],
)
def test_one_invoice_of_a_large_account_is_promised_or_told_from_its_own_page(enter, big: Dora, way, form, row) -> None:
    button, typed = form
    page = enter(big).open(f"/invoices/{big.invoices['BIG-0229']}").follow(way)
    assert "1 invoice chosen of 233" in page.text

    others = page.follow("Choose others")
    assert "1 of 233" in others.text
    assert "1 invoice chosen of 233" in others.submit("Next").submit("Continue").text

    done = page.submit(button, **{typed: clock.today().isoformat()}, amount="10")

    assert done.status == 200
    with reading() as session:
        assert set(session.scalars(select(row.invoice_id))) == {big.invoices["BIG-0229"]}


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("/plans/new", 233),
        ("/plans/new?what=late", 231),
        ("/plans/new?invoice={one}", 1),
        ("/plans/new?first_on=", 233),
    ],
)
def test_the_live_part_of_a_plan_over_a_large_account_keeps_what_was_named(enter, big: Dora, address, number) -> None:
    browser = enter(big)
    page = browser.open(address.format(one=big.invoices["BIG-0229"]))
    total = page.tree.xpath("//*[@data-sum]")[0].text_content()
    form = page.form_of("Show the schedule")

    live = browser.open("/plans/preview?" + urlencode(list(form.fields.items(multi=True))))

    assert live.tree.xpath("//*[@data-new-sum]")[0].text_content() == total
    drawn = page.submit("Show the schedule", first_on=(clock.today() + timedelta(days=7)).isoformat())
    assert f"{number} invoice" in drawn.text
    drawn.submit("Propose this plan")
    assert count(PlanItem) == number


def test_a_form_of_a_few_that_is_sent_when_they_have_become_many_loses_nothing(enter, dora: Dora) -> None:
    page = enter(dora).open(f"/promises/new?invoice={dora.invoices['FA-3']}")
    grow(dora)
    wrong = page.submit("Promise to pay", promised_on="")
    assert wrong.status == 422
    assert "1 invoice chosen of 233" in wrong.text
    wrong.submit("Promise to pay", promised_on=clock.today().isoformat())
    assert count(PromisePart) == 1


def test_a_plan_is_made_of_more_invoices_than_a_form_shows(enter, big: Dora) -> None:
    page = enter(big).open("/plans/new")
    assert "233 invoices" in page.text
    chosen = page.follow("Choose others").submit("Untick all").submit("Continue", invoice=[big.invoices["FA-3"]])
    assert "€730.00" in chosen.text
    assert "1 invoice" in chosen.text
    drawn = chosen.submit("Show the schedule")
    assert "€730.00" in drawn.text


def test_more_than_a_hundred_invoices_in_one_dispute_or_archive_are_refused_in_words(enter, big: Dora) -> None:
    browser = enter(big)
    for purpose, button in (("dispute", "Continue"), ("download", "Download")):
        page = browser.open(f"/choose/{purpose}").submit("Tick all").submit(button)
        assert page.status == 422
        assert "At most 100 invoices at once" in page.text
    assert count(DisputePart) == 0


def test_as_many_as_the_chooser_takes_are_contested_by_one_form(enter, big: Dora) -> None:
    hundred = [big.invoices[f"BIG-{number:04}"] for number in range(100)]
    page = enter(big).open("/choose/dispute").submit("Untick all").submit("Continue", invoice=hundred, shown=[])

    sent = page.submit("Send", text="Nothing came.", reason="not_delivered")

    assert sent.status == 200, sent.text
    assert count(DisputePart) == 100


def test_a_hundred_invoices_come_in_one_archive(enter, big: Dora) -> None:
    hundred = [big.invoices[f"BIG-{number:04}"] for number in range(100)]
    page = enter(big).open("/choose/download").submit("Untick all")
    answer = page.submit("Download", invoice=hundred, shown=[])
    assert answer.status == 200
    assert answer.content.startswith(b"PK")


def test_another_debtors_choice_is_not_there(enter, big: Dora, octave: Dora) -> None:
    page = enter(big).open("/choose/pay").submit("Tick all")
    selection = page.form_of("Pay these invoices").fields["selection"]
    other = enter(octave)
    for address in (
        "/pay?what=these&",
        "/pay/parts?",
        "/choose/pay?",
        "/plans/new?",
        "/promises/new?",
        "/disputes/new?",
    ):
        assert other.open(f"{address}selection={selection}").status == 404, address


def test_anothers_invoice_cannot_be_chosen(enter, big: Dora, octave: Dora) -> None:
    page = enter(octave).open("/choose/download")
    assert page.status == 200
    answer = octave_form(enter(octave), big)
    assert answer.status == 404


def octave_form(browser, big: Dora):
    token = browser.open("/profile").forms()[0].fields["csrf_token"]
    from werkzeug.datastructures import MultiDict

    from tests.support.browser import Form

    fields = MultiDict({"csrf_token": token, "invoice": str(big.invoices["BIG-0001"])})
    return browser.send(Form("/choose/pay", "post", fields), "/choose/pay")


@pytest.mark.parametrize("odd", ["selection=x", "selection=", "page=-1", "page=999999", "page=²", "subject=x", "q=%00"])
def test_an_altered_address_is_no_error_of_ours(enter, big: Dora, odd: str) -> None:
    assert enter(big).open(f"/choose/pay?{odd}").status in {200, 400, 404}
    assert enter(big).open("/choose/nothing").status == 404


def test_an_old_choice_is_said_to_be_gone_and_swept(enter, big: Dora) -> None:
    browser = enter(big)
    page = browser.open("/choose/pay").submit("Tick all")
    selection = page.form_of("Pay these invoices").fields["selection"]
    with transaction() as session:
        session.execute(update(KeptSelection).values(created_at=clock.now() - timedelta(days=8)))
    gone = browser.open(f"/pay?what=these&selection={selection}")
    assert gone.status == 404
    assert "choose your invoices again" in gone.text
    jobs.sweep.run({}) if hasattr(jobs.sweep, "run") else jobs.sweep({})
    assert count(KeptSelection) == 0
