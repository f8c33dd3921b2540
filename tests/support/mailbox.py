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

    `refuse` holds addresses answered with 550; `mails_each` is how many mails one connection may bring; `peers` are the
    connections that brought mail.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: set[str] = set()
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
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Any
    ) -> str:
        self.peers.append(session.peer)
        if self.answer_after_data.startswith("250"):
            mail = message_from_bytes(envelope.original_content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.answer_after_data


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
