"""A real SMTP server that keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """What arrived, and how the server behaves.

    `answers` holds what addresses are answered with at RCPT, `data_answers` after DATA; `mails_each` is how many mails one connection may bring; `peers` are the
    connections that brought mail.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.data_answers: dict[str, str] = {}
        self.answer_to_recipient = "250 OK"
        self.answer_after_data = "250 OK"
        self.answer_to_sender = "250 OK"
        self.mails_each: int | None = None
        self.peers: list[Any] = []
        self.url = ""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.mails_each is not None and self.peers.count(session.peer) >= self.mails_each:
            return "421 that is enough for one connection"
        envelope.mail_from = address
        return self.answer_to_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        answer = self.answers.get(address, self.answer_to_recipient)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Any
    ) -> str:
        self.peers.append(session.peer)
        answer = self.data_answers.get(envelope.rcpt_tos[0], self.answer_after_data)
        if answer.startswith("250"):
            mail = message_from_bytes(envelope.original_content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return answer


class _OnFreePort(Controller):
    """Learns its port from the system before it knocks at its own door."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """A server on a free port of this machine."""
    mailbox = Mailbox()
    controller = _OnFreePort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield mailbox
    finally:
        controller.stop(no_assert=True)
