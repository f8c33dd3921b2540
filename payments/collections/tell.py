"""Telling a debtor that an announced debit does not take place, because he promised the money or says that he paid it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from payments.collections.models import Collection
from payments.collections.service import Row
from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages

TOLD = frozenset({FreezeKind.PROMISE, FreezeKind.DECLARATION})
"""What this room tells of; disputes and plans tell of their debits themselves."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """An announced debit that does not take place, or only for a rest (minor units)."""

    collection: Collection
    invoice: Invoice
    rest_minor: int
    is_declared: bool
    """The debtor says that he has paid; else he promised to."""


def tell_stopped(session: Session, debtor: Debtor, stopped: Sequence[Stopped]) -> None:
    """Take the notice back: one message for each day of charging and cause, to all who had the notice, in this commit."""
    groups: dict[tuple[date, bool], list[Stopped]] = defaultdict(list)
    for one in stopped:
        groups[one.collection.charge_on, one.is_declared].append(one)
    notice_days = session.get_one(Company, debtor.company_id).notice_days if groups else 0
    for (charge_on, is_declared), each in sorted(groups.items()):
        rows = [_row(one) for one in each]
        messages.write(
            session,
            kind="debit_withdrawn",
            debtor_id=debtor.id,
            facts={
                "total": Money(sum(row.open.minor for row in rows), debtor.currency),
                "rest": Money(sum(one.rest_minor for one in each), debtor.currency),
                "charge_on": charge_on,
                "rows": rows,
                "is_declared": is_declared,
                "notice_days": notice_days,
            },
            link=LinkPurpose.NOTICE,
            reason=lambda: _("You get this because your invoices are paid by direct debit."),
            dedupe_key=f"debit-withdrawn:{each[0].collection.id}",
            subject_id=each[0].collection.id,
        )


def _row(one: Stopped) -> Row:
    withdrawn = min(one.collection.amount_minor, one.invoice.open_minor) - one.rest_minor
    return Row(one.invoice.number, one.invoice.due_on, Money(withdrawn, one.collection.currency))
