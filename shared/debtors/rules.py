"""When two writings are one customer: pure decisions on names and codes."""

from __future__ import annotations

import re
import unicodedata

_FORMS = frozenset(
    [
        "sa",
        "sas",
        "sasu",
        "sarl",
        "eurl",
        "ei",
        "eirl",
        "sci",
        "scp",
        "scop",
        "snc",
        "sca",
        "gie",
        "selarl",
        "selas",
        "ste",
        "societe",
        "ets",
        "etablissements",
        "association",
        "asso",
        "ltd",
        "limited",
        "plc",
        "llc",
        "llp",
        "inc",
        "corp",
        "co",
        "company",
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "ug",
        "bv",
        "nv",
        "srl",
        "spa",
        "sl",
        "slu",
        "sprl",
        "bvba",
        "se",
        "cie",
        "et",
        "and",
        "the",
        "le",
        "la",
        "les",
        "m",
        "mme",
        "mr",
        "mrs",
        "ms",
        "monsieur",
        "madame",
    ]
)
_APART = re.compile(r"[^a-z0-9]+")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}")


def name_essence(name: str) -> str:
    """A name without case, accents, punctuation and legal form: "S.A.R.L. Dupré & Fils" is "dupre fils"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    plain = _INITIALS.sub(lambda found: found[0].replace(".", "") + " ", plain)
    words = _APART.sub(" ", plain).split()
    kept = [word for word in words if word not in _FORMS]
    return " ".join(kept or words)


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in case, accents, punctuation, legal form or the order of words alone."""
    if one == other:
        return True
    first, second = name_essence(one), name_essence(other)
    return first == second or sorted(first.split()) == sorted(second.split())


def says_who(code: str, name: str) -> bool:
    """Whether a customer's code is made of its name or of an address: "Jean Martin", "jean@x.fr". One that is all that is known is not."""
    return "@" in code or (code != name and bool(name.strip()) and name.strip().casefold() in code.casefold())


def code_essence(code: str) -> str:
    """A customer's code without case and outer blanks: "c1" is "C1"."""
    return code.strip().casefold()
