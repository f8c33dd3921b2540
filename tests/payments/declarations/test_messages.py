"""What debtors read of promises and declared transfers: both languages, text and HTML, nothing left unfilled."""

from __future__ import annotations

import re
from datetime import date

import pytest

from shared.kit.money import Money
from shared.messages.render import render

FACTS = {
    "is_open": True,
    "company": {
        "name": "Atelier des Lices",
        "iban": "FR7630006000011234567890189",
        "legal_line": "Atelier des Lices · SAS",
        "address_line": "35000 Rennes",
        "contact_line": "compta@atelier.example",
    },
    "accent": "#1f5f5b",
    "on_accent": "#ffffff",
    "debtor": {"name": "Dora Durand SARL", "account_code": "411DORA", "kind": "business"},
    "contact": {"name": "Dora", "email": "dora@client.example"},
    "today": date(2026, 3, 10),
    "link": "https://pay.example/l/x",
    "public_url": "https://pay.example",
    "why": "why",
    "total": Money(100_000),
    "came": Money(40_000),
    "missing": Money(60_000),
    "received": Money(100_000),
    "promised_on": date(2026, 3, 15),
    "until_on": date(2026, 3, 18),
    "paid_on": date(2026, 3, 9),
    "received_on": date(2026, 3, 10),
    "reference": "PRO-7F3K-2M9Q-4",
    "payment": "PAY-7F3K-2M9Q-4",
    "bank_reference": "VIR 42",
    "numbers": "F-1, F-2",
    "answer": "It went to another account.",
    "reason": "As you wished",
    "is_change": False,
    "is_own": True,
    "said_by": "Dora",
}
KINDS = (
    "promise_made",
    "promise_broken",
    "promise_cancelled",
    "declaration_matched",
    "declaration_refused",
    "declaration_expired",
)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_whole_in_both_parts(settings, kind, language):
    made = render(kind, FACTS, language=language)
    for part in (made.subject, made.text, made.html):
        assert part.strip()
        assert not re.search(r"%\(\w+\)s|\{\{|\bNone\b", part)
    assert "Atelier des Lices" in made.subject
    assert "https://pay.example/l/x" in made.text
    assert "F-1, F-2" in made.text


def test_french_is_not_english(settings):
    for kind in KINDS:
        assert render(kind, FACTS, language="fr").subject != render(kind, FACTS, language="en").subject
