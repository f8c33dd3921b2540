"""Mail that is never kept, because it holds a secret for one person: nobody at the desk may read it later."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import format_datetime, parseaddr
from typing import Any

from shared.company.models import Company
from shared.kit import addresses, clock, mime
from shared.kit.errors import Invalid, Unavailable
from shared.kit.ids import new_id
from shared.kit.mailer import Envelope, MailNotTaken, MailUndecided, mailer_to
from shared.kit.settings import get_settings
from shared.kit.words import speaking
from shared.messages.refusals import Fault, fault
from shared.messages.render import render
from shared.messages.service import company_facts


def send(company: Company, *, kind: str, name: str, address: str, language: str, facts: Mapping[str, Any]) -> None:
    """Render and send at once, outside a transaction. Raises Unavailable when it may be tried again, Invalid when not."""
    settings = get_settings()
    if settings.smtp_url is None:
        raise Unavailable("mail.unset", "GUICHET_SMTP_URL is not set: messages wait")
    about = company_facts(company)
    with speaking(language):
        context = {
            "company": about,
            "accent": about["accent"],
            "on_accent": about["on_accent"],
            "contact": {"name": name, "email": address},
            "today": clock.today(company.zone),
            **facts,
        }
        rendered = render(kind, context, language=language)
    sender = addresses.wire(parseaddr(settings.mail_sender)[1]) or ""
    recipient = addresses.wire(address)
    if recipient is None:
        raise Invalid("mail.address", "mail servers do not take this address")
    headers = [
        ("From", mime.mailbox("From", company.trade_name, sender)),
        ("To", mime.mailbox("To", name, recipient)),
        ("Subject", mime.header("Subject", rendered.subject)),
        ("Date", format_datetime(clock.now())),
        ("Message-ID", f"<{new_id()}@{sender.rpartition('@')[2]}>"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", language),
    ]
    envelope = Envelope(sender, recipient, mime.compose(headers, text=rendered.text, html=rendered.html, files=[]))
    try:
        with mailer_to(settings.smtp_url) as mailer:
            mailer.send(envelope)
    except MailNotTaken as error:
        if fault(error.stage, error.code, error.answer) is Fault.ADDRESS:
            raise Invalid("mail.refused", str(error)) from error
        raise Unavailable("mail.later", str(error)) from error
    except MailUndecided as error:
        raise Unavailable("mail.undecided", str(error)) from error
