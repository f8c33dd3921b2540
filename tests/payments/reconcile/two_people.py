"""Two people who put right what verify finds, and a payout that was booked wrong for them."""

from __future__ import annotations

import uuid

from sqlalchemy import text

from payments.reconcile import correct
from payments.reconcile.verify import verify
from shared.kit import seals
from shared.kit.actors import Actor
from shared.kit.errors import Conflict
from tests.support.spoil import spoiling

INES = Actor.staff(uuid.uuid4(), "Inès")
CHARLES = Actor.staff(uuid.uuid4(), "Charles")


def put_right() -> int:
    """Two people go through what verify finds, until nothing is left; gives how many corrections it took."""
    count = 0
    for _round in range(12):
        found = correct.correctable(verify())
        done = 0
        for one in found:
            if one.check not in {known.check for known in verify().differences}:
                continue
            row = correct.propose(one, reason="a test spoilt it", by=INES)
            try:
                correct.approve(row.id, by=CHARLES)
                done += 1
            except Conflict:
                correct.decline(row.id, by=CHARLES)
        count += done
        if not done:
            break
    return count


def book_without_its_tenths() -> str:
    """As the old way did, which cut 20.5 at the point: fees too low, and as much too much at the bank. Gives the payout's name."""
    with spoiling() as session:
        name: str = session.scalar(text("SELECT provider_reference FROM payout WHERE provider = 'gocardless' LIMIT 1"))
        for statement in (
            "UPDATE ledger_transfer SET amount_minor = amount_minor + 5 WHERE kind = 'payout' AND provider_reference = :n",
            "UPDATE ledger_transfer SET amount_minor = amount_minor - 5 WHERE kind = 'fee' AND provider_reference = :n",
            "UPDATE payout SET fee_minor = fee_minor - 5 WHERE provider_reference = :n",
        ):
            session.execute(text(statement), {"n": name})
        ids = "SELECT id FROM ledger_transfer WHERE provider_reference = :n"
        seals.renew(session, "ledger_transfer", session.scalars(text(ids), {"n": name}).all())
    return name
