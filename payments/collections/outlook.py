"""What automation makes of a debtor's open invoices as things stand: what reminders, papers and pages say of them, too.

The runs decide on a day; whoever speaks of an invoice on another day asks the same decision, so that nobody is told that a
debit takes what no run will take, and nobody is asked for what one will.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections.eligible import ask_to_announce, candidates, find_mandate
from payments.collections.models import Collection, CollectionState
from payments.deciding import Facts, Never, Stage, Verdict, decide
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor

NOT_OWED = frozenset({"paid", "credit", "frozen", "payment_under_way", "not_in_the_books"})
"""Reasons of what is not debited because it is not to be asked for: the rest that is not debited is the debtor's to pay."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What comes of an open invoice by itself; amounts in minor units."""

    minor: int
    """What a debit takes of it; 0 for none."""
    charge_on: date | None
    """On which day, once it is announced."""
    why_not: str
    """Why no debit takes it (`payments.collections.words`); empty when one does."""
    covered_minor: int
    """What of its free money credit covers, and no debit takes."""


Outlook = Mapping[uuid.UUID, Coming]
"""Open invoice → what comes of it."""


def outlook(session: Session, debtor: Debtor) -> Outlook:
    """Of each open invoice of a debtor on autopay; empty for others."""
    if not debtor.autopay:
        return {}
    company = session.get_one(Company, debtor.company_id)
    ask = replace(
        ask_to_announce(
            session, company, debtor.id, find_mandate(session, debtor.id), today=today_of(session, company.id)
        ),
        stage=Stage.OUTLOOK,
    )
    announced = {
        row.invoice_id: row
        for row in session.execute(
            select(Collection.invoice_id, Collection.amount_minor, Collection.charge_on).where(
                Collection.debtor_id == debtor.id, Collection.state == CollectionState.ANNOUNCED
            )
        )
    }
    found: dict[uuid.UUID, Coming] = {}
    for each in candidates(session, debtor, until=date.max):
        live = announced.get(each.invoice_id)
        own = replace(ask, announced_minor=live.amount_minor, charge_on=live.charge_on) if live else ask
        found[each.invoice_id] = _coming(each.facts, decide(each.facts, own))
    return found


def _coming(facts: Facts, verdict: Verdict) -> Coming:
    covered = min(facts.credit_minor, facts.free_minor)
    if isinstance(verdict, Never):
        return Coming(0, None, verdict.reason, covered)
    return Coming(verdict.minor, verdict.charge_on, "", covered)


def is_debited(found: Outlook, invoice_id: uuid.UUID) -> bool:
    """Whether a debit takes an invoice by itself, as things stand."""
    return invoice_id in found and not found[invoice_id].why_not


def is_paid_by_hand(found: Outlook, invoice_id: uuid.UUID) -> bool:
    """Whether the debtor must pay an invoice himself, of whose money something is free."""
    return invoice_id not in found or (bool(found[invoice_id].why_not) and found[invoice_id].why_not not in NOT_OWED)
