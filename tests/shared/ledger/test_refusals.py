"""Why so much cannot be reserved: its own reason, in the language of who reads it."""

from __future__ import annotations

import pytest

from shared.kit.words import speak
from shared.ledger.refusals import not_available, why_not


@pytest.mark.parametrize(
    ("wanted", "open_minor", "held", "reason"),
    [
        (1, 0, 0, "paid"),
        (101, 100, 0, "less"),
        (100, 100, 1, "payment_under_way"),
        (60, 100, 40, "frozen"),
    ],
)
def test_the_reason_is_what_took_the_last_cent(wanted, open_minor, held, reason):
    assert why_not(wanted_minor=wanted, open_minor=open_minor, held_minor=held) == reason


def test_each_reason_has_words_of_its_own_in_both_languages():
    said = {}
    for language in ("en", "fr"):
        speak(language)
        said[language] = [
            not_available("F-1", reason).message for reason in ("paid", "less", "payment_under_way", "frozen", "other")
        ]
    speak("en")
    assert all("F-1" in text for texts in said.values() for text in texts)
    assert len({*said["en"], *said["fr"]}) == 10
