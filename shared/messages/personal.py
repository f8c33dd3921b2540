"""What this room holds about persons: what was written to them.

After its term a message loses its words, name and address; what it was, when it left and the digest of its text stay.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from shared.debtors.models import Contact, Debtor, DebtorKind
from shared.invoices.holds import is_held, is_owing
from shared.kit import clock, discarded
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register, uses_files
from shared.kit.words import lazy_gettext as _l
from shared.messages.decision import Omission
from shared.messages.models import Message, MessageStatus
from shared.messages.queries import masked
from shared.personal.people import needed

_WAITS = (MessageStatus.WAITING, MessageStatus.GATHERED)
_ON_ITS_WAY = (*_WAITS, MessageStatus.SENDING, MessageStatus.UNCERTAIN)


def _old(scope: Scope, whose: ColumnElement[bool]) -> Select[Any]:
    return select(Message.id).where(
        Message.company_id == scope.company_id,
        Message.created_at < scope.before,
        Message.forgotten_at.is_(None),
        Message.status.not_in(_ON_ITS_WAY),
        whose,
    )


def _to_debtors(scope: Scope, kind: DebtorKind) -> Select[Any]:
    """To debtors of a kind who owe nothing: while a debt lives, and a court may ask, its reminders are proof."""
    theirs = exists().where(
        Debtor.id == Message.debtor_id, Debtor.kind == kind, ~is_owing(Debtor.id), ~is_held(Debtor.id)
    )
    return _old(scope, theirs)


def _to_businesses(scope: Scope) -> Select[Any]:
    return _to_debtors(scope, DebtorKind.BUSINESS)


def _to_consumers(scope: Scope) -> Select[Any]:
    return _to_debtors(scope, DebtorKind.CONSUMER)


_IS_ANSWER = Message.kind.startswith("erasure_")


def _to_staff(scope: Scope) -> Select[Any]:
    return _old(scope, Message.debtor_id.is_(None) & ~_IS_ANSWER)


def _answers(scope: Scope) -> Select[Any]:
    """The last thing that an erased address was needed for (`erasures`): once it has left, it is needed for nothing."""
    return _old(scope, Message.debtor_id.is_(None) & _IS_ANSWER)


def blank(session: Session, keys: Keys) -> None:
    """Take the words, names and addresses of messages; what was still to leave does not."""
    found = session.execute(select(Message.attachments).where(among(Message.id, ids(keys)))).scalars()
    discarded.discard(session, [str(each["sha256"]) for kept in found for each in kept])
    waits = Message.status.in_(_WAITS)
    session.execute(
        update(Message)
        .where(among(Message.id, ids(keys)))
        .values(
            text_sha256=func.encode(func.sha256(func.convert_to(Message.text_body, "UTF8")), "hex"),
            text_body="",
            html_body="",
            to_name="",
            to_address="",
            reason="",
            attachments=[],
            forgotten_at=clock.now(),
            status=case((waits, literal(MessageStatus.DROPPED, Message.status.type)), else_=Message.status),
            error=case((waits, "the person was erased"), else_=Message.error),
        )
    )


def _of_kind(contact_id: uuid.UUID, kind: DebtorKind) -> Select[Any]:
    theirs = exists().where(Debtor.id == Message.debtor_id, Debtor.kind == kind)
    return select(Message.id).where(Message.contact_id == contact_id, Message.forgotten_at.is_(None), theirs)


def _erasable(contact_id: uuid.UUID, kind: DebtorKind) -> Select[Any]:
    """Everything but reminders, which prove that the debt was asked for, and what leaves this very moment.

    What waits goes with the person: an account that still needs it still tells it of debits.
    """
    leaves = exists().where(Contact.id == contact_id, ~needed())
    return _of_kind(contact_id, kind).where(
        or_(
            Message.decision.is_(None) & Message.status.not_in(_ON_ITS_WAY),
            Message.status.in_(_WAITS) & leaves,
        ),
        ~exists().where(Debtor.id == Message.debtor_id, is_held(Debtor.id)),
    )


def _export(session: Session, contact_id: uuid.UUID, kind: DebtorKind) -> list[dict[str, Any]]:
    theirs = exists().where(Debtor.id == Message.debtor_id, Debtor.kind == kind)
    query = select(
        Message.created_at,
        Message.sent_at,
        Message.status.label("state"),
        Message.to_address.label("address"),
        Message.subject,
        Message.reason.label("why"),
        Message.text_body.label("text"),
        Message.decision.label("decided_by"),
        Message.marker,
    ).where(Message.contact_id == contact_id, theirs)
    rows = as_rows(session.execute(query.order_by(Message.id.desc())))
    for row in rows:
        row["text"] = masked(row["text"], row.pop("marker"))
    return rows


@uses_files
def _attached(sha256: str) -> Select[Any]:
    return select(Message.id).where(cast(Message.attachments, Text).contains(sha256))


_HOLDS = tuple(
    f"message.{column}"
    for column in (
        "to_name",
        "to_address",
        "subject",
        "text_body",
        "html_body",
        "reason",
        "decision",
        "attachments",
        "error",
    )
)


def _kind_of(name: str, label: Any, kind: DebtorKind, *, due: Any, term: Term) -> Kind:
    return Kind(
        name=name,
        label=label,
        basis=Basis.INTEREST,
        holds=_HOLDS if kind is DebtorKind.BUSINESS else (),
        why=_l("They prove what was said, asked for and answered, and when."),
        counted=_l("from the day of the message, and never while the account owes something or is before a court"),
        keeps=_l("Reminders are proof of a claim until nobody can go to court about it (GDPR art. 17.3.e)."),
        term=term,
        due=due,
        remove=blank,
        of_person=lambda contact_id: _of_kind(contact_id, kind),
        erasable=lambda contact_id: _erasable(contact_id, kind),
        export=lambda session, contact_id: _export(session, contact_id, kind),
    )


register(
    _kind_of(
        "messages_business",
        _l("Messages to businesses"),
        DebtorKind.BUSINESS,
        due=_to_businesses,
        term=Term(60, 12, 60, "months", _l("Civil Code 2224, Commercial Code L110-4: claims end after five years")),
    ),
    _kind_of(
        "messages_consumer",
        _l("Messages to consumers"),
        DebtorKind.CONSUMER,
        due=_to_consumers,
        term=Term(24, 12, 60, "months", _l("Consumer Code L218-2: claims on consumers end after two years")),
    ),
    Kind(
        name="answers",
        label=_l("Answers to people who were erased"),
        basis=Basis.LAW,
        holds=(),
        why=_l("They say what was erased and what stays (GDPR art. 12.3); that one was sent, and its digest, is kept."),
        counted=_l("from the day of the message, once it has left"),
        term=Term(1, 1, 1, "days", _l("GDPR art. 5.1.e and 12.3")),
        is_security=True,
        due=_answers,
        remove=blank,
    ),
    Kind(
        name="messages_staff",
        label=_l("Messages to staff"),
        basis=Basis.CONTRACT,
        holds=(),
        why=_l("They tell colleagues of what waits for them."),
        counted=_l("from the day of the message"),
        term=Term(12, 3, 24, "months", _l("GDPR art. 5.1.e")),
        due=_to_staff,
        remove=blank,
    ),
)

for _kind in ("messages_business", "messages_consumer"):
    put_in_words(
        "state",
        {
            MessageStatus.WAITING: _l("Not sent yet"),
            MessageStatus.SENDING: _l("On its way to you"),
            MessageStatus.GATHERED: _l("Kept for your weekly message"),
            MessageStatus.TOLD: _l("In your weekly message"),
            MessageStatus.SENT: _l("Sent"),
            MessageStatus.UNCERTAIN: _l("Perhaps not sent"),
            MessageStatus.REFUSED: _l("Could not be sent to you"),
            MessageStatus.DROPPED: _l("Not sent: its cause was gone"),
        },
        kind=_kind,
    )
    put_in_words(
        "why",
        {
            Omission.NOT_DUE: _l("not due yet"),
            Omission.IN_FLIGHT: _l("a payment is on its way"),
            Omission.DISPUTE: _l("you dispute it"),
            Omission.PLAN: _l("in your payment plan"),
            Omission.PROMISE: _l("you said when you will pay"),
            Omission.DECLARATION: _l("you told us that you have paid"),
            Omission.RESPITE: _l("you disputed it: we ask for it again later"),
            Omission.LEGAL_HOLD: _l("set aside by us"),
            Omission.CHARGEBACK: _l("a payment of it was contested with your bank"),
            Omission.BY_DEBIT: _l("will be debited by itself"),
        },
        kind=_kind,
    )
