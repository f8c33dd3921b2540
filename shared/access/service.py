"""Verbs on links, codes and sessions."""

import uuid
from datetime import timedelta

from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose, MagicLink
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import clock, tokens
from shared.kit.ids import new_id


def make_link(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID,
    purpose: LinkPurpose,
    message_id: uuid.UUID | None = None,
) -> str:
    """A new magic link of a contact to a debtor's account; gives its token, which is kept nowhere.

    It lives as many days as the company says (45 unless changed). The address is `<public_url>/l/<token>`.
    """
    company = session.get_one(Company, session.get_one(Debtor, debtor_id).company_id)
    token = tokens.new_token()
    now = clock.now()
    session.add(
        MagicLink(
            id=new_id(),
            token_hash=tokens.digest(token),
            debtor_id=debtor_id,
            contact_id=contact_id,
            purpose=purpose,
            message_id=message_id,
            created_at=now,
            expires_at=now + timedelta(days=company.link_days),
        )
    )
    return token
