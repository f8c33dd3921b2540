"""What a debtor reads of his payments."""

from __future__ import annotations

from payments.labels import payment_words
from payments.models import Means
from payments.status import PaymentStatus


def test_a_debit_that_had_come_and_went_back_is_not_called_refused() -> None:
    refused = payment_words(PaymentStatus.FAILED, Means.DEBIT)
    returned = payment_words(PaymentStatus.FAILED, Means.DEBIT, had_come=True)

    assert str(refused.word) == "Refused by the bank"
    assert str(returned.word) == "Taken back by your bank"
    assert str(payment_words(PaymentStatus.FAILED, Means.CARD, had_come=True).word) == "Not paid"
