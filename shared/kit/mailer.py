"""Mail goes out here, and only here: SMTP by address, one kept connection, errors in two kinds."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.header import Header
from email.headerregistry import AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from shared.kit.db import assert_outside_transaction

TIMEOUT_S = 20


class MailPolicy(EmailPolicy):
    """The policy of all our messages: subjects and names that are not ASCII are encoded as a whole.

    Python before its repair of 2026 loses spaces where encoded and plain words meet, and lets encoded words touch
    (github.com/python/cpython/issues/144156, 92081): a subject is misspelt, and some providers refuse the message.
    """

    def fold(self, name: str, value: Any) -> str:
        if (
            isinstance(value, AddressHeader)
            and len(value.addresses) == 1
            and not value.addresses[0].display_name.isascii()
        ):
            address = value.addresses[0]
            return (
                f"{name}: {self._encoded(name, address.display_name)}{self.linesep} <{address.addr_spec}>{self.linesep}"
            )
        if isinstance(value, UnstructuredHeader) and not str(value).isascii():
            return f"{name}: {self._encoded(name, str(value))}{self.linesep}"
        plain: str = super().fold(name, value)
        return plain

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")

    def _encoded(self, name: str, text: str) -> str:
        return str(Header(text, "utf-8", maxlinelen=75, header_name=name).encode(linesep=self.linesep))


MAIL_POLICY = MailPolicy(linesep="\r\n")


class MailRefused(Exception):  # noqa: N818
    """The server will never take this message (5xx, a refused recipient); the text is its answer."""


class MailUndecided(Exception):  # noqa: N818
    """Nobody can know whether the message left (connection lost after DATA began)."""


class MailLater(Exception):  # noqa: N818
    """The message has certainly not left; it may be tried again later."""


_kept: ContextVar[dict[str, Mailer] | None] = ContextVar("kept_mailers", default=None)


@contextmanager
def one_connection() -> Iterator[None]:
    """Inside the block all mail leaves over one connection, opened when it is first needed."""
    mailers: dict[str, Mailer] = {}
    token = _kept.set(mailers)
    try:
        yield
    finally:
        _kept.reset(token)
        for mailer in mailers.values():
            mailer.close()


@contextmanager
def mailer_to(url: str) -> Iterator[Mailer]:
    """The kept connection to this address inside `one_connection`, else one for this block alone."""
    kept = _kept.get()
    if kept is None:
        with Mailer(url) as mailer:
            yield mailer
    else:
        yield kept.setdefault(url, Mailer(url))


class Mailer:
    """One SMTP session; `with Mailer(url) as mailer: mailer.send(message)`.

    The address is `smtp://[user:password@]host[:port]` (STARTTLS when offered) or `smtps://…`.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(f"not an SMTP address: {parts.scheme}://…")
        self._parts = parts
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
            self._smtp = None

    def send(self, message: EmailMessage) -> None:
        """Give one message to the relay. Raises MailRefused, MailLater or MailUndecided; RuntimeError in a transaction."""
        assert_outside_transaction()
        smtp = self._begin(message["From"].addresses[0].addr_spec)
        recipients = [
            a.addr_spec for header in ("To", "Cc") for a in (message[header].addresses if message[header] else ())
        ]
        try:
            for recipient in recipients:
                code, answer = smtp.rcpt(recipient)
                if code >= 400:
                    smtp.rset()
                    raise (MailRefused if code >= 500 else MailLater)(f"{code} {answer.decode(errors='replace')}")
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise MailLater(str(error)) from error
        try:
            code, answer = smtp.data(message.as_bytes())
        except (smtplib.SMTPDataError, smtplib.SMTPResponseException) as error:
            self._drop()
            raise (MailRefused if error.smtp_code >= 500 else MailLater)(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise MailUndecided(str(error)) from error
        if code >= 400:
            raise (MailRefused if code >= 500 else MailLater)(f"{code} {answer.decode(errors='replace')}")

    def _begin(self, sender: str) -> smtplib.SMTP:
        """A connection that has taken the sender's name. One that was kept and has had enough is replaced, once."""
        was_kept = self._smtp is not None
        smtp = self._connected()
        try:
            code, answer = smtp.mail(sender)
        except (smtplib.SMTPException, OSError) as error:
            code, answer = 421, str(error).encode()
        if code < 400:
            return smtp
        self._drop()
        if was_kept:
            return self._begin(sender)
        # Whatever the relay has against us, it is nothing against the person we write to.
        raise MailLater(f"{code} {answer.decode(errors='replace')}")

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            except (smtplib.SMTPException, OSError):
                pass
            self._drop()
        try:
            self._smtp = self._open()
        except (smtplib.SMTPException, OSError) as error:
            raise MailLater(str(error)) from error
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        parts = self._parts
        host = parts.hostname or ""
        smtp: smtplib.SMTP
        if parts.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
        smtp.ehlo()
        if parts.scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
        return smtp
