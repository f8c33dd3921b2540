"""Pure decisions on papers: what an imported total says of its VAT, and which names go into an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from shared.documents.facts import LineFacts, MovementFacts, VatFacts
from shared.kit.money import Money

USUAL_RATES = tuple(map(Decimal, ("20", "10", "5.5", "2.1", "8.5")))
"""VAT rates in force in France and overseas (CGI art. 278, 278-0 bis, 279, 281 quater and 296)."""


def sole_line(description: str, net: Money, vat: Money) -> tuple[LineFacts, VatFacts] | None:
    """One line that says what net and VAT say, when exactly one usual rate explains them; else None.

    No VAT at all explains nothing: it has half a dozen reasons, and the invoice must name the true one.
    """
    if net.minor <= 0 or vat.minor <= 0:
        return None
    rates = [rate for rate in USUAL_RATES if abs(net.share(rate / 100).minor - vat.minor) <= 1]
    if len(rates) != 1:
        return None
    line = LineFacts(description=description, quantity=Decimal(1), unit_price=net.decimal, net=net, vat_rate=rates[0])
    return line, VatFacts(category="S", rate=rates[0], base=net, vat=vat)


def unique_names(names: Iterable[str]) -> Iterator[str]:
    """The names with " (2)", " (3)" … before the ending where one comes again, whatever its case."""
    taken: set[str] = set()
    for name in names:
        stem, dot, ending = name.rpartition(".")
        candidate, count = name, 1
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem} ({count}){dot}{ending}" if dot else f"{name} ({count})"
        taken.add(candidate.casefold())
        yield candidate


def effect(movement: MovementFacts) -> Money:
    """What a movement does to the balance: positive when the customer owes more."""
    if movement.debit is not None:
        return movement.debit
    return -movement.credit if movement.credit is not None else Money.zero()
