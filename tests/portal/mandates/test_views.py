"""Direct debit in the browser: sign, see, cancel, let invoices be paid by themselves."""

from __future__ import annotations

from sqlalchemy import select

from payments.collections.models import Collection, CollectionDecision, CollectionState
from payments.collections.reconsider import JOB as RECONSIDER
from payments.mandates import service as mandates
from payments.models import Mandate, Payment
from payments.reconcile.verify import verify
from payments.status import MandateStatus, PaymentStatus
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import OutboxMessage
from shared.messages.models import Message
from tests.portal.conftest import Dora, rows
from tests.portal.shop import Shop
from tests.support.browser import Browser, Page
from tests.support.people import an_invoice


def sign(shop: Shop, browser: Browser, page: Page, fate: str = "success") -> Page:
    """From the page of consent to where the provider sends the browser back to."""
    answer = browser.send(page.form_of("Continue"), page.address, follow=False, agree="y")
    assert answer.status == 303, answer.text
    shop.counter.twins.authorise(answer.response.headers["Location"], fate, email="dora@client.example")
    return browser.open(f"/mandate/{rows(Mandate)[-1].id}/return")


def test_a_mandate_is_signed_on_the_providers_page_and_then_pays(shop: Shop) -> None:
    browser = shop.enter(is_verified=True)
    page = browser.open("/pay?what=all").submit("Continue", means="debit")
    assert page.heading == "Set up direct debit"
    assert "FR72ZZZ123456" in page.text
    assert "eight weeks" in page.text

    page = sign(shop, browser, page)

    assert page.heading == "Your mandate is signed"
    choose = page.follow("Go on to pay")
    assert choose.heading == "Pay €200.00"
    assert choose.submit("Continue", means="debit").heading == "Your direct debit is on its way"
    evidence = rows(Mandate)[0].evidence
    assert evidence["text_version"]
    assert evidence["browser"] == "Firefox Linux"


def test_nothing_is_signed_without_the_tick(shop: Shop) -> None:
    browser = shop.enter(is_verified=True)

    page = browser.open("/mandate/new").submit("Continue")

    assert page.status == 422
    assert "Tick this box to go on." in page.text
    assert rows(Mandate) == []


def test_the_page_left_before_the_end_can_be_gone_on_with(shop: Shop) -> None:
    browser = shop.enter(is_verified=True)
    page = browser.open("/mandate/new")
    first = browser.send(page.form_of("Continue"), page.address, follow=False, agree="y")
    mandate = rows(Mandate)[0]

    waiting = browser.open(f"/mandate/{mandate.id}/return")
    again = browser.send(waiting.form_of("Go on to sign it"), waiting.address, follow=False)

    assert waiting.heading == "Your mandate is not signed yet"
    assert first.response.headers["Location"] == again.response.headers["Location"]
    assert len(rows(Mandate)) == 1


def test_the_account_number_is_shown_by_its_end_only(shop: Shop) -> None:
    shop.counter.give_mandate()

    page = shop.enter().open("/mandate")
    mandate = rows(Mandate)[0]

    assert f"•••• {mandate.iban_ending}" in page.text
    assert mandate.scheme_reference in page.text
    paper = page.follow("Download the mandate")
    assert paper.content.startswith(b"%PDF-")


def test_cancelling_needs_a_code_and_ends_the_mandate(shop: Shop) -> None:
    mandate_id = shop.counter.give_mandate()
    page = shop.enter().open("/mandate")
    assert page.follow("Cancel this mandate").heading == "Please prove that it is you"

    page = shop.enter(is_verified=True).open("/mandate").submit("Cancel the mandate")

    assert "The mandate is cancelled." in page.text
    assert shop.counter.mandate(mandate_id).status is MandateStatus.CANCELLED
    assert "Former mandate" in page.text


def test_automatic_payment_is_switched_on_with_a_maximum_and_off_again(shop: Shop) -> None:
    shop.counter.give_mandate()
    browser = shop.enter(is_verified=True)

    page = browser.open("/mandate").follow("Switch on").submit("Save", autopay="on", maximum="1 500,50")
    assert "Automatic payment is on." in page.text
    assert "Each invoice up to €1,500.50 is debited on its due date." in page.text
    with reading() as session:
        debtor = session.get_one(Debtor, shop.counter.debtor_id)
        assert (debtor.autopay, debtor.autopay_maximum_minor) == (True, 150_050)

    page = page.follow("Change").submit("Save", autopay="off")
    assert "Automatic payment is off." in page.text
    assert [line.action for line in rows(AuditLine)][-2:] == ["debtor.autopay_on", "debtor.autopay_off"]


def test_a_maximum_that_is_no_amount_is_said(shop: Shop) -> None:
    shop.counter.give_mandate()
    browser = shop.enter(is_verified=True)

    for typed, said in (("much", "This is not an amount"), ("0", "more than zero")):
        page = browser.open("/mandate/autopay").submit("Save", autopay="on", maximum=typed)
        assert page.status == 422
        assert said in page.text


def test_without_a_mandate_automatic_payment_first_leads_to_one(shop: Shop) -> None:
    page = shop.enter(is_verified=True).open("/mandate/autopay")

    assert page.heading == "Set up direct debit"


def test_the_next_debits_are_announced_with_their_days(shop: Shop) -> None:
    from payments.collections.run import run
    from shared.company.models import Company

    shop.counter.give_mandate()
    with transaction() as session:
        session.query(Debtor).update({"autopay": True})
        company_id = session.query(Company).one().id
    run(company_id)

    browser = shop.enter()
    account, mandate = browser.open("/"), browser.open("/mandate")

    assert "Direct debit planned" in account.text
    assert "Debited by itself on" in account.text
    assert "Direct debit planned" in mandate.text
    assert "€120.00" in mandate.text
    page = shop.enter(is_verified=True).open("/mandate/autopay").submit("Save", autopay="off")
    assert "Direct debit planned" not in page.text


def test_where_debits_are_not_taken_none_is_offered(enter, dora: Dora) -> None:
    assert "not offered here" in enter(dora).open("/mandate").text


def on_autopay(shop: Shop) -> None:
    """Dora's invoices are debited by themselves, and both are announced."""
    shop.counter.give_mandate()
    with transaction() as session:
        session.query(Debtor).update({"autopay": True})
    run_collections()


def run_collections() -> None:
    from payments.collections.run import run
    from shared.company.models import Company

    with reading() as session:
        company_id = session.query(Company).one().id
    run(company_id)


def test_one_debit_is_left_out_and_the_debtor_is_told_by_when_to_pay(shop: Shop) -> None:
    on_autopay(shop)
    browser = shop.enter(is_verified=True)

    page = browser.open("/mandate").follow("Leave an invoice out").submit("Leave F-1 out")

    assert "Nothing will be debited for this invoice. Please pay it by" in page.text
    assert "Debit F-1 after all" in page.text
    assert "Leave F-2 out" in page.text
    assert {(one.state, one.reason) for one in rows(Collection)} == {
        (CollectionState.SKIPPED, "left_out"),
        (CollectionState.ANNOUNCED, ""),
    }
    told = [one for one in rows(Message) if one.kind == "debit_left_out"]
    assert len(told) == 1
    assert "F-1" in told[0].subject
    assert "120.00" in told[0].text_body
    assert page.follow("Pay F-1").heading == "Pay €120.00"
    assert rows(AuditLine)[-1].action == "invoice.debit_left_out"


def test_what_is_left_out_is_not_announced_again_until_it_is_taken_back(shop: Shop) -> None:
    on_autopay(shop)
    browser = shop.enter(is_verified=True)
    browser.open("/mandate/debits").submit("Leave F-1 out")
    run_collections()
    assert [one.reason for one in rows(CollectionDecision) if one.outcome.value == "skip"] == ["left_out"]
    assert len(rows(Collection)) == 2

    page = browser.open("/mandate/debits").submit("Debit F-1 after all")
    run_collections()

    assert "will be debited by itself" in page.text
    assert [one.state.value for one in rows(Collection)].count("announced") == 2
    assert len([one for one in rows(Message) if one.kind == "prenotification"]) >= 2


def test_what_will_not_be_debited_does_not_stand_under_what_will(shop: Shop) -> None:
    on_autopay(shop)
    with transaction() as session:
        session.query(Debtor).update({"autopay_maximum_minor": 1})

    page = shop.enter(is_verified=True).open("/mandate/debits")

    assert "Not debited as things stand" in page.text
    assert "Above your maximum: please pay it yourself." in page.text
    assert "Debited by itself" not in page.text


def test_leaving_out_twice_tells_once(shop: Shop) -> None:
    on_autopay(shop)
    browser = shop.enter(is_verified=True)
    page = browser.open("/mandate/debits")
    page.submit("Leave F-1 out")
    page.submit("Leave F-1 out")

    assert len([one for one in rows(Message) if one.kind == "debit_left_out"]) == 1


def test_leaving_out_needs_a_code_and_an_invoice_of_ones_own(shop: Shop) -> None:
    import uuid

    on_autopay(shop)
    assert shop.enter().open("/mandate/debits").heading != "Automatic debits"
    browser = shop.enter(is_verified=True)
    form = browser.open("/mandate/debits").form_of("Leave F-1 out")
    form.action = f"/mandate/debits/{uuid.uuid4()}/leave-out"

    assert browser.send(form, "/mandate/debits").status == 404


def test_without_autopay_there_is_nothing_to_leave_out(shop: Shop) -> None:
    shop.counter.give_mandate()
    assert shop.enter(is_verified=True).open("/mandate/debits").heading == "Automatic payment"


def written_and_announced(shop: Shop) -> None:
    """The debits of F-1 and F-2 are with the provider, which may still cancel them; F-3 (30.00) is announced."""
    on_autopay(shop)
    shop.counter.deliver()
    shop.counter.days(9)
    with transaction() as session:
        debtor = session.get_one(Debtor, shop.counter.debtor_id)
        an_invoice(session, debtor, "F-3", 3_000, due_in=15)
    run_collections()
    assert [one.status for one in rows(Payment)] == [PaymentStatus.SUBMITTED] * 2
    assert state_of_third() is CollectionState.ANNOUNCED


def state_of_third() -> CollectionState:
    return next(one.state for one in rows(Collection) if one.amount_minor == 3_000)  # type: ignore[no-any-return]


def at_provider(shop: Shop) -> list[tuple[int, str]]:
    return sorted((one["amount"], one["status"]) for one in shop.counter.twins.objects("gocardless", "payments"))


def test_switching_off_stops_what_is_announced_and_what_is_written_before_the_page_answers(shop: Shop) -> None:
    written_and_announced(shop)

    shop.enter(is_verified=True).open("/mandate/autopay").submit("Save", autopay="off")

    assert at_provider(shop) == [(8_000, "cancelled"), (12_000, "cancelled")]
    assert [one.status for one in rows(Payment)] == [PaymentStatus.CANCELLED] * 2
    assert {one.reason for one in rows(Collection)} == {"autopay_off"}
    assert state_of_third() is CollectionState.SKIPPED
    shop.counter.deliver()
    assert [one.kind for one in rows(Message)].count("debit_stopped") == 2  # one for each day
    assert verify().differences == []


def test_a_lower_maximum_stops_what_is_above_it_before_the_page_answers(shop: Shop) -> None:
    written_and_announced(shop)

    shop.enter(is_verified=True).open("/mandate/autopay").submit("Save", autopay="on", maximum="100")

    assert at_provider(shop) == [(8_000, "pending_submission"), (12_000, "cancelled")]
    assert state_of_third() is CollectionState.ANNOUNCED


def test_leaving_out_an_invoice_stops_its_written_debit_before_the_page_answers(shop: Shop) -> None:
    written_and_announced(shop)
    browser = shop.enter(is_verified=True)
    form = browser.open("/mandate/debits").form_of("Leave F-3 out")
    form.action = f"/mandate/debits/{shop.counter.invoices['F-1']}/leave-out"

    page = browser.send(form, "/mandate/debits")

    assert "Nothing will be debited for this invoice." in page.text
    assert at_provider(shop) == [(8_000, "pending_submission"), (12_000, "cancelled")]
    assert [one.kind for one in rows(Message)].count("debit_left_out") == 1


def test_switching_off_while_the_provider_is_silent_is_done_by_the_job_without_a_press_more(shop: Shop) -> None:
    written_and_announced(shop)
    shop.counter.twins.fault("status", provider="gocardless", match="actions/cancel", status=503, times=0)

    page = shop.enter(is_verified=True).open("/mandate/autopay").submit("Save", autopay="off")

    assert "Automatic payment is off." in page.text
    assert at_provider(shop) == [(8_000, "pending_submission"), (12_000, "pending_submission")]
    shop.counter.twins.clear_faults()
    with transaction() as session:  # what was asked for in the commit of the press is tried again, and no duty has run
        for row in session.scalars(select(OutboxMessage).where(OutboxMessage.job == RECONSIDER)):
            row.due_at, row.locked_until = clock.now(), None
    shop.counter.deliver()
    assert at_provider(shop) == [(8_000, "cancelled"), (12_000, "cancelled")]
    assert verify().differences == []


def test_a_suspended_mandate_is_shown_as_such_and_not_as_none(shop: Shop) -> None:
    mandate_id = shop.counter.give_mandate()
    with transaction() as session:
        if session.get_one(Mandate, mandate_id).status is not MandateStatus.ACTIVE:
            mandates.advance(session, mandate_id, MandateStatus.ACTIVE, by=shop.counter.by)
        mandates.advance(session, mandate_id, MandateStatus.SUSPENDED, by=shop.counter.by)

    page = shop.enter(is_verified=True).open("/mandate")

    assert "Suspended mandate" in page.text
    assert "Your bank has suspended this mandate." in page.text
    assert "Sign another mandate" in page.text
    assert "No mandate yet" not in page.text
    assert "Former mandate" not in page.text
