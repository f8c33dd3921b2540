"""Sending: short transaction, mail server, short transaction, for some messages at once.

The messages themselves are the queue: what waits leaves first-written first, what a person waits for before all else, and
nothing is given up because the server is away (`outage`). A job of the outbox only wakes this up.

SMTP knows no idempotency: a crash between the server's "250" and our commit cannot be told from one before it.
Reminders are sent at most once (such a message becomes *uncertain* and waits for a person), all others at least once.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime, timedelta
from email.utils import format_datetime, parseaddr

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.access import service as access
from shared.access.service import LinkWish
from shared.company.models import Company
from shared.kit import addresses, clock, files, mime
from shared.kit.db import among, reading, transaction
from shared.kit.errors import DomainError
from shared.kit.mailer import Envelope, Mailer, MailNotTaken, MailUndecided, mailer_to
from shared.kit.settings import get_settings
from shared.messages import last_look, outage
from shared.messages.models import Message, MessageStatus
from shared.messages.outage import Gate
from shared.messages.record import Letter, Outcome, Sending, record
from shared.messages.refusals import Fault, fault
from shared.messages.render import code_place, link_place

log = logging.getLogger(__name__)

TOGETHER = 25
"""So many messages are taken and recorded at once: as many may be uncertain after a crash."""

ROW_S = 5.0
"""So long one start goes on; then the next doorbell begins another, and nothing else starves."""

LEASE = timedelta(minutes=4)
"""So long a process may take over what it has taken; a job is ended before."""

MAYBE_DELIVERED = "the process ended while the message was being sent"


def send_what_waits(*, only_awaited: bool = False) -> int:
    """Send what waits for as long as a start lasts; gives how many left. Without a mail server messages wait.

    1. Transaction: lock some, look again (dropped? paid meanwhile?), make links and codes, mark them *sending*.
    2. Give them to the mail server, up to the first that it does not take for reasons of its own.
    3. Transaction: record what it said.
    """
    url = get_settings().smtp_url
    if url is None:
        return 0
    _recover()
    until = time.monotonic() + ROW_S
    sent = 0
    with mailer_to(url) as mailer:
        while time.monotonic() < until:
            sending = _some(mailer, only_awaited=only_awaited, until=until)
            if sending is None:
                break
            sent += sending.sent_count
    return sent


def next_start_at() -> datetime | None:
    """When there is something to send again; None when nothing waits, or nothing can be sent."""
    if get_settings().smtp_url is None:
        return None
    with reading() as session:
        gate = outage.gate(session)
        if gate is not Gate.SHUT and session.scalar(_due(gate, only_awaited=False).limit(1)) is not None:
            return clock.now()
        waiting = select(func.count(), func.min(Message.try_at)).where(Message.status == MessageStatus.WAITING)
        count, try_at = session.execute(waiting).one()
        lasts = outage.present(session)
        return (lasts.probe_at if lasts else try_at) if count else None


def _some(mailer: Mailer, *, only_awaited: bool, until: float) -> Sending | None:
    """Some messages, or one while the server is on probation; None when none may leave now."""
    with reading() as session:
        gate = outage.gate(session)
        if gate is Gate.SHUT or session.scalar(_due(gate, only_awaited=only_awaited).limit(1)) is None:
            return None
    try:
        mailer.open()
    except MailNotTaken as error:
        with transaction() as session:
            outage.goes_on(session, stage=error.stage, answer=str(error), is_certain=True)
        return None
    letters = _taken(1 if gate is not Gate.OPEN else TOGETHER, gate, only_awaited=only_awaited)
    sending = Sending(letters)
    try:
        _give(mailer, sending, until)
    finally:
        record(sending)
    return sending


def _give(mailer: Mailer, sending: Sending, until: float) -> None:
    """Give letters to the server one by one; those after the first that shows it unwilling are not begun."""
    for position, letter in enumerate(sending.letters):
        if time.monotonic() > until and position:
            return
        sending.outcomes[letter.message_id] = Outcome(None, "", is_undecided=True)  # if this process is ended here
        outcome = _given(mailer, letter)
        sending.outcomes[letter.message_id] = outcome
        if outcome.stops_the_row:
            return


def _given(mailer: Mailer, letter: Letter) -> Outcome:
    if letter.envelope is None:
        return Outcome(Fault.MESSAGE, letter.why_not)
    try:
        try:
            mailer.send(letter.envelope)
        except MailNotTaken as error:
            if error.code is not None and error.code != 421:
                raise
            mailer.close()  # a connection that has had enough is replaced, once; the message has certainly not left
            mailer.send(letter.envelope)
    except MailUndecided as error:
        return Outcome(None, str(error), is_undecided=True)
    except MailNotTaken as error:
        return Outcome(fault(error.stage, error.code, error.answer), str(error), stage=error.stage)
    return Outcome(None, "")


def _due(gate: Gate, *, only_awaited: bool) -> Select[uuid.UUID]:
    """Messages that may leave now: what a person waits for first, then in the order in which they were written."""
    query = (
        select(Message.id)
        .where(Message.status == MessageStatus.WAITING)
        .where(or_(Message.try_at.is_(None), Message.try_at <= clock.now()))
    )
    if only_awaited:
        query = query.where(Message.rank == 0)
    if gate is Gate.NEWCOMER:
        query = query.where(Message.tries == 0)
    if gate is Gate.PROBE:
        return query.order_by(Message.tries, Message.rank, Message.id)
    return query.order_by(Message.rank, Message.id)


def _taken(size: int, gate: Gate, *, only_awaited: bool) -> list[Letter]:
    """Some messages, marked as being sent. When one of their debtors is held too long, one that is not."""
    try:
        with transaction() as session:
            return _take(session, _due(gate, only_awaited=only_awaited).limit(size))
    except DBAPIError:
        if size == 1:
            raise
    for _ in range(size):
        try:
            with transaction() as session:
                return _take(session, _due(gate, only_awaited=only_awaited).limit(1))
        except DBAPIError as error:
            log.warning("a message is held: %s", type(error.orig).__name__)
            with transaction() as session:
                held = _due(gate, only_awaited=only_awaited).limit(1).with_for_update(skip_locked=True)
                session.execute(
                    update(Message)
                    .where(Message.id.in_(held))
                    .values(try_at=clock.now() + timedelta(minutes=1))
                    .execution_options(synchronize_session=False)
                )
    return []


def _take(session: Session, which: Select[uuid.UUID]) -> list[Letter]:
    found = session.scalars(
        select(Message).where(among(Message.id, session.scalars(which.with_for_update(skip_locked=True)).all()))
    ).all()
    waiting = sorted(found, key=lambda each: (each.rank, each.id))
    why_not = last_look.look(session, waiting)
    for each in waiting:
        if each.id in why_not:
            each.status, each.error = MessageStatus.DROPPED, why_not[each.id]
    left = [each for each in waiting if each.id not in why_not]
    astray = last_look.elsewhere(session, left)
    tokens = access.make_links(
        session,
        [
            LinkWish(each.id, each.company_id, each.debtor_id, each.contact_id, each.link_purpose)
            for each in left
            if each.link_purpose is not None and each.debtor_id and each.contact_id and each.id not in astray
        ],
    )
    letters = [_letter(session, each, tokens.get(each.id), is_astray=each.id in astray) for each in left]
    for each in left:
        each.status = MessageStatus.SENDING
    session.flush()
    session.execute(
        update(Message)
        .where(among(Message.id, [each.id for each in left]))
        .values(locked_until=func.now() + LEASE)
        .execution_options(synchronize_session=False)
    )
    return letters


def _letter(session: Session, message: Message, token: str | None, *, is_astray: bool) -> Letter:
    """A message as it leaves. What cannot be composed leaves nothing behind but its reason.

    What becomes of one that goes to an address nobody acts by (`is_astray`) says nothing of its reader's present one.
    """
    envelope, why_not = None, ""
    try:
        text, html = _filled(session, message, token)
        envelope = _composed(session.get_one(Company, message.company_id), message, text, html)
        if envelope is None:
            why_not = "mail servers do not take this address"
    except (DomainError, OSError, ValueError, LookupError, TypeError) as error:
        log.exception("message %s cannot be composed", message.id)
        why_not = f"it cannot be composed: {type(error).__name__}"
    return Letter(
        message_id=message.id,
        company_id=message.company_id,
        debtor_id=message.debtor_id,
        contact_id=None if is_astray else message.contact_id,
        at_most_once=message.at_most_once,
        tries=message.tries,
        written_at=message.created_at,
        is_unwritable=addresses.wire(message.to_address) is None,
        envelope=envelope,
        why_not=why_not,
    )


def _filled(session: Session, message: Message, token: str | None) -> tuple[str, str]:
    text, html = message.text_body, message.html_body
    if token is not None:
        place = link_place(message.marker)
        text, html = text.replace(place, token), html.replace(place, token)
    elif message.link_purpose is not None:
        door = get_settings().public_url  # where whoever has an access asks for a link
        place = f"{door}/l/{link_place(message.marker)}"
        text, html = text.replace(place, door), html.replace(place, door)
    if message.kind == "code" and message.subject_id:
        place, code = code_place(message.marker), access.make_code(session, session_id=message.subject_id)
        text, html = text.replace(place, code), html.replace(place, code)
    return text, html


def _composed(company: Company, message: Message, text: str, html: str) -> Envelope | None:
    sender = addresses.wire(parseaddr(get_settings().mail_sender)[1]) or ""
    recipient, reply_to = addresses.wire(message.to_address), addresses.wire(company.email)
    if recipient is None:
        return None
    headers = [
        ("From", mime.mailbox("From", company.trade_name, sender)),
        ("To", mime.mailbox("To", message.to_name, recipient)),
        *([("Reply-To", reply_to)] if reply_to else []),
        ("Subject", mime.header("Subject", message.subject)),
        ("Date", format_datetime(clock.now())),
        ("Message-ID", f"<{message.id}@{sender.rpartition('@')[2]}>"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", message.language),
    ]
    attached = [
        mime.File(
            files.safe_name(str(each["name"])),
            str(each["media_type"]),
            files.get_store().get(str(each["sha256"])),
        )
        for each in message.attachments
    ]
    return Envelope(sender, recipient, mime.compose(headers, text=text, html=html, files=attached))


def _recover() -> None:
    """What a process that is gone had taken: at most once is uncertain now, all else waits again."""
    with transaction() as session:
        lost = session.scalars(
            select(Message)
            .where(Message.status == MessageStatus.SENDING)
            .where(or_(Message.locked_until.is_(None), Message.locked_until < func.now()))
            .order_by(Message.id)
            .limit(TOGETHER * 8)
            .with_for_update(skip_locked=True)
        ).all()
        for message in lost:
            message.status = MessageStatus.UNCERTAIN if message.at_most_once else MessageStatus.WAITING
            message.error = MAYBE_DELIVERED
            message.locked_until = None
