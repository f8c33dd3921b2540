"""Mail that is never kept, because it holds a secret for one person: nobody at the desk may read it later."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from shared.company.models import Company
from shared.kit import clock
from shared.kit.errors import Invalid, Unavailable
from shared.kit.mailer import MAIL_POLICY, MailLater, MailRefused, MailUndecided, mailer_to
from shared.kit.settings import get_settings
from shared.kit.words import speaking
from shared.messages.render import one_line, render
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
    _name, sender = parseaddr(settings.mail_sender)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=one_line(company.trade_name), addr_spec=sender)
    mail["To"] = Address(display_name=one_line(name), addr_spec=address)
    mail["Subject"] = one_line(rendered.subject)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{uuid.uuid4()}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = language
    mail.set_content(rendered.text, cte="quoted-printable")
    mail.add_alternative(rendered.html, subtype="html", cte="base64")
    try:
        with mailer_to(settings.smtp_url) as mailer:
            mailer.send(mail)
    except MailRefused as error:
        raise Invalid("mail.refused", str(error)) from error
    except (MailLater, MailUndecided) as error:
        raise Unavailable("mail.later", str(error)) from error
