"""What must not be read out of the tables of steps: each of these was once planted and passed."""

from __future__ import annotations

from payments.status import PaymentStatus as S
from payments.status import payment_topic, way


def test_a_payment_in_a_payout_that_the_provider_still_calls_confirmed_stays_where_it_is():
    assert way(S.SETTLED, S.CONFIRMED) == ()


def test_a_chargeback_after_the_payout_is_told_as_one_and_not_as_a_late_failure():
    assert payment_topic(S.SETTLED, S.CHARGED_BACK) == "payment.charged_back"
    assert payment_topic(S.SETTLED, S.FAILED) == "payment.failed_late"
