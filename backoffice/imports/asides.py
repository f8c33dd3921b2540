"""Lines of a table that are no documents: totals, and what a printout repeats on every page.

A line is left out only where nothing can be lost with it. "Total" alone says little: TotalEnergies is a customer, and a line of his with a
day on it is an invoice whose number is missing, not a sum.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backoffice.imports.values import Cell, folded, plain, text_of

_WORD = (
    r"totals?|totaux|totale|totali|totales|total general|grand total|sous ?totaux|sous ?total|subtotals?|sub ?total|subtotale|somme|sommes|somma|"
    r"suma|summe|gesamt|gesamtsumme|gesamtergebnis|gesamtbetrag|zwischensumme|endsumme|ergebnis|cumul"
)
_BARE = re.compile(rf"(?:{_WORD})(?: (?:{_WORD}|general|generale|complessivo|ttc|ht|clients?|eur|page|report|compte))*")
_BEFORE = re.compile(rf"(?:{_WORD}) .+")
_BEHIND = re.compile(r".+ (?:total|totale|ergebnis|summe|zwischensumme|subtotal)")
_CLOSING = re.compile(r"(?:solde|saldo|balance)(?: (?:au|final|du compte|compte|closing|finale|al|zum)\b.*)?")
_PRINTED = re.compile(
    r"(?:page|seite|pagina|p) \d+(?: (?:sur|de|of|von|di) \d+| \d+)?|(?:edite|edition|imprime|tire|printed|generated|gedruckt|erstellt|impreso|stampato) "
    r"(?:le|on|am|el|il|du)\b.*"
)
_SEPARATORS = re.compile(r"[\W_]+")


def says_total(text: str) -> bool:
    """Whether a cell may name a sum: "TOTAL", "Sous-total Dupont", "Dupont Total"; TotalEnergies does not."""
    words = _words(text)
    return bool(words and (_BARE.fullmatch(words) or _BEFORE.fullmatch(words) or _BEHIND.fullmatch(words)))


def is_total(text: str) -> bool:
    """Whether a cell names a sum and nothing else: "TOTAL", "Total général:"."""
    return bool(_BARE.fullmatch(_words(text)))


def says_closing(text: str) -> bool:
    """Whether a cell names what an account closes with: "Solde", "Solde au 30/11/2026"; an opening balance is money of its own."""
    return bool(_CLOSING.fullmatch(_words(text)))


def is_printed(text: str) -> bool:
    """Whether a cell is what a printer adds: "Page 1/2", "Édité le 01/12/2026"."""
    return bool(_PRINTED.fullmatch(_words(text)))


def filled(row: Sequence[Cell]) -> list[tuple[int, str]]:
    """The cells of a row that are not blank, with their places."""
    return [(place, text) for place, cell in enumerate(row) if (text := plain(text_of(cell)))]


def _words(text: str) -> str:
    return _SEPARATORS.sub(" ", folded(text)).strip()
