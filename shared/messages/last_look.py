"""The last look before messages leave: what has become untrue is dropped, with the reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from shared.access import service as access
from shared.debtors import erased
from shared.debtors.models import Contact, DebtorContact
from shared.kit import clock
from shared.messages.models import Message

Check = Callable[[Session, Sequence[Message]], Mapping[uuid.UUID, str]]
"""Of some messages of a kind, those that should not leave any more, and why."""

_AS_WRITTEN = frozenset({"people_changed"})
"""They say who came and who went: they leave for the address they were written to, although it was changed or removed thereby."""
_OWED = "erasure_"
"""Answers that the law owes a person, whether it still acts for the account or not."""

_checks: dict[str, Check] = {}


def before_sending(kind: str) -> Callable[[Check], Check]:
    """Register a last look at messages of a kind: those with a reason are dropped."""

    def register(check: Check) -> Check:
        _checks[kind] = check
        return check

    return register


def look(session: Session, messages: Sequence[Message]) -> dict[uuid.UUID, str]:
    """Why some of these messages should not leave any more. Whose address was corrected meanwhile gets the others there."""
    now = clock.now()
    why_not = {each.id: "its time has passed" for each in messages if each.until_at and each.until_at <= now}
    why_not |= _no_longer_theirs(session, [each for each in messages if each.id not in why_not])
    for kind, check in _checks.items():
        some = [each for each in messages if each.kind == kind and each.id not in why_not]
        if some:
            why_not |= check(session, some)
    return why_not


def _no_longer_theirs(session: Session, messages: Sequence[Message]) -> dict[uuid.UUID, str]:
    address = _addresses(session, messages)
    gone = {}
    for each in messages:
        if each.debtor_id is None or each.contact_id is None:
            continue
        present = address.get((each.debtor_id, each.contact_id))
        if each.kind in _AS_WRITTEN:
            if erased.is_erased(each.to_address):
                gone[each.id] = "the person was erased"
        elif present is not None:
            each.to_address = present
        elif not each.kind.startswith(_OWED):
            gone[each.id] = "no longer a person of this account"
    return gone


def elsewhere(session: Session, messages: Sequence[Message]) -> set[uuid.UUID]:
    """Which of some messages to people of an account go where nobody of it reads (any more): they take no link along."""
    address = _addresses(session, messages)
    return {
        each.id
        for each in messages
        if each.debtor_id and each.contact_id and address.get((each.debtor_id, each.contact_id)) != each.to_address
    }


def _addresses(session: Session, messages: Sequence[Message]) -> dict[tuple[uuid.UUID, uuid.UUID], str]:
    """The present address of each of their readers who acts for the account that they speak of."""
    pairs = {(each.debtor_id, each.contact_id) for each in messages if each.debtor_id and each.contact_id}
    if not pairs:
        return {}
    rows = session.execute(
        select(DebtorContact.debtor_id, DebtorContact.contact_id, Contact.email)
        .join(Contact, Contact.id == DebtorContact.contact_id)
        .where(tuple_(DebtorContact.debtor_id, DebtorContact.contact_id).in_(pairs))
        .where(DebtorContact.removed_at.is_(None))
    )
    return {(debtor_id, contact_id): email for debtor_id, contact_id, email in rows}


@before_sending("code")
def _still_asked_for(session: Session, messages: Sequence[Message]) -> dict[uuid.UUID, str]:
    """A code serves the session that asked for it, and only the last one that was asked for."""
    why_not = {}
    for each in messages:
        newer = select(Message.id).where(
            Message.debtor_id == each.debtor_id,
            Message.kind == "code",
            Message.subject_id == each.subject_id,
            Message.id > each.id,
        )
        if each.subject_id is None or not access.is_waiting_for_code(session, each.subject_id):
            why_not[each.id] = "the session that asked for it has ended"
        elif session.scalar(newer.limit(1)):
            why_not[each.id] = "another code was asked for"
    return why_not
