"""Payouts against the provider: each one booked, for its amount, with its fees, and none that the provider does not know."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.gateways.base import PayoutLine, PayoutSeen
from payments.gateways.choose import gateway_of
from payments.models import Payment, Payout, Provider
from payments.payouts.book import owners_of
from payments.payouts.rules import Share, shares
from payments.payouts.take import fees_of, first_payment_at
from payments.reconcile.proof import WINDOW, Difference, Proof
from payments.service import CLEARING
from shared.kit import clock
from shared.kit.db import among, reading


@dataclass(slots=True)
class _Here:
    """What our books hold of one payout: its row, and per company what its movements brought to bank and fees."""

    row: Payout | None = None
    bank: dict[uuid.UUID, int] = field(default_factory=dict)
    fees: dict[uuid.UUID, int] = field(default_factory=dict)


def check_payouts(proof: Proof, provider: Provider) -> None:
    """Compare every payout since our first payment, and what those of the last fourteen months are made of."""
    with reading() as session:
        since = (first_payment_at(session, provider) or clock.now()) - timedelta(days=1)
    there = {one.reference: one for one in gateway_of(provider).payouts_since(since)}
    with reading() as session:
        here = _booked(session, provider)
    for reference, payout in there.items():
        proof.compared[f"{provider.value} payout"] += 1
        known = here.pop(reference, _Here())
        if known.row is None:
            name = f"{provider.value} payout not booked"
            proof.add(Difference(name, reference, payout.amount_minor, 0, payout.currency))
            continue
        _compare(proof, provider, payout, known)
    for reference, known in here.items():
        row = known.row
        if row is None or (row.paid_on and row.paid_on < since.date()):
            continue
        name = f"{provider.value} has no such payout"
        proof.add(Difference(name, reference, 0, row.amount_minor, row.currency, row.id))


def _compare(proof: Proof, provider: Provider, payout: PayoutSeen, known: _Here) -> None:
    row = known.row
    assert row is not None  # noqa: S101 - for the type checker
    name, at_bank = provider.value, sum(known.bank.values())
    expected = 0 if payout.is_returned else payout.amount_minor

    def differ(what: str, subject: str, wanted: int, found: int) -> None:
        if wanted != found:
            proof.add(Difference(f"{name} {what}", subject, wanted, found, payout.currency, row.id))

    differ("payout", payout.reference, expected, at_bank)
    differ("payout amount", payout.reference, payout.amount_minor, row.amount_minor)
    if row.created_at < clock.now() - WINDOW:
        return
    lines = gateway_of(provider).payout_lines(payout.reference)
    with reading() as session:
        parts = shares(lines, payout.amount_minor, owners_of(session, provider, lines))
        _check_fees_of_payments(session, proof, provider, lines)
    differ("payout fee", payout.reference, sum(one.fee_minor for one in parts.values()), sum(known.fees.values()))
    for company_id, wanted, found in _per_company(parts, known, is_returned=payout.is_returned):
        if sum(known.bank.values()) == expected:
            differ("payout of a company", f"{payout.reference} {company_id}", wanted, found)


def _per_company(
    parts: dict[uuid.UUID, Share], known: _Here, *, is_returned: bool
) -> Iterable[tuple[uuid.UUID, int, int]]:
    for company_id in sorted(parts.keys() | known.bank.keys()):
        wanted = parts[company_id].net_minor if company_id in parts and not is_returned else 0
        yield company_id, wanted, known.bank.get(company_id, 0)


def _check_fees_of_payments(session: Session, proof: Proof, provider: Provider, lines: tuple[PayoutLine, ...]) -> None:
    wanted = fees_of(lines)
    rows = session.execute(
        select(Payment.id, Payment.provider_reference, Payment.reference, Payment.fee_minor, Payment.currency).where(
            Payment.provider == provider, among(Payment.provider_reference, wanted)
        )
    )
    for row in rows:
        expected, found = wanted[row.provider_reference], row.fee_minor or 0
        proof.compared["payment fee"] += 1
        if expected != found:
            proof.add(Difference("payment fee", row.reference, expected, found, row.currency, row.id))


def _booked(session: Session, provider: Provider) -> dict[str, _Here]:
    found: dict[str, _Here] = defaultdict(_Here)
    for row in session.scalars(select(Payout).where(Payout.provider == provider)):
        found[row.provider_reference].row = row
    legs = text(
        """
        SELECT split_part(provider_reference, '#', 1) AS reference, company_id,
               sum(CASE WHEN debit_account = 'bank' THEN amount_minor WHEN credit_account = 'bank' THEN -amount_minor
                        ELSE 0 END) AS bank,
               sum(CASE WHEN debit_account = 'fees' THEN amount_minor WHEN credit_account = 'fees' THEN -amount_minor
                        ELSE 0 END) AS fees
        FROM ledger_transfer
        WHERE provider = :provider AND payment_id IS NULL AND provider_reference IS NOT NULL
          AND (debit_account = :clearing OR credit_account = :clearing)
        GROUP BY 1, 2
        """
    )
    for leg in session.execute(legs, {"provider": provider.value, "clearing": CLEARING[provider].value}):
        found[leg.reference].bank[leg.company_id] = int(leg.bank)
        found[leg.reference].fees[leg.company_id] = int(leg.fees)
    return found
