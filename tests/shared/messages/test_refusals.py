"""Whom a mail server's answer is about."""

from __future__ import annotations

import pytest

from shared.kit.mailer import Stage
from shared.messages.refusals import Fault, fault, is_believable

RCPT, DATA = Stage.RECIPIENT, Stage.DATA

ANSWERS = [
    # What speaks against an address.
    (RCPT, 550, "5.1.1 The email account that you tried to reach does not exist", Fault.ADDRESS),
    (DATA, 550, "5.1.1 User unknown", Fault.ADDRESS),
    (RCPT, 550, "5.1.2 Bad destination system", Fault.ADDRESS),
    (RCPT, 501, "5.1.3 Bad recipient address syntax", Fault.ADDRESS),
    (RCPT, 550, "5.1.6 Mailbox has moved", Fault.ADDRESS),
    (RCPT, 556, "5.1.10 Recipient not found", Fault.ADDRESS),
    (RCPT, 550, "no such mailbox", Fault.DOUBTED),
    (RCPT, 551, "user not local", Fault.DOUBTED),
    (RCPT, 553, "mailbox name invalid", Fault.DOUBTED),
    (RCPT, 550, "5.2.1 The account is disabled", Fault.DOUBTED),
    (RCPT, 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", Fault.DOUBTED),
    # What is the relay's or ours: the next message tells, or nobody has to.
    (RCPT, 554, "5.7.1 <dora@client.example>: Relay access denied", Fault.SUSPECT),
    (RCPT, 550, "relaying denied", Fault.SUSPECT),
    (RCPT, 550, "blocked using zen.spamhaus.org", Fault.SUSPECT),
    (RCPT, 550, "5.7.1 Service unavailable, client host blocked", Fault.SUSPECT),
    (RCPT, 554, "daily sending quota exceeded", Fault.SUSPECT),
    (DATA, 554, "sending quota exceeded", Fault.SUSPECT),
    (DATA, 550, "5.7.26 unauthenticated mail is prohibited by DMARC", Fault.SUSPECT),
    (DATA, 550, "we do not like this", Fault.SUSPECT),
    (DATA, 451, "4.3.0 queue file write error", Fault.SUSPECT),
    (DATA, 452, "4.3.1 insufficient storage", Fault.SUSPECT),
    (RCPT, 450, "4.7.1 rate limit exceeded", Fault.SUSPECT),
    (RCPT, 553, "5.1.8 sender domain does not exist", Fault.RELAY),
    (RCPT, 421, "4.7.0 try again later", Fault.RELAY),
    (RCPT, 530, "5.7.0 Authentication required", Fault.RELAY),
    (Stage.SENDER, 550, "5.1.1 we do not know you", Fault.RELAY),
    (Stage.CONNECTION, 535, "5.7.8 bad credentials", Fault.RELAY),
    (Stage.CONNECTION, 554, "no SMTP service here", Fault.RELAY),
    (Stage.CONNECTION, None, "connection refused", Fault.RELAY),
    # What is this message's, or this reader's for now.
    (DATA, 552, "5.3.4 message size exceeds limit", Fault.MESSAGE),
    (DATA, 552, "too much mail data", Fault.MESSAGE),
    (DATA, 554, "5.6.0 malformed", Fault.MESSAGE),
    (RCPT, 552, "5.2.2 mailbox full", Fault.RECIPIENT),
    (RCPT, 452, "4.2.2 mailbox full", Fault.RECIPIENT),
    (RCPT, 450, "4.2.0 greylisted, come back in five minutes", Fault.RECIPIENT),
    (RCPT, 451, "4.7.1 Greylisting in action", Fault.RECIPIENT),
    (RCPT, 450, "mailbox busy", Fault.RECIPIENT),
]


@pytest.mark.parametrize(("stage", "code", "answer", "means"), ANSWERS)
def test_only_what_is_said_of_a_mailbox_speaks_against_an_address(stage, code, answer, means) -> None:
    assert fault(stage, code, answer) is means


def test_a_relay_that_knows_nobody_any_more_is_not_believed() -> None:
    assert is_believable([Fault.ADDRESS] * 9)
    assert not is_believable([Fault.ADDRESS] * 13 + [None] * 12)
    assert is_believable([Fault.ADDRESS] * 12 + [None] * 13)
