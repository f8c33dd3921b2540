"""What a payout is to each company: summed exactly, rounded once. Pure; amounts in minor units."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from payments.gateways.base import PayoutLine

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payout belongs to one company: `gross` less `fee`, and what came from `elsewhere`, reached its bank."""

    gross_minor: int
    fee_minor: int
    elsewhere_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What reached the bank."""
        return self.gross_minor + self.elsewhere_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class Owners:
    """To which company a line belongs."""

    payments: Mapping[str, uuid.UUID]
    """A payment's reference at the provider → its company."""
    returned: Mapping[str, Mapping[uuid.UUID, int]]
    """An earlier payout that came back → what each company had received of it."""
    home: uuid.UUID | None
    """Who takes what belongs to nobody when the payout holds nothing of ours."""


@dataclass(slots=True)
class _Sum:
    gross: Decimal = _NOTHING
    fee: Decimal = _NOTHING
    elsewhere: Decimal = _NOTHING

    @property
    def net(self) -> Decimal:
        return self.gross + self.elsewhere - self.fee


def unexplained(lines: Iterable[PayoutLine], amount_minor: int) -> int:
    """What of a payout its lines do not explain: 0 when their exact sum, rounded once, can be its amount.

    GoCardless gives items with one decimal and rounds their sum (API reference, payout items).
    """
    rest = amount_minor - sum((line.gross_minor - line.fee_minor for line in lines), _NOTHING)
    return 0 if abs(rest) < 1 else int(rest.quantize(Decimal(1), ROUND_HALF_UP))


def shares(lines: Iterable[PayoutLine], amount_minor: int, owners: Owners) -> dict[uuid.UUID, Share]:
    """What each company has of a payout; the nets make exactly its amount.

    What belongs to none of our payments goes to the company with the most; so does what the lines do not explain, as
    money from elsewhere. Fractions of a cent go to the largest remainders, and are borne by the fees. Empty when there
    is no company at all.
    """
    lines = list(lines)
    sums: dict[uuid.UUID | None, _Sum] = {}
    for line in lines:
        for company_id, gross in _owned(line, owners):
            _add(sums.setdefault(company_id, _Sum()), line, gross)
    rest = sums.pop(None, _Sum())
    mine = {company_id: one for company_id, one in sums.items() if company_id is not None}
    home = max(mine, key=lambda one: (abs(mine[one].gross), one)) if mine else owners.home
    if home is None:
        return {}
    total = mine.setdefault(home, _Sum())
    total.gross += rest.gross
    total.fee += rest.fee
    total.elsewhere += rest.elsewhere + unexplained(lines, amount_minor)
    return _rounded(mine, amount_minor)


def _owned(line: PayoutLine, owners: Owners) -> list[tuple[uuid.UUID | None, Decimal]]:
    before = owners.returned.get(line.payout_reference or "", {})
    if before and sum(before.values()) == line.gross_minor:
        return [(company_id, Decimal(minor)) for company_id, minor in before.items()]
    return [(owners.payments.get(line.payment_reference or ""), line.gross_minor)]


def _add(total: _Sum, line: PayoutLine, gross: Decimal) -> None:
    total.fee += line.fee_minor
    if line.kind == "other":
        total.elsewhere += gross
    else:
        total.gross += gross


def _rounded(sums: Mapping[uuid.UUID, _Sum], amount_minor: int) -> dict[uuid.UUID, Share]:
    nets = {company_id: int(one.net.to_integral_value(ROUND_FLOOR)) for company_id, one in sums.items()}
    by_remainder = sorted(sums, key=lambda one: (nets[one] - sums[one].net, one))
    for company_id in by_remainder[: amount_minor - sum(nets.values())]:
        nets[company_id] += 1
    found = {}
    for company_id, one in sums.items():
        gross, elsewhere = rounded(one.gross), rounded(one.elsewhere)
        found[company_id] = Share(gross, gross + elsewhere - nets[company_id], elsewhere)
    return found


def rounded(minor: Decimal) -> int:
    """To a whole minor unit, half up."""
    return int(minor.quantize(Decimal(1), ROUND_HALF_UP))
