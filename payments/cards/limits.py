"""The smallest card payment by currency, and what a card statement says. Pure.

Source: Stripe's published table (docs.stripe.com/currencies.md, "Minimum and maximum charge amounts", all of its 24 currencies) and
its requirements for statement descriptors (docs.stripe.com/get-started/account/statement-descriptors).

The table is of *settlement* currencies, those of the account's bank accounts. A payment in a currency that none of them holds is
converted, and must meet the minimum of the account's default currency after that: which one that is, only Stripe knows, and it
refuses what is too small then (`amount_too_small`). We say beforehand what is certain: the minimum where nothing is converted.
"""

from __future__ import annotations

import re
import unicodedata

SMALLEST_MINOR: dict[str, int] = {
    "AED": 200,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1_500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17_500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1_000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1_000,
    "USD": 50,
}
"""In minor units of each currency: yen have none, so ¥50 is 50."""

LONGEST_DESCRIPTOR = 22
"""Prefix, "* " and suffix together."""

SHORTEST_PREFIX = 2


def smallest_minor(currency: str) -> int:
    """The smallest card payment in minor units; one unit where nothing is published, so that the provider decides."""
    return SMALLEST_MINOR.get(currency, 1)


def statement_suffix(company: str, reference: str) -> str:
    """What follows the account's own name on a card statement: which company, and which payment.

    At most 18 Latin characters, which fit behind the shortest prefix with "* "; behind a longer one Stripe cuts the end off. So
    the end of the payment's reference, by which people find it, comes first and the company's name after it:
    "PAY-7F3K-2M9Q-4" of "Béton Lyon" gives "2M9Q-4 BETON LYON".
    """
    room = LONGEST_DESCRIPTOR - SHORTEST_PREFIX - len("* ")
    mark = reference.rsplit("-", 2)
    tail = "-".join(mark[-2:]) if len(mark) > 2 else reference
    tail = _latin(tail)[-10:]
    name = _latin(company)[: room - len(tail) - 1].strip()
    text = f"{tail} {name}".strip()
    return text if re.search("[A-Z]", text) else f"P {text}"[:room]


def _latin(text: str) -> str:
    """Letters, digits, blanks, dots and dashes, in capitals, without accents: what every bank prints."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r" +", " ", re.sub(r"[^A-Za-z0-9 .-]", " ", plain)).strip().upper()
