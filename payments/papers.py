"""Papers about money: a payment's receipt, a mandate as it was signed. Made once, kept, served to both doors."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from payments import queries
from payments.models import Means
from payments.queries import Leg, MandateLine, PaymentStory
from payments.status import COLLECTED
from shared.company.models import Company
from shared.documents import keep
from shared.documents import queries as documents
from shared.documents.facts import Language, MandateFacts, ReceiptFacts, SettledFacts, SignatureFacts
from shared.documents.keep import KeptFile
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Phase

REFUND_RIGHT = timedelta(weeks=8)
"""A debtor may have an authorised Core debit refunded for eight weeks (SEPA Core rulebook; CMF art. L133-25-1)."""


def receipt(story: PaymentStory, *, language: Language | None = None) -> KeptFile:
    """The receipt of a payment that has come, in the debtor's language unless another is given.

    Raises NotFound while it has not come, or when it has gone back.
    """
    line = story.line
    if line.status not in COLLECTED:
        raise NotFound("receipt.none", _("There is a receipt once the payment has arrived."))
    with reading() as session:
        parties = documents.get_parties(session, line.debtor_id)
    today = clock.today(parties.zone)
    paid_on = line.received_on or line.charge_on or _day_of(story, parties.zone)
    final_on = paid_on + REFUND_RIGHT if line.means is Means.DEBIT else None
    facts = ReceiptFacts(
        reference=line.reference,
        company=parties.company,
        debtor=parties.debtor,
        language=language or parties.language,
        means=line.means.value,
        amount=line.money,
        paid_on=paid_on,
        made_on=today,
        is_final=final_on is None or today > final_on,
        settled=tuple(_settled(leg) for leg in story.legs if _settles(leg)),
        final_on=final_on,
        rum=story.mandate.rum if story.mandate else "",
        account_ending=story.mandate.iban_ending if story.mandate else "",
    )
    return keep.receipt(facts, debtor_id=line.debtor_id, payment_id=line.id)


def mandate(line: MandateLine, *, language: Language | None = None) -> KeptFile:
    """A mandate as it was signed, in the debtor's language unless another is given; raises NotFound while it is not."""
    if line.given_at is None:
        raise NotFound("mandate.unsigned", _("This mandate is not signed."))
    with reading() as session:
        parties = documents.get_parties(session, line.debtor_id)
        company = session.execute(
            select(Company.ics, Company.notice_days).where(Company.id == parties.company_id)
        ).one()
    facts = MandateFacts(
        rum=line.rum,
        ics=company.ics,
        creditor=parties.company,
        debtor=parties.debtor,
        language=language or parties.language,
        zone=parties.zone,
        holder=line.holder_name,
        iban_ending=line.iban_ending,
        iban_country=line.iban_country,
        bank_name=line.bank_name,
        signature=SignatureFacts(at=line.given_at, by=line.holder_name),
        notice_days=company.notice_days,
    )
    return keep.mandate(facts, debtor_id=line.debtor_id, mandate_id=line.id)


def mandate_of(mandate_id: uuid.UUID, debtor_id: uuid.UUID) -> MandateLine:
    """A mandate of a debtor; raises NotFound."""
    with reading() as session:
        line = queries.find_mandate(session, debtor_id, str(mandate_id))
    if line is None:
        raise NotFound("mandate.missing", _("There is no such mandate."))
    return line


def story_of(payment_id: uuid.UUID, debtor_id: uuid.UUID) -> PaymentStory:
    """A payment of a debtor; raises NotFound."""
    with reading() as session:
        story = queries.payment_story(session, payment_id, debtor_id)
    if story is None:
        raise NotFound("payment.missing", _("There is no such payment."))
    return story


def _settles(leg: Leg) -> bool:
    return leg.phase in (Phase.POSTED, Phase.POST) and leg.credit in (Account.RECEIVABLE, Account.CREDIT)


def _settled(leg: Leg) -> SettledFacts:
    return SettledFacts(number=leg.credit_number, amount=leg.money)


def _day_of(story: PaymentStory, zone: str) -> date:
    at = story.line.confirmed_at or story.line.created_at
    return at.astimezone(ZoneInfo(zone)).date()
