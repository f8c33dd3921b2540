"""The proof: the ledger equals the providers to the cent (I1, I2), and every cached amount equals the ledger.

Each difference is named. Counts of what was compared are part of the report, so that an empty run cannot pass for a
clean one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.gateways.base import MoneyObject
from payments.gateways.choose import gateway_of, takes_cards, takes_debits
from payments.models import Provider
from payments.reconcile.agreements import AGREEMENTS
from payments.reconcile.books import BOOKS
from payments.reconcile.papers import PAPERS
from payments.reconcile.payouts import check_payouts
from payments.reconcile.proof import WINDOW, Difference, Proof
from payments.reconcile.statements import CACHED, POSTED
from payments.service import CLEARING
from shared.kit import clock, seals
from shared.kit.db import reading

LOCAL = CACHED | PAPERS | BOOKS | AGREEMENTS
"""Everything that is compared inside our own books, one set-based statement each."""


def verify(*, with_providers: bool = True) -> Proof:
    """Compare everything. Writes nothing. Raises Unavailable when a provider does not answer."""
    proof = Proof()
    with reading() as session:
        check_books(session, proof)
    if with_providers:
        if takes_cards():
            _check_provider(proof, Provider.STRIPE)
        if takes_debits():
            _check_provider(proof, Provider.GOCARDLESS)
    return proof


def check_books(session: Session, proof: Proof) -> None:
    """Compare our own books as one session sees them."""
    for name, statement in LOCAL.items():
        _check_locally(session, proof, name, statement)
    _check_seals(session, proof)


def _check_locally(session: Session, proof: Proof, name: str, statement: str) -> None:
    compared = f"SELECT count(*) FROM ({statement}) AS everything"  # noqa: S608 - our own statements
    proof.compared[name] = int(session.execute(text(compared)).scalar_one())
    differing = f"SELECT * FROM ({statement}) AS everything WHERE expected <> found ORDER BY subject LIMIT 1000"  # noqa: S608 - our own statements
    for row in session.execute(text(differing)).mappings():
        proof.add(
            Difference(
                name,
                str(row["subject"]),
                int(row["expected"]),
                int(row["found"]),
                str(row["currency"]),
                row.get("key"),
            )
        )


def _check_seals(session: Session, proof: Proof) -> None:
    """Every row of the append-only tables says what it said when it was written."""
    for table in seals.SEALED:
        name = f"{table} row"
        proof.compared[name] = seals.count_sealed(session, table)
        for one in seals.broken(session, table):
            wanted = 0 if one.what == "not sealed" else 1
            proof.add(Difference(f"{name} {one.what}", str(one.key), wanted, 1 - wanted, key=one.key))


def _check_provider(proof: Proof, provider: Provider) -> None:
    since = clock.now() - WINDOW
    there = list(gateway_of(provider).money_since(since))
    with reading() as session:
        here = _ledger_objects(session, provider, since)
    name = provider.value
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in there:
        proof.compared[f"{name} {one.kind}"] += 1
        expected, found = _signed(one), here.pop(one.reference, _Nothing).minor
        sums[one.currency][0] += expected
        sums[one.currency][1] += found
        if expected != found:
            proof.add(Difference(f"{name} {one.kind}", one.reference, expected, found, one.currency))
    for reference, known in here.items():
        sums[known.currency][1] += known.minor
        if known.minor and known.began_at >= since + timedelta(days=1):
            proof.add(Difference(f"{name} has no such object", reference, 0, known.minor, known.currency))
    check_payouts(proof, provider)
    proof.totals |= {
        f"{name} {currency}": {"provider": pair[0], "ledger": pair[1]} for currency, pair in sorted(sums.items())
    }


def _signed(one: MoneyObject) -> int:
    return one.net_minor if one.kind == "payment" else -one.net_minor


@dataclass(frozen=True, slots=True)
class _Here:
    minor: int
    currency: str
    began_at: datetime


_Nothing = _Here(0, "", datetime.max)  # noqa: DTZ901 - never compared


def _ledger_objects(session: Session, provider: Provider, since: datetime) -> dict[str, _Here]:
    """What the ledger holds for each money object of a provider; later rounds ("PM1#2") belong to the first."""
    rows = session.execute(
        text(
            f"""
            SELECT split_part(provider_reference, '#', 1) AS reference, currency, min(at) AS began_at,
                   sum(CASE WHEN debit_account = :clearing THEN amount_minor ELSE -amount_minor END) AS minor
            FROM ledger_transfer
            WHERE provider = :provider AND {POSTED}
              AND kind NOT IN ('payout', 'payout_returned', 'fee', 'adjustment')
              AND NOT (kind = 'correction' AND payment_id IS NULL)
              AND (debit_account = :clearing OR credit_account = :clearing)
            GROUP BY 1, 2 HAVING max(at) >= :since
            """  # noqa: S608 - our own words
        ),
        {"provider": provider.value, "clearing": CLEARING[provider].value, "since": since},
    )
    return {row.reference: _Here(int(row.minor), row.currency, row.began_at) for row in rows}
