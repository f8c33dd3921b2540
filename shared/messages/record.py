"""What became of some letters, in one transaction: the messages, the marks on addresses, the outage."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, or_, update
from sqlalchemy.orm import Session

from shared.access import service as access
from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.db import among, transaction
from shared.kit.mailer import Envelope, Stage
from shared.messages import outage
from shared.messages.models import Message, MessageStatus
from shared.messages.refusals import ANOTHER_DAY, Fault, is_believable, is_given_up, next_try

_STOPS = (Fault.RELAY, Fault.SUSPECT)
PATIENCE = 3
"""So many readers one after the other who cannot be reached just now: it is the relay that cannot."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was taken, with all that is sent of it; without an envelope it cannot be written."""

    message_id: uuid.UUID
    company_id: uuid.UUID
    debtor_id: uuid.UUID | None
    contact_id: uuid.UUID | None
    at_most_once: bool
    tries: int
    written_at: datetime
    is_unwritable: bool
    envelope: Envelope | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server said of one letter: `fault` None and not undecided means that it took it."""

    fault: Fault | None
    answer: str
    stage: Stage = Stage.DATA
    is_undecided: bool = False

    @property
    def stops_the_row(self) -> bool:
        return self.is_undecided or self.fault in _STOPS

    @property
    def was_taken(self) -> bool:
        return self.fault is None and not self.is_undecided


@dataclass(slots=True)
class Sending:
    """Letters in their order, and what became of those that were begun."""

    letters: Sequence[Letter]
    outcomes: dict[uuid.UUID, Outcome] = field(default_factory=dict)

    @property
    def sent_count(self) -> int:
        return sum(each.was_taken for each in self.outcomes.values())


def record(sending: Sending) -> None:
    """Write down what became of the letters; those that were not begun wait as before."""
    if not sending.letters:
        return
    believable = is_believable([each.fault for each in sending.outcomes.values()])
    with transaction() as session:
        is_down = _judge_the_server(session, sending, believable=believable)
        back: list[Letter] = []
        sent: list[Letter] = []
        for letter in sending.letters:
            outcome = sending.outcomes.get(letter.message_id)
            if outcome is None or (not believable and outcome.fault in (Fault.ADDRESS, Fault.DOUBTED)):
                back.append(letter)
            elif outcome.was_taken:
                sent.append(letter)
            elif is_down and outcome.fault in (Fault.RELAY, Fault.SUSPECT, Fault.RECIPIENT):
                _wait(session, letter, outcome, None)  # nobody's fault here: not delayed
            else:
                _record_one(session, letter, outcome)
        _record_sent(session, sent)
        _set(session, back, status=MessageStatus.WAITING)
        _forget_links(session, back)


def _record_sent(session: Session, letters: Sequence[Letter]) -> None:
    _set(session, letters, status=MessageStatus.SENT, error=None, sent_at=clock.now(), try_at=None)
    people = [each.contact_id for each in letters if each.contact_id]
    if people:  # a message arrived: whatever was said of the address is no longer so
        session.execute(
            update(Contact)
            .where(among(Contact.id, people), or_(Contact.bounced_at.is_not(None), Contact.doubted_at.is_not(None)))
            .values(bounced_at=None, doubted_at=None, bounce_answer="")
            .execution_options(synchronize_session=False)
        )


def _wait(session: Session, letter: Letter, outcome: Outcome, rest: timedelta | None) -> None:
    """Not now: for a while, or until the server takes messages again."""
    try_at = clock.now() + rest if rest else None
    _set(session, [letter], status=MessageStatus.WAITING, error=outcome.answer, tries=letter.tries + 1, try_at=try_at)
    if not outcome.is_undecided:
        _forget_links(session, [letter])


def _record_one(session: Session, letter: Letter, outcome: Outcome) -> None:
    now, rest = clock.now(), next_try(letter.tries + 1)
    if outcome.is_undecided and letter.at_most_once:
        _set(session, [letter], status=MessageStatus.UNCERTAIN, error=outcome.answer)
    elif outcome.is_undecided:
        _wait(session, letter, outcome, rest)
    elif outcome.fault is Fault.DOUBTED and _is_first_doubt(session, letter, outcome, now):
        _wait(session, letter, outcome, ANOTHER_DAY)
    elif outcome.fault in (Fault.RECIPIENT, Fault.SUSPECT) and not is_given_up(letter.tries, letter.written_at, now):
        _wait(session, letter, outcome, rest)
    else:
        _set(session, [letter], status=MessageStatus.REFUSED, error=outcome.answer, tries=letter.tries + 1)
        _forget_links(session, [letter])
        lasts = outage.present(session)
        if lasts is not None and not lasts.is_certain and lasts.message_id == letter.message_id:
            outage.ends(session)  # nothing is known against the server but what it says of this message
        if outcome.fault in (Fault.ADDRESS, Fault.DOUBTED) or letter.is_unwritable:
            _mark(session, letter, outcome.answer, now)


def _is_first_doubt(session: Session, letter: Letter, outcome: Outcome, now: datetime) -> bool:
    """Whether nothing of the kind was heard on an earlier day; it is remembered. A member of staff has no such mark."""
    if letter.contact_id is None:
        return letter.tries == 0
    contact = session.get_one(Contact, letter.contact_id)
    if contact.doubted_at is None:
        contact.doubted_at, contact.bounce_answer = now, outcome.answer
        return True
    return now - contact.doubted_at < timedelta(hours=20)


def _mark(session: Session, letter: Letter, answer: str, now: datetime) -> None:
    if letter.contact_id is not None:
        session.execute(
            update(Contact)
            .where(Contact.id == letter.contact_id)
            .values(
                bounced_at=case((Contact.bounced_at.is_(None), now), else_=Contact.bounced_at), bounce_answer=answer
            )
            .execution_options(synchronize_session=False)
        )


def _judge_the_server(session: Session, sending: Sending, *, believable: bool) -> bool:
    """Whether the server takes no message of ours at all.

    One that was refused for an unclear reason shuts the gate until the next one tells; then it is its own fault, or the
    server's. What waited for the server's sake waits no longer than the server.
    """
    begun = [each for each in sending.letters if each.envelope is not None and each.message_id in sending.outcomes]
    told = [sending.outcomes[each.message_id] for each in begun]
    if not told:
        return False
    last, before = told[-1], outage.present(session, lock=True)
    unreached = len(told) >= PATIENCE and all(each.fault is Fault.RECIPIENT for each in told[-PATIENCE:])
    if not last.stops_the_row and believable and not unreached:
        if before is not None:
            outage.ends(session)
            if before.is_certain:
                _count_anew(session)
        return False
    is_another = before is not None and (before.is_certain or before.message_id != begun[-1].message_id)
    is_certain = last.fault is Fault.RELAY or not believable or unreached or is_another
    if is_certain and before is not None and not before.is_certain:
        _hold_nothing_against(session, {before.answer, last.answer})
    outage.goes_on(
        session, stage=last.stage, answer=last.answer, is_certain=is_certain, message_id=begun[-1].message_id
    )
    return is_certain


def _hold_nothing_against(session: Session, answers: set[str]) -> None:
    """What was put off for its own sake was put off for the server's."""
    session.execute(
        update(Message)
        .where(Message.status == MessageStatus.WAITING, Message.try_at.is_not(None), Message.error.in_(answers))
        .values(try_at=None)
        .execution_options(synchronize_session=False)
    )


def _count_anew(session: Session) -> None:
    """Probes are not counted against the messages that they were made with."""
    session.execute(
        update(Message)
        .where(Message.status == MessageStatus.WAITING, Message.tries > 0, Message.try_at.is_(None))
        .values(tries=0)
        .execution_options(synchronize_session=False)
    )


def _set(session: Session, letters: Sequence[Letter], **values: object) -> None:
    if letters:
        session.execute(
            update(Message)
            .where(among(Message.id, [each.message_id for each in letters]), Message.status == MessageStatus.SENDING)
            .values(locked_until=None, **values)
            .execution_options(synchronize_session=False)
        )


def _forget_links(session: Session, letters: Sequence[Letter]) -> None:
    debtors = [each.debtor_id for each in letters if each.debtor_id]
    if debtors:
        access.forget_links(session, [each.message_id for each in letters], debtor_ids=debtors)
