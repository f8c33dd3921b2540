"""The test cards, and what becomes of a payment with each. Numbers and answers are those of docs.stripe.com/testing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One test card. `fate` is what happens when it is charged."""

    name: str
    number: str
    brand: str
    country: str
    fate: str
    code: str = ""
    decline_code: str = ""

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def pretty(self) -> str:
        return " ".join(self.number[i : i + 4] for i in range(0, 16, 4))


CARDS = (
    Card("success", "4242424242424242", "visa", "US", "paid"),
    Card("success_fr", "4000002500000003", "visa", "FR", "paid"),
    Card("mastercard", "5555555555554444", "mastercard", "US", "paid"),
    Card("declined", "4000000000000002", "visa", "US", "declined", "card_declined", "generic_decline"),
    Card("insufficient", "4000000000009995", "visa", "US", "declined", "card_declined", "insufficient_funds"),
    Card("lost", "4000000000009987", "visa", "US", "declined", "card_declined", "lost_card"),
    Card("expired", "4000000000000069", "visa", "US", "declined", "expired_card"),
    Card("wrong_cvc", "4000000000000127", "visa", "US", "declined", "incorrect_cvc"),
    Card("processing_error", "4000000000000119", "visa", "US", "declined", "processing_error"),
    Card("challenge", "4000002500003155", "visa", "FR", "challenge"),
    Card(
        "challenge_declined", "4000008400001629", "visa", "US", "challenge_declined", "card_declined", "generic_decline"
    ),
    Card("chargeback", "4000000000000259", "visa", "US", "chargeback"),
    Card("inquiry", "4000000000001976", "visa", "US", "inquiry"),
    Card("refund_later", "4000000000007726", "visa", "US", "refund_later"),
    Card("refund_fails", "4000000000005126", "visa", "US", "refund_fails"),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_NAME = {card.name: card for card in CARDS}

MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "payment_intent_authentication_failure": (
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    ),
}
"""What Stripe says in English, by decline code or code."""


def find(number: str) -> Card | None:
    """A test card by its digits, blanks allowed."""
    return BY_NUMBER.get("".join(number.split()))


def is_well_formed(number: str) -> bool:
    """True when the check digit is right (Luhn)."""
    digits = "".join(number.split())
    if not (digits.isdecimal() and 12 <= len(digits) <= 19):
        return False
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
