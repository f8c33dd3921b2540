"""GoCardless's twin, driven by the real SDK over HTTP. Time begins on Tuesday, 10 March 2026."""

from __future__ import annotations

from datetime import date

import pytest
import requests
from gocardless_pro import errors

from payments.twins.bank_days import add_bank_days, is_bank_day
from payments.twins.gocardless_twin.banks import FATES, fate_of, read_iban
from tests.payments.twins.conftest import Debits, gocardless_client


def test_a_billing_request_becomes_a_mandate_step_by_step(debits: Debits):
    client = debits.client
    asked = client.billing_requests.create(
        params={"mandate_request": {"currency": "EUR", "scheme": "sepa_core", "metadata": {"setup_id": "s-1"}}}
    )
    assert (asked.status, [action["status"] for action in asked.actions]) == ("pending", ["pending"] * 3)
    with pytest.raises(errors.InvalidStateError):
        client.billing_requests.fulfil(asked.id)

    client.billing_requests.collect_customer_details(
        asked.id,
        params={
            "customer": {"email": "dora@example.com", "given_name": "Dora", "family_name": "Petit"},
            "customer_billing_detail": {
                "address_line1": "3 rue du Four",
                "city": "Rennes",
                "postal_code": "35000",
                "country_code": "FR",
            },
        },
    )
    client.billing_requests.collect_bank_account(asked.id, params={"iban": "FR1420041010050500013M02606"})
    ready = client.billing_requests.confirm_payer_details(asked.id)
    done = client.billing_requests.fulfil(asked.id)

    assert (ready.status, done.status) == ("ready_to_fulfil", "fulfilled")
    mandate = client.mandates.get(done.links.mandate_request_mandate)
    assert (mandate.status, mandate.scheme, mandate.metadata) == (
        "pending_submission",
        "sepa_core",
        {"setup_id": "s-1"},
    )
    account = client.customer_bank_accounts.get(mandate.links.customer_bank_account)
    assert (account.account_holder_name, account.bank_name) == ("DORA PETIT", "LA BANQUE POSTALE")
    events = client.events.list(params={"billing_request": asked.id}).records
    assert [event.action for event in reversed(events)] == [
        "created",
        "collect_customer_details",
        "collect_bank_account",
        "payer_details_confirmed",
        "fulfilled",
    ]


def test_a_cancelled_billing_request_can_do_nothing_more(debits: Debits):
    asked = debits.client.billing_requests.create(params={"mandate_request": {"currency": "EUR"}})
    assert debits.client.billing_requests.cancel(asked.id).status == "cancelled"
    with pytest.raises(errors.InvalidStateError):
        debits.client.billing_requests.collect_bank_account(asked.id, params={"iban": "FR1420041010050500013M02606"})


def test_a_debit_takes_six_bank_days_from_creation_to_payout(debits: Debits):
    mandate = debits.mandate()
    payment = debits.pay(mandate, 10_000)
    story = [(debits.twins.now()["today"], debits.status(payment), debits.client.mandates.get(mandate).status)]
    for _ in range(6):
        today = debits.twins.advance(bank_days=1)["today"]
        story.append((today, debits.status(payment), debits.client.mandates.get(mandate).status))

    assert payment.charge_date == "2026-03-13"
    assert story == [
        ("2026-03-10", "pending_submission", "pending_submission"),
        ("2026-03-11", "submitted", "submitted"),
        ("2026-03-12", "submitted", "active"),
        ("2026-03-13", "submitted", "active"),
        ("2026-03-16", "confirmed", "active"),
        ("2026-03-17", "confirmed", "active"),
        ("2026-03-18", "paid_out", "active"),
    ]
    assert debits.actions(payment) == ["created", "submitted", "confirmed", "paid_out"]


def test_moving_by_single_days_or_by_a_month_tells_the_same_story(debits: Debits):
    payment = debits.pay(debits.mandate("refunded_by_bank"))
    debits.twins.advance(30)
    # Nothing else is paid out, so the debt waits for a payout to be deducted from.
    assert debits.actions(payment) == ["created", "submitted", "confirmed", "paid_out", "charged_back"]
    events = debits.client.events.list(params={"payment": payment.id}).records
    assert [event.created_at[:10] for event in reversed(events)] == [
        "2026-03-10",
        "2026-03-10",
        "2026-03-15",
        "2026-03-17",
        "2026-03-19",
    ]


def test_a_charge_date_is_never_too_early_and_falls_on_a_bank_day(debits: Debits):
    mandate = debits.mandate()
    with pytest.raises(errors.ValidationFailedError) as refused:
        debits.pay(mandate, charge_date="2026-03-12")
    assert refused.value.errors[0]["field"] == "charge_date"
    assert debits.pay(mandate, charge_date="2026-03-14").charge_date == "2026-03-16"
    # Good Friday, Easter Monday.
    assert debits.pay(mandate, charge_date="2026-04-03").charge_date == "2026-04-07"
    # 14 July is a holiday for people, not for banks.
    assert debits.pay(mandate, charge_date="2026-07-14").charge_date == "2026-07-14"


def test_the_earliest_charge_date_moves_on_with_time(debits: Debits):
    mandate = debits.mandate()
    assert debits.client.mandates.get(mandate).next_possible_charge_date == "2026-03-13"
    debits.twins.advance(3)
    assert debits.client.mandates.get(mandate).next_possible_charge_date == "2026-03-18"
    debits.client.mandates.cancel(mandate)
    assert debits.client.mandates.get(mandate).next_possible_charge_date is None


def test_only_a_debit_that_has_not_left_can_be_cancelled(debits: Debits):
    mandate = debits.mandate()
    early, late = debits.pay(mandate), debits.pay(mandate)
    assert debits.client.payments.cancel(early.id).status == "cancelled"
    debits.twins.advance(bank_days=1)
    with pytest.raises(errors.InvalidStateError) as refused:
        debits.client.payments.cancel(late.id)
    assert refused.value.errors[0]["reason"] == "cancellation_failed"
    assert (refused.value.code, debits.status(late)) == (422, "submitted")


def test_cancelling_a_mandate_cancels_what_has_not_left(debits: Debits):
    mandate = debits.mandate()
    gone = debits.pay(mandate)
    debits.twins.advance(bank_days=1)
    waiting = debits.pay(mandate)

    debits.client.mandates.cancel(mandate)

    assert (debits.status(gone), debits.status(waiting)) == ("submitted", "cancelled")
    with pytest.raises(errors.InvalidStateError) as refused:
        debits.pay(mandate)
    assert refused.value.errors[0]["reason"] == "mandate_is_inactive"
    assert debits.client.mandates.reinstate(mandate).status == "pending_submission"
    with pytest.raises(errors.InvalidStateError) as refused:
        debits.client.mandates.reinstate(mandate)
    assert refused.value.errors[0]["reason"] == "mandate_not_inactive"


@pytest.mark.parametrize(
    ("iban", "code", "mandate_after"),
    [
        ("insufficient_funds", "AM04", "active"),
        ("account_closed", "AC04", "cancelled"),
        ("invalid_details", "AC01", "failed"),
        ("no_mandate", "MD01", "cancelled"),
        ("refer_to_payer", "MS03", "active"),
    ],
)
def test_the_bank_sends_debits_back_as_the_iban_says(debits: Debits, iban: str, code: str, mandate_after: str):
    mandate = debits.mandate(iban)
    payment = debits.pay(mandate)
    debits.twins.advance(bank_days=4)

    assert (debits.status(payment), debits.client.mandates.get(mandate).status) == ("failed", mandate_after)
    event = debits.client.events.list(params={"payment": payment.id, "action": "failed"}).records[0]
    assert (event.details.reason_code, event.details.origin) == (code, "bank")
    assert event.details.will_attempt_retry is False
    assert event.resource_metadata == {"attempt_id": "a-1"}


def test_a_mandate_may_be_refused_with_its_waiting_debits(debits: Debits):
    mandate = debits.mandate("mandate_fails")
    payment = debits.pay(mandate, charge_date="2026-03-20")
    debits.twins.advance(bank_days=1)
    assert (debits.client.mandates.get(mandate).status, debits.status(payment)) == ("failed", "cancelled")


def test_a_failed_debit_may_be_presented_three_times_more(debits: Debits):
    mandate = debits.mandate("insufficient_funds")
    payment = debits.pay(mandate)
    with pytest.raises(errors.InvalidStateError) as refused:
        debits.client.payments.retry(payment.id)
    assert refused.value.errors[0]["reason"] == "retry_failed"
    for _ in range(3):
        debits.twins.advance(bank_days=5)
        assert debits.status(payment) == "failed"
        assert debits.client.payments.retry(payment.id).status == "pending_submission"
    debits.twins.advance(bank_days=5)
    with pytest.raises(errors.InvalidStateError):
        debits.client.payments.retry(payment.id)
    assert debits.actions(payment).count("resubmission_requested") == 3


def test_a_second_presentation_may_succeed(debits: Debits):
    payment = debits.pay(debits.mandate("insufficient_once"))
    debits.twins.advance(bank_days=5)
    debits.client.payments.retry(payment.id)
    debits.twins.advance(bank_days=4)
    assert debits.status(payment) == "confirmed"


def test_money_may_go_back_after_confirmation_and_before_the_payout(debits: Debits):
    payment = debits.pay(debits.mandate("late_failure"))
    debits.twins.advance(bank_days=4)
    assert debits.status(payment) == "confirmed"
    debits.twins.advance(bank_days=10)
    assert debits.actions(payment) == ["created", "submitted", "confirmed", "failed"]
    assert debits.client.payouts.list().records == []


@pytest.mark.parametrize(
    ("iban", "action", "settled", "item"),
    [
        ("late_failure_after_payout", "failed", "late_failure_settled", "payment_failed"),
        ("refunded_by_bank", "charged_back", "chargeback_settled", "payment_charged_back"),
    ],
)
def test_paid_out_money_that_goes_back_lowers_a_later_payout_once(
    debits: Debits, iban: str, action: str, settled: str, item: str
):
    bad = debits.pay(debits.mandate(iban), 10_000)
    debits.twins.advance(bank_days=4)
    good = debits.pay(debits.mandate(), 50_000)
    debits.twins.advance(bank_days=10)

    assert debits.actions(bad) == ["created", "submitted", "confirmed", "paid_out", action, settled]
    assert (debits.status(bad), debits.status(good)) == (action, "paid_out")
    latest, earliest = debits.client.payouts.list().records
    assert (earliest.amount, latest.amount) == (10_000 - 120, 50_000 - 400 - 10_000)
    items = debits.client.payout_items.list(params={"payout": latest.id}).records
    assert sorted((one.type, one.amount) for one in items) == [
        ("gocardless_fee", "-400.0"),
        (item, "-10000.0"),
        ("payment_paid_out", "50000.0"),
    ]
    assert latest.status == "paid"


def test_what_befalls_a_debit_can_be_commanded(debits: Debits):
    mandate = debits.mandate()
    late, contested, early = debits.pay(mandate), debits.pay(mandate), debits.pay(mandate)
    debits.twins.fault("failure", object=early.id)
    debits.twins.advance(bank_days=6)
    debits.twins.fault("late_failure", object=late.id)
    debits.twins.fault("chargeback", object=contested.id)
    assert (debits.status(late), debits.status(contested), debits.status(early)) == ("failed", "charged_back", "failed")
    debits.twins.fault("chargeback_cancelled", object=contested.id)
    assert debits.status(contested) == "paid_out"
    with pytest.raises(AssertionError, match="not confirmed or paid_out"):
        debits.twins.fault("late_failure", object=late.id)


def test_a_refund_must_know_the_running_total(debits: Debits):
    payment = debits.pay(debits.mandate(), 10_000)
    refunds = debits.client.refunds

    def refund(amount: int, total: int):
        return refunds.create(
            params={"amount": amount, "total_amount_confirmation": total, "links": {"payment": payment.id}}
        )

    with pytest.raises(errors.InvalidStateError):
        refund(1_000, 1_000)
    debits.twins.advance(bank_days=6)
    first = refund(4_000, 4_000)
    for amount, total, reason in (
        (1_000, 1_000, "total_amount_confirmation_invalid"),
        (6_001, 10_001, "available_refund_amount_insufficient"),
    ):
        with pytest.raises(errors.InvalidStateError) as refused:
            refund(amount, total)
        assert refused.value.errors[0]["reason"] == reason
    assert debits.client.payments.get(payment.id).amount_refunded == 4_000
    debits.twins.advance(bank_days=2)
    assert refunds.get(first.id).status == "paid"


@pytest.mark.parametrize(
    ("simulator", "status"),
    [
        ("payment_submitted", "submitted"),
        ("payment_confirmed", "confirmed"),
        ("payment_paid_out", "paid_out"),
        ("payment_failed", "failed"),
        ("payment_charged_back", "charged_back"),
        ("payment_chargeback_settled", "charged_back"),
        ("payment_late_failure", "failed"),
        ("payment_late_failure_settled", "failed"),
    ],
)
def test_scenario_simulators_bring_a_debit_there_at_once(debits: Debits, simulator: str, status: str):
    payment = debits.pay(debits.mandate())
    run = debits.client.scenario_simulators.run(simulator, params={"links": {"resource": payment.id}})
    assert (run.id, debits.status(payment)) == (simulator, status)
    assert debits.actions(payment)[-1] in {status, simulator.removeprefix("payment_")}
    with pytest.raises(errors.InvalidStateError):
        debits.client.scenario_simulators.run("payment_submitted", params={"links": {"resource": payment.id}})


def test_simulators_of_mandates_refunds_and_payouts(debits: Debits):
    client = debits.client

    def run(simulator: str, resource: str) -> None:
        client.scenario_simulators.run(simulator, params={"links": {"resource": resource}})

    mandate = debits.mandate()
    run("mandate_activated", mandate)
    payment = debits.pay(mandate, 10_000)
    run("payment_paid_out", payment.id)
    refund = client.refunds.create(
        params={"amount": 500, "total_amount_confirmation": 500, "links": {"payment": payment.id}}
    )
    run("refund_settled", refund.id)
    refunds_actions = [event.action for event in client.events.list(params={"refund": refund.id}).records]
    run("mandate_expired", mandate)
    payout = client.payouts.list().records[-1]
    debits.twins.advance(bank_days=1)
    run("payout_bounced", payout.id)

    assert refunds_actions == ["refund_settled", "paid", "created"]
    assert client.mandates.get(mandate).status == "expired"
    assert client.payouts.get(payout.id).status == "bounced"
    with pytest.raises(errors.InvalidApiUsageError):
        run("payment_evaporated", payment.id)


def test_lists_have_cursors_and_filters(debits: Debits):
    mandate = debits.mandate()
    made = [debits.pay(mandate, 1_000 + number).id for number in range(5)]
    payments = debits.client.payments

    first = payments.list(params={"limit": 2})
    second = payments.list(params={"limit": 2, "after": first.after})
    back = payments.list(params={"limit": 2, "before": second.before})

    assert [one.id for one in first.records] == made[:2:-1]
    assert [one.id for one in second.records] == [made[2], made[1]]
    assert [one.id for one in back.records] == [one.id for one in first.records]
    assert [one.id for one in payments.all(params={"limit": 2})] == made[::-1]
    payments.cancel(made[0])
    assert [one.id for one in payments.list(params={"status": "cancelled"}).records] == [made[0]]
    assert payments.list(params={"created_at[gt]": "2026-03-11T00:00:00.000Z"}).records == []
    assert len(payments.list(params={"mandate": mandate, "charge_date[lte]": "2026-03-13"}).records) == 5
    with pytest.raises(errors.ValidationFailedError):
        payments.list(params={"flavour": "sweet"})


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "many"}, "amount"),
        ({"currency": "GBP"}, "currency"),
        ({"metadata": {"a": "1", "b": "2", "c": "3", "d": "4"}}, "metadata"),
        ({"colour": "blue"}, "colour"),
        ({"links": {}}, "links.mandate"),
        ({"charge_date": "soon"}, "charge_date"),
    ],
)
def test_a_faulty_debit_is_refused_by_field(debits: Debits, odd: dict, field: str):
    with pytest.raises(errors.ValidationFailedError) as refused:
        debits.pay(debits.mandate(), **odd)
    assert refused.value.errors[0]["field"] == field


def test_requests_need_a_token_a_version_and_json(debits: Debits):
    url = f"{debits.twins.url}/payments"
    token = {"Authorization": f"Bearer {debits.twins.gocardless_token}"}
    version = {"GoCardless-Version": "2015-07-06"}
    answers = [
        requests.get(url, headers=version, timeout=5),
        requests.get(url, headers=token, timeout=5),
        requests.get(url, headers=token | {"GoCardless-Version": "2014-01-01"}, timeout=5),
        requests.post(url, headers=token | version, data="amount=1", timeout=5),
        requests.post(url, headers=token | version, json=[], timeout=5),
        requests.get(f"{url}/PM404", headers=token | version, timeout=5),
        requests.get(f"{debits.twins.url}/unheard_of", headers=token | version, timeout=5),
    ]
    reasons = [answer.json()["error"]["errors"][0]["reason"] for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 400, 400, 415, 400, 404, 404]
    assert reasons == [
        "unauthorized",
        "missing_version_header",
        "version_not_found",
        "invalid_content_type",
        "invalid_document_structure",
        "resource_not_found",
        "resource_not_found",
    ]


def test_the_same_account_twice_for_a_customer_is_refused(debits: Debits):
    customer = debits.client.customers.create(params={"company_name": "Dora", "email": "dora@example.com"})
    account = {
        "iban": "FR1420041010050500013M02606",
        "account_holder_name": "Dora",
        "links": {"customer": customer.id},
    }
    first = debits.client.customer_bank_accounts.create(params=account)
    with pytest.raises(errors.ValidationFailedError) as refused:
        debits.client.customer_bank_accounts.create(params=account)
    assert refused.value.errors[0]["links"]["customer_bank_account"] == first.id
    with pytest.raises(errors.ValidationFailedError):
        debits.client.customer_bank_accounts.create(params=account | {"iban": "FR1420041010050500013M02607"})


def test_there_is_a_creditor_with_a_sepa_identifier(debits: Debits):
    creditor = gocardless_client(debits.twins).creditors.list().records[0]
    assert creditor.scheme_identifiers[0]["reference"].startswith("FR")
    assert creditor.can_create_refunds


def test_every_test_iban_is_valid_and_means_one_thing():
    assert len({fate.iban for fate in FATES}) == len(FATES)
    for fate in FATES:
        assert read_iban(fate.iban) is not None
        assert fate_of(fate.iban) == fate


def test_banks_close_on_the_six_days_of_target2():
    closed = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25)]
    assert not any(is_bank_day(day) for day in closed)
    assert is_bank_day(date(2026, 7, 14))
    assert is_bank_day(date(2026, 11, 11))
    assert add_bank_days(date(2026, 4, 2), 1) == date(2026, 4, 7)
    assert add_bank_days(date(2026, 4, 7), -1) == date(2026, 4, 2)
