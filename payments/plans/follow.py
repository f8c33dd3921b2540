"""The daily look at every plan: one short transaction a debtor, resumable anywhere because everything is derived."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from payments.plans import contents
from payments.plans.running import Line, look
from shared.company.queries import todays
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.db import among, reading, retrying, transaction
from shared.kit.each import act_on_each

log = logging.getLogger(__name__)


class _TryOutError(Exception):
    """Ends the transaction of a try-out, so that nothing of it stays."""


@dataclass(slots=True)
class Report:
    """What the look of a day did, or would do."""

    is_dry: bool
    debtor_count: int = 0
    lines: list[Line] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        return Counter(line.act for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.is_dry,
            "debtors": self.debtor_count,
            "counts": dict(self.counts),
            "plans": [
                {
                    "plan": line.plan,
                    "act": line.act,
                    "minor": line.minor,
                    "on": line.on.isoformat() if line.on else None,
                }
                for line in self.lines
            ],
        }


def follow_all(*, on: date | None = None, dry: bool = False) -> Report:
    """Look at every plan that may ask for something today (or on a later day). One debtor that fails stops no other.

    Dry: everything is decided as it would be, and nothing is kept. Raises the first failure when all have had their turn.
    """
    report = Report(is_dry=dry)
    with reading() as session:
        days = todays(session)
        latest = max(days.values(), default=clock.today())
        debtors = contents.debtors_with_plans(session, today=max(on or latest, latest))
        owners = session.execute(select(Debtor.id, Debtor.company_id).where(among(Debtor.id, debtors)))
        homes = {row.id: row.company_id for row in owners}

    def follow(debtor_id: uuid.UUID) -> None:
        today = days[homes[debtor_id]]
        report.lines += follow_debtor(debtor_id, today=max(on or today, today), dry=dry)
        report.debtor_count += 1

    act_on_each(debtors, follow)
    return report


def follow_debtor(debtor_id: uuid.UUID, *, today: date, dry: bool = False) -> list[Line]:
    """Look at one debtor's plans in a transaction of their own."""
    lines: list[Line] = []

    def act() -> None:
        with transaction() as session:
            lines[:] = look(session, debtor_id, today=today)
            if dry:
                raise _TryOutError

    try:
        retrying(act)
    except _TryOutError:
        log.debug("tried out")
    return lines
