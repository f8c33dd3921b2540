"""Using credit before paying: one transaction, the debtor's own choice (C. civ. art. 1347 sq.)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from payments.plans import progress
from portal.pay import rules
from portal.pay.offer import choose
from portal.pay.plan import read_share
from portal.pay.rules import Wish
from shared.access.queries import Visitor
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.invoices import queries as invoices
from shared.kit import audit, clock
from shared.kit.db import retrying, transaction
from shared.kit.errors import Conflict
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.rules import Part


def apply_credit(visitor: Visitor, wish: Wish, *, shown: str) -> Money:
    """Settle what a wish means with the debtor's credit, as far as it goes: unapplied money first, then credit notes.

    What is used for a plan counts for its instalments in order. `shown` is the version that the debtor saw; raises
    Conflict("pay.changed") when it is no longer that. Gives what was used, zero when there was no credit any more.
    """

    def act() -> Money:
        with transaction() as session:
            debtor = lock_account(session, visitor.debtor_id)
            share = read_share(session, visitor, wish) if wish.plan_id else None
            chosen = share.chosen if share else choose(session, visitor, wish)
            if (share.version if share else rules.version(chosen)) != shown:
                raise Conflict("pay.changed", _("The amounts have changed meanwhile. Please look again."))
            credit = invoices.credit_of(session, visitor.debtor_id)
            sources = [(None, credit.unapplied_minor), *((note.id, note.open_minor) for note in credit.notes)]
            uses = rules.use_credit(chosen, sources)
            occasion = ledger.Occasion(at=clock.now(), value_on=visitor.today)
            by_source = {
                source: [Part(use.invoice_id, use.minor) for use in uses if use.note_id == source]
                for source in dict.fromkeys(use.note_id for use in uses)
            }
            if share and by_source:
                progress.use_credit(session, debtor, share.plan_id, by_source, key=shown, occasion=occasion)
            elif not share:
                _settle(session, debtor, by_source, occasion)
            used = sum(use.minor for use in uses)
            audit.record(
                session,
                visitor.as_actor(),
                "credit.applied",
                subject_type="debtor",
                subject_id=visitor.debtor_id,
                company_id=visitor.company_id,
                debtor_id=visitor.debtor_id,
                after={"minor": used, "currency": visitor.currency, "invoices": len({use.invoice_id for use in uses})},
            )
            return Money(used, visitor.currency)

    return retrying(act)


def _settle(
    session: Session, debtor: Debtor, by_source: Mapping[uuid.UUID | None, Sequence[Part]], occasion: ledger.Occasion
) -> None:
    for source, parts in by_source.items():
        if source is None:
            ledger.apply_credit(session, debtor, parts, occasion)
        else:
            ledger.apply_credit_note(session, debtor, credit_note_id=source, parts=parts, occasion=occasion)
