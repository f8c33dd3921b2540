"""Mail goes out here, and only here: SMTP by address, one kept connection, and what the server answered at which stage."""

from __future__ import annotations

import enum
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from shared.kit.db import assert_outside_transaction

TIMEOUT_S = 20
LONGEST_ANSWER = 500


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on the wire: bare ASCII addresses, and all its bytes (lines end in CRLF, none longer than 998)."""

    sender: str
    recipient: str
    data: bytes


class Stage(enum.Enum):
    """How far a message had come when the server said no."""

    CONNECTION = "connection"
    """No connection, no encryption, a login that was refused, or the line went dead before the message was through."""
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


class MailNotTaken(Exception):  # noqa: N818
    """The message has certainly not left. `code` is None when nobody answered."""

    def __init__(self, stage: Stage, code: int | None, answer: str) -> None:
        super().__init__(f"{code} {answer}" if code is not None else answer)
        self.stage = stage
        self.code = code
        self.answer = answer


class MailUndecided(Exception):  # noqa: N818
    """Nobody can know whether the message left (the answer to its end was lost)."""


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
    """One SMTP session; `with Mailer(url) as mailer: mailer.send(envelope)`.

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

    def open(self) -> None:
        """Be connected and logged in; raises MailNotTaken, RuntimeError in a transaction."""
        assert_outside_transaction()
        self._connected()

    def send(self, envelope: Envelope) -> None:
        """Give one message to the server. Raises MailNotTaken or MailUndecided; RuntimeError in a transaction."""
        assert_outside_transaction()
        smtp = self._begin(envelope.sender)
        self._ask(smtp, Stage.RECIPIENT, f"RCPT TO:<{envelope.recipient}>", 250)
        self._ask(smtp, Stage.DATA, "DATA", 354)
        try:
            smtp.send(re.sub(rb"(?m)^\.", b"..", envelope.data) + b".\r\n")
        except (smtplib.SMTPException, OSError) as error:
            self._drop()  # its last line did not go out, so nobody has taken it
            raise MailNotTaken(Stage.CONNECTION, None, str(error)) from error
        try:
            code, answer = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise MailUndecided(str(error)) from error
        if code >= 400:
            raise self._refused(smtp, Stage.DATA, code, answer)

    def _begin(self, sender: str) -> smtplib.SMTP:
        """A connection that has taken the sender's name. One that was kept and has had enough is replaced, once."""
        was_kept = self._smtp is not None
        smtp = self._connected()
        try:
            code, answer = smtp.docmd(f"MAIL FROM:<{sender}>")
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            if was_kept:
                return self._begin(sender)
            raise MailNotTaken(Stage.CONNECTION, None, str(error)) from error
        if code < 400:
            return smtp
        self._drop()
        if was_kept:
            return self._begin(sender)
        raise MailNotTaken(Stage.SENDER, code, _text(answer))

    def _ask(self, smtp: smtplib.SMTP, stage: Stage, command: str, wanted: int) -> None:
        try:
            code, answer = smtp.docmd(command)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise MailNotTaken(Stage.CONNECTION, None, str(error)) from error
        if code != wanted and not (wanted == 250 and code == 251):
            raise self._refused(smtp, stage, code, answer)

    def _refused(self, smtp: smtplib.SMTP, stage: Stage, code: int, answer: bytes) -> MailNotTaken:
        """What the server said; the connection is ready for another message, or gone."""
        try:
            if code == 421 or smtp.rset()[0] != 250:
                self._drop()
        except (smtplib.SMTPException, OSError):
            self._drop()
        return MailNotTaken(stage, code, _text(answer))

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            try:
                self._smtp = self._open()
            except smtplib.SMTPResponseException as error:
                answer = error.smtp_error
                said = _text(answer) if isinstance(answer, bytes) else answer
                raise MailNotTaken(Stage.CONNECTION, error.smtp_code, said) from error
            except (smtplib.SMTPException, OSError) as error:
                raise MailNotTaken(Stage.CONNECTION, None, str(error)) from error
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        parts = self._parts
        host = parts.hostname or ""
        smtp: smtplib.SMTP
        if parts.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
        try:
            smtp.ehlo_or_helo_if_needed()
            if parts.scheme == "smtp" and smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            elif parts.scheme == "smtp" and parts.password:
                _keep_from_clear(host)
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            smtp.close()
            raise
        return smtp


def _keep_from_clear(host: str) -> None:
    """A password leaves this machine inside TLS, or not at all."""
    if host not in ("localhost", "127.0.0.1", "::1"):
        raise smtplib.SMTPNotSupportedError("the server offers no TLS: the password is not sent in clear")


def _text(answer: bytes) -> str:
    """A server's answer on one line, without anything that cannot be printed."""
    words = answer.decode("utf-8", errors="replace").split()
    return "".join(c for c in " ".join(words) if c.isprintable())[:LONGEST_ANSWER]
