"""Announcing: one debtor's invoices and instalments whose time of notice has come, in one transaction."""

from __future__ import annotations

import uuid
from datetime import date

from payments.collections import service
from payments.collections.eligible import ask_to_announce, find_mandate, horizon_of, wishes_of
from payments.collections.models import CollectionRun, Outcome
from payments.collections.service import Wish
from payments.deciding import Later, Never, decide
from shared.company.models import Company
from shared.debtors.service import lock_debtor
from shared.kit.db import transaction


def announce_debtor(run_id: uuid.UUID, debtor_id: uuid.UUID, *, today: date) -> None:
    """Decide and announce for one debtor; collections, notice, decisions and the run's cursor are one commit.

    Safe to run again: an invoice that is announced is not announced twice (the database has one announced collection
    per invoice and per instalment).
    """
    with transaction() as session:
        debtor = lock_debtor(session, debtor_id)
        company = session.get_one(Company, debtor.company_id)
        run = session.get_one(CollectionRun, run_id, with_for_update=True)
        run.cursor = debtor_id
        mandate = find_mandate(session, debtor_id)
        ask = ask_to_announce(session, company, debtor_id, mandate, today=today)
        wishes: list[Wish] = []
        for each in wishes_of(session, debtor, until=horizon_of(company, today)):
            verdict = decide(each.facts, ask)
            if isinstance(verdict, Later) and verdict.charge_on is not None:
                wishes.append(
                    Wish(
                        each.invoice_id,
                        verdict.minor,
                        verdict.charge_on,
                        instalment_id=each.instalment_id,
                        label=each.label,
                        due_on=each.due_on,
                    )
                )
            elif isinstance(verdict, Never):
                service.decide(
                    session,
                    run_id=run_id,
                    debtor_id=debtor_id,
                    subject=each,
                    outcome=Outcome.SKIP,
                    reason=verdict.reason,
                    minor=each.facts.available_minor,
                )
        if not wishes or mandate is None:
            return
        try:
            announced = service.announce(session, debtor, mandate, wishes)
            made = {one.invoice_id or one.instalment_id: one.id for one in announced}
        except LookupError:
            made = {}
        for wish in wishes:
            service.decide(
                session,
                run_id=run_id,
                debtor_id=debtor_id,
                subject=wish,
                outcome=Outcome.ANNOUNCE if made else Outcome.SKIP,
                reason="notice_given" if made else "nobody_to_tell",
                minor=wish.minor,
                charge_on=wish.charge_on,
                collection_id=made.get(wish.invoice_id or wish.instalment_id),
            )
