"""Which passwords are too easy to guess. Pure.

Length does most (OWASP ASVS 5.0, 6.2.1); what is left is what everybody tries first (6.2.4): common words with digits
around them, the person's own address and name, one character or a row of the keyboard over and over.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200
LEAST_OF_ITS_OWN = 6
"""Characters that must remain when what everybody can guess is taken away."""

_COMMON = [
    "password",
    "passwort",
    "motdepasse",
    "mdp",
    "azertyuiop",
    "azerty",
    "qwertyuiop",
    "qwertz",
    "qwerty",
    "bonjour",
    "welcome",
    "bienvenue",
    "bienvenu",
    "guichet",
    "admin",
    "administrateur",
    "administrator",
    "letmein",
    "iloveyou",
    "jetaime",
    "changeme",
    "changezmoi",
    "secret",
    "soleil",
    "princesse",
    "doudou",
    "loulou",
    "chouchou",
    "marseille",
    "paris",
    "france",
    "dragon",
    "monkey",
    "football",
    "superman",
    "summer",
    "winter",
    "spring",
    "autumn",
    "printemps",
    "automne",
    "hiver",
    "facture",
    "factures",
    "comptabilite",
    "compta",
    "finance",
    "banque",
    "client",
    "default",
    "defaut",
    "temporaire",
    "temporary",
    "test",
    "demo",
    "company",
    "societe",
    "login",
    "connexion",
    "connect",
    "master",
    "user",
    "utilisateur",
    "entreprise",
]
_LETTERS = str.maketrans("@4301!5$7", "aaeoiisst")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "azertyuiop", "qsdfghjklm", "qwertyuiop", "asdfghjkl", "zxcvbnm")


class Weakness(enum.Enum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"
    OWN = "own"
    ROW = "row"


def weakness(password: str, known: Iterable[str] = ()) -> Weakness | None:
    """What is wrong with a password, or None. `known`: the person's address, name, company and the like."""
    if len(password) < MINIMUM_LENGTH:
        return Weakness.SHORT
    if len(password) > MAXIMUM_LENGTH:
        return Weakness.LONG
    if len(set(password.casefold())) < 5 or len(_without_rows(password)) < LEAST_OF_ITS_OWN:
        return Weakness.ROW
    plain = _plain(password)
    own = {_plain(word) for text in known for word in re.findall(r"\w{3,}", _plain(text, leet=False))}  # "@" parts two
    if _left(plain, own) < LEAST_OF_ITS_OWN and own:
        return Weakness.OWN
    if _left(plain, own | set(_COMMON)) < LEAST_OF_ITS_OWN:
        return Weakness.COMMON
    return None


def _left(plain: str, words: Iterable[str]) -> int:
    """How many letters remain without these words; digits and signs are what everybody adds."""
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, " ")
    return len(re.findall(r"[^\W\d_]", plain))


def _plain(text: str, *, leet: bool = True) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return bare.translate(_LETTERS) if leet and re.search(r"[^\W\d_]", bare) else bare


def _without_rows(password: str) -> str:
    """The password without runs of four or more neighbours of the keyboard or the alphabet, in either direction."""
    text = password.casefold()
    runs = {row[i : i + 4] for line in _ROWS for row in (line * 2, line[::-1] * 2) for i in range(len(row) - 3)}
    is_run = [False] * len(text)
    for i in range(len(text) - 3):
        if text[i : i + 4] in runs or len(set(text[i : i + 4])) == 1:
            is_run[i : i + 4] = [True] * 4
    return "".join(c for c, run in zip(text, is_run, strict=True) if not run)
