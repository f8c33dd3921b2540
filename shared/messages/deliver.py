"""Sending one message: short transaction, mail server, short transaction.

SMTP knows no idempotency: a crash between the server's "250" and our commit cannot be told from one before it.
Reminders are sent at most once (such a message becomes *uncertain* and waits for a person), all others at least once.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.access import service as access
from shared.company.models import Company
from shared.debtors.models import Contact
from shared.kit import clock, files
from shared.kit.db import transaction
from shared.kit.errors import Unavailable
from shared.kit.mailer import MAIL_POLICY, MailLater, MailRefused, MailUndecided, mailer_to
from shared.kit.settings import get_settings
from shared.messages.models import Message, MessageStatus
from shared.messages.render import CODE_PLACEHOLDER, LINK_PLACEHOLDER, one_line

MAXIMUM_HEADER_LENGTH = 200

Check = Callable[[Session, Message], str | None]

_checks: dict[str, Check] = {}


def before_sending(kind: str) -> Callable[[Check], Check]:
    """Register a last look at messages of a kind: a reason given drops the message."""

    def register(check: Check) -> Check:
        _checks[kind] = check
        return check

    return register


@dataclass(frozen=True, slots=True)
class _Letter:
    message_id: uuid.UUID
    contact_id: uuid.UUID | None
    mail: EmailMessage
    at_most_once: bool


def deliver(message_id: uuid.UUID) -> None:
    """Send one message that waits.

    1. Transaction: lock it, look again (dropped? paid meanwhile?), make its link or code, mark it *sending*.
    2. Give it to the mail server.
    3. Transaction: record what the server said.

    Raises Unavailable when it may be tried again later.
    """
    url = get_settings().smtp_url
    if url is None:
        raise Unavailable("mail.unset", "GUICHET_SMTP_URL is not set: messages wait")
    with transaction() as session:
        letter = _take(session, message_id)
    if letter is None:
        return
    try:
        with mailer_to(url) as mailer:
            mailer.send(letter.mail)
    except MailRefused as error:
        _record(letter, MessageStatus.REFUSED, error=str(error))
    except MailUndecided as error:
        if letter.at_most_once:
            _record(letter, MessageStatus.UNCERTAIN, error=str(error))
            return
        _record(letter, MessageStatus.WAITING, error=str(error))
        raise Unavailable("mail.undecided", str(error)) from error
    except MailLater as error:
        _record(letter, MessageStatus.WAITING, error=str(error))
        raise Unavailable("mail.later", str(error)) from error
    else:
        _record(letter, MessageStatus.SENT, error=None)


def _take(session: Session, message_id: uuid.UUID) -> _Letter | None:
    message = session.scalars(select(Message).where(Message.id == message_id).with_for_update()).one()
    if message.status is MessageStatus.SENDING and message.at_most_once:
        message.status = MessageStatus.UNCERTAIN
        message.error = "the process ended while the message was being sent"
        return None
    if message.status not in (MessageStatus.WAITING, MessageStatus.SENDING):
        return None
    check = _checks.get(message.kind)
    why_not = check(session, message) if check else None
    if why_not is not None:
        message.status = MessageStatus.DROPPED
        message.error = why_not
        return None
    text, html = _fill(session, message)
    mail = _compose(session.get_one(Company, message.company_id), message, text, html)
    message.status = MessageStatus.SENDING
    return _Letter(message.id, message.contact_id, mail, message.at_most_once)


def _fill(session: Session, message: Message) -> tuple[str, str]:
    text, html = message.text_body, message.html_body
    if message.link_purpose is not None and message.debtor_id and message.contact_id:
        token = access.make_link(
            session,
            debtor_id=message.debtor_id,
            contact_id=message.contact_id,
            purpose=message.link_purpose,
            message_id=message.id,
        )
        text, html = text.replace(LINK_PLACEHOLDER, token), html.replace(LINK_PLACEHOLDER, token)
    if message.kind == "code" and message.subject_id:
        code = access.make_code(session, session_id=message.subject_id)
        text, html = text.replace(CODE_PLACEHOLDER, code), html.replace(CODE_PLACEHOLDER, code)
    return text, html


def _compose(company: Company, message: Message, text: str, html: str) -> EmailMessage:
    settings = get_settings()
    _name, sender = parseaddr(settings.mail_sender)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=_one_line(company.trade_name), addr_spec=sender)
    mail["To"] = Address(display_name=_one_line(message.to_name), addr_spec=message.to_address)
    mail["Reply-To"] = Address(addr_spec=company.email)
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = message.language
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="base64")  # MJML writes lines longer than SMTP allows
    for attachment in message.attachments:
        main, _slash, sub = str(attachment["media_type"]).partition("/")
        mail.add_attachment(
            _bytes(str(attachment["sha256"])), maintype=main, subtype=sub, filename=files.safe_name(attachment["name"])
        )
    return mail


def _one_line(text: str) -> str:
    return one_line("".join(c if c.isprintable() or c in " \t\u00a0\u202f" else " " for c in text))[
        :MAXIMUM_HEADER_LENGTH
    ]


def _bytes(sha256: str) -> bytes:
    return files.get_store().get(sha256)


def _record(letter: _Letter, status: MessageStatus, *, error: str | None) -> None:
    now = clock.now()
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == letter.message_id, Message.status == MessageStatus.SENDING)
            .values(status=status, error=error, sent_at=now if status is MessageStatus.SENT else None)
        )
        if status is MessageStatus.REFUSED and letter.contact_id is not None:
            session.execute(
                update(Contact)
                .where(Contact.id == letter.contact_id, Contact.bounced_at.is_(None))
                .values(bounced_at=now)
            )
