"""Passwords that everybody tries first are refused, and those that people can remember are not."""

from __future__ import annotations

import pytest

from backoffice.access.rules import Weakness, weakness

KNOWN = ("ines.morel@guichet.example", "Inès Morel", "Atelier des Lices")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", Weakness.SHORT),
        ("x" * 201, Weakness.LONG),
        ("password1234", Weakness.COMMON),
        ("P@ssw0rd2026!", Weakness.COMMON),
        ("MotDePasse2026", Weakness.COMMON),
        ("Azertyuiop123", Weakness.ROW),
        ("Bienvenue-2026!", Weakness.COMMON),
        ("aaaaaaaaaaaa", Weakness.ROW),
        ("123456789012", Weakness.ROW),
        ("abcdefghijkl", Weakness.ROW),
        ("            ", Weakness.ROW),
        ("ines.morel@guichet.example", Weakness.OWN),
        ("InesMorel2026", Weakness.OWN),
        ("atelierdeslices1", Weakness.OWN),
        ("morel-lices-75011", Weakness.OWN),
    ],
)
def test_what_anybody_guesses_is_refused(password: str, why: Weakness) -> None:
    assert weakness(password, KNOWN) is why


@pytest.mark.parametrize(
    "password",
    [
        "a-long-enough-password",
        "quatre vaches sur le toit",
        "xk2qp-9vfd3-mhw7c",
        "Tr0ubadour & 3 lunes",
        "корова на крыше",
    ],
)
def test_what_is_ones_own_passes(password: str) -> None:
    assert weakness(password, KNOWN) is None
