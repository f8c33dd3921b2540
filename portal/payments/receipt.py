"""A payment's receipt: the facts that stand on it, from what the ledger says."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from payments import queries
from payments.models import Means
from payments.queries import Leg, PaymentStory
from payments.status import COLLECTED
from shared.access.queries import Visitor
from shared.documents import keep
from shared.documents import queries as documents
from shared.documents.facts import Language, ReceiptFacts, SettledFacts
from shared.documents.keep import KeptFile
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Phase

REFUND_RIGHT = timedelta(weeks=8)
"""A debtor may have an authorised Core debit refunded for eight weeks (SEPA Core rulebook; CMF art. L133-25-1)."""


def receipt(visitor: Visitor, story: PaymentStory) -> KeptFile:
    """The receipt of a payment that has come; raises NotFound while it has not, or when it has gone back."""
    line = story.line
    if line.status not in COLLECTED:
        raise NotFound("receipt.none", _("There is a receipt once the payment has arrived."))
    with reading() as session:
        parties = documents.get_parties(session, visitor.debtor_id)
    paid_on = line.received_on or line.charge_on or _day_of(story, visitor)
    final_on = paid_on + REFUND_RIGHT if line.means is Means.DEBIT else None
    facts = ReceiptFacts(
        reference=line.reference,
        company=parties.company,
        debtor=parties.debtor,
        language=cast("Language", current_language()),
        means=line.means.value,
        amount=line.money,
        paid_on=paid_on,
        made_on=visitor.today,
        is_final=final_on is None or visitor.today > final_on,
        settled=tuple(_settled(leg) for leg in story.legs if _settles(leg)),
        final_on=final_on,
        rum=story.mandate.rum if story.mandate else "",
        account_ending=story.mandate.iban_ending if story.mandate else "",
    )
    return keep.receipt(facts, debtor_id=visitor.debtor_id, payment_id=line.id)


def _settles(leg: Leg) -> bool:
    return leg.phase in (Phase.POSTED, Phase.POST) and leg.credit in (Account.RECEIVABLE, Account.CREDIT)


def _settled(leg: Leg) -> SettledFacts:
    return SettledFacts(number=leg.credit_number, amount=leg.money)


def _day_of(story: PaymentStory, visitor: Visitor) -> date:
    at = story.line.confirmed_at or story.line.created_at
    return at.astimezone(ZoneInfo(visitor.company.zone)).date()


def story_of(visitor: Visitor, payment_id: uuid.UUID) -> PaymentStory:
    """A payment of this debtor; raises NotFound."""
    with reading() as session:
        story = queries.payment_story(session, payment_id, visitor.debtor_id)
    if story is None:
        raise NotFound("payment.missing", _("There is no such payment."))
    return story
