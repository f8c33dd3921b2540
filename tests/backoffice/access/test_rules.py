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


COMMON = """
password passwort motdepasse mdp azertyuiop azerty qwertyuiop qwertz qwerty bonjour welcome bienvenue bienvenu
guichet admin administrateur administrator letmein iloveyou jetaime changeme changezmoi secret soleil princesse
doudou loulou chouchou marseille paris france dragon monkey football superman summer winter spring autumn
printemps automne hiver facture factures comptabilite compta finance banque client default defaut temporaire
temporary test demo company societe login connexion connect master user utilisateur entreprise
"""


@pytest.mark.parametrize("word", COMMON.split())
def test_a_word_that_everybody_tries_is_nothing_of_ones_own(word: str) -> None:
    """Five letters beside it are too few, six are enough."""
    signs = "-;.:" * 2
    assert weakness(f"{word}{signs}xvbkz") is Weakness.COMMON
    assert weakness(f"{word}{signs}xvbkzp") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("xk2qp-9vfd3", Weakness.SHORT),
        ("xk2qp-9vfd3-", None),
        ("xk2qp-9vfd" * 20, None),
        ("xk2qp-9vfd" * 20 + "x", Weakness.LONG),
        ("abcdabcdabcd", Weakness.ROW),
        ("kxqzkxqzkxqz", Weakness.ROW),  # four letters, none of them neighbours
        ("kxqzvkxqzvkx", None),
        ("KxQzkXqZKxqz", Weakness.ROW),
    ],
)
def test_the_length_and_the_number_of_different_signs_count(password: str, why: Weakness | None) -> None:
    assert weakness(password) is why


@pytest.mark.parametrize(
    "row",
    [
        "abcdefgh",
        "stuvwxyz",
        "yzab",
        "zyxw",
        "0123",
        "7890",
        "4321",
        "azer",
        "poiu",
        "qsdf",
        "mlkj",
        "qwer",
        "asdf",
        "zxcv",
        "mnbv",
        "kkkk",
        "AbCd",
        "8900",
        "iopa",
        "lmqs",
        "iopq",
        "klas",
        "bnmz",
        "zapo",
    ],
)
def test_neighbours_of_the_keyboard_or_the_alphabet_are_nothing_of_ones_own(row: str) -> None:
    assert weakness(f"{row * 3}k7w2t".ljust(12, "k")[:40]) is Weakness.ROW
    assert weakness(f"{row}vh7w2ktpzm") is None


def test_three_neighbours_are_no_row() -> None:
    assert weakness("abc-xyz-qwe-kjh") is None


def test_what_is_written_with_signs_for_letters_is_read_as_letters() -> None:
    for word in ("p@ssw0rd", "adm1n", "m@r$eille", "pa551ver", "7e57", "s3cre7", "cl13nt"):
        assert weakness(f"{word}-{word}-12-34", ("passiver",)) in (Weakness.COMMON, Weakness.OWN), word


def test_short_words_of_a_name_are_no_name() -> None:
    assert weakness("or-xk2qp-9vfd3", ("Or",)) is None
    assert weakness("lea-bcfgk-;.:", ("Léa",)) is Weakness.OWN
    assert weakness("lea-bcfghk-;.:", ("Léa",)) is None


def test_of_two_known_words_the_longer_is_taken_away_first() -> None:
    assert weakness("martinezmartin-abcfg", ("Martin", "Martinez")) is Weakness.OWN


def test_a_row_at_the_end_is_a_row_and_six_signs_beside_it_are_enough() -> None:
    assert weakness("abcdefghk7w2tabcd") is Weakness.ROW
    assert weakness("aaaabbbbccccvh7w2") is Weakness.ROW
    assert weakness("abcdefghkvwxqz") is None


def test_three_times_the_same_sign_is_no_row_wherever_it_stands() -> None:
    assert weakness("aaabbbcccdddeee") is None
    assert weakness("xk2qp-9vfkkk") is None


def test_digits_alone_are_nothing_of_ones_own() -> None:
    assert weakness("401753170435") is Weakness.COMMON
    assert weakness("839271746528", ()) is Weakness.COMMON


def test_a_name_with_digits_is_a_name() -> None:
    assert weakness("Agence404-agence404", ("Agence404",)) is Weakness.OWN
    assert weakness("ag3nce4o4-2026!", ("Agence404",)) is Weakness.OWN


def test_the_two_sides_of_an_address_are_two_words() -> None:
    assert weakness("morel-lices-morel", ("ines.morel@lices.example",)) is Weakness.OWN
