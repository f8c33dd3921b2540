"""What a mail server's "no" means, and for whom: pure, by stage, code, enhanced code and text.

Only what is said about the mailbox itself speaks against an address: RFC 3463 §3.2 (X.1.Y), and RFC 5321 §4.2.3 for servers
that give no enhanced code. All else is about us, our relay, this one message, or this moment.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.kit.mailer import Stage


class Fault(enum.Enum):
    """Whom an answer is about."""

    ADDRESS = "address"
    """There is no such mailbox."""
    DOUBTED = "doubted"
    """Perhaps there is none: believed when it is said again on another day."""
    RECIPIENT = "recipient"
    """This mailbox, not now: full, or asked to come back (greylisting)."""
    MESSAGE = "message"
    """This message, for ever: too large, or not to be delivered as it is."""
    RELAY = "relay"
    """Ours or the relay's, whoever is written to: nothing leaves until somebody does something."""
    SUSPECT = "suspect"
    """Ours, the relay's, or this message's: the next message tells."""


DEAD = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})
"""No such mailbox, no such domain, bad syntax, moved without a trace, a domain that takes no mail (RFC 7505)."""
DOUBTFUL = frozenset({"1.0", "1.4", "2.1", "4.1", "4.4"})
"""Also said of closed mailboxes, by Microsoft of unknown ones (5.4.1), and of domains that cannot be found just now."""
OF_THE_SENDER = frozenset({"1.7", "1.8", "1.9"})
LASTING = frozenset({"2.3", "3.4", "4.6", "6.0", "6.1", "6.2", "6.3"})
FULL = frozenset({"2.2"})

_ENHANCED = re.compile(r"^\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_OURS = re.compile(
    r"relay|block|black|spam|\brbl\b|dnsbl|reputation|\bspf\b|dkim|dmarc|polic|denied|authent|quota|limit|\brate|too many"
    r"|banned|not permitted|not allowed|unauthori|helo|ptr\b|reverse|\bip\b|tls",
    re.IGNORECASE,
)
_COME_BACK = re.compile(r"gr[ae]y.?list|try again|mailbox (is )?full|over ?quota", re.IGNORECASE)

BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
ANOTHER_DAY = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(days=3)
"""So long a message is tried that only its own reader or its own words keep from leaving."""

SUSPICIOUS = 10
"""So many dead addresses in one batch, and more than half of it: the relay has lost its directory, not we our debtors."""


def fault(stage: Stage, code: int | None, answer: str) -> Fault:
    """Whom a refusal is about. `code` is None when the server said nothing; `answer` may begin with an enhanced code."""
    if code is None or stage in (Stage.CONNECTION, Stage.SENDER) or code in (421, 454, 530, 534, 535, 538):
        return Fault.RELAY
    found = _ENHANCED.match(answer)
    detail = f"{int(found[2])}.{int(found[3])}" if found else None
    if code < 500:
        return _later(stage, detail, answer)
    if detail is not None:
        return _for_good(detail)
    if stage is Stage.RECIPIENT and code in (550, 551, 553) and not _OURS.search(answer):
        return Fault.DOUBTED
    if code == 552:
        return Fault.MESSAGE if stage is Stage.DATA else Fault.RECIPIENT
    return Fault.SUSPECT


def _for_good(detail: str) -> Fault:
    if detail in DEAD:
        return Fault.ADDRESS
    if detail in DOUBTFUL:
        return Fault.DOUBTED
    if detail in FULL:
        return Fault.RECIPIENT
    if detail in LASTING:
        return Fault.MESSAGE
    return Fault.RELAY if detail in OF_THE_SENDER else Fault.SUSPECT


def _later(stage: Stage, detail: str | None, answer: str) -> Fault:
    if detail in FULL or _COME_BACK.search(answer):
        return Fault.RECIPIENT
    about_us = detail is not None and detail.split(".")[0] in ("3", "5", "7")
    return Fault.RECIPIENT if stage is Stage.RECIPIENT and not about_us and not _OURS.search(answer) else Fault.SUSPECT


def next_try(tries: int) -> timedelta:
    """How long a message rests after so many starts of its own."""
    return BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1]


def is_given_up(tries: int, written_at: datetime, now: datetime) -> bool:
    """Whether a message has been tried often and for long enough."""
    return tries > len(BACK_OFF) and now - written_at >= GIVEN_UP_AFTER


def is_believable(faults: Sequence[Fault | None]) -> bool:
    """Whether a batch may speak against addresses at all; None stands for a message that was taken."""
    dead = sum(each in (Fault.ADDRESS, Fault.DOUBTED) for each in faults)
    return dead < SUSPICIOUS or dead * 2 <= len(faults)
