"""Two accounts that are one customer: the one goes into the other with everything it owes, owns and said.

The ledger stays append-only: no amount, day or account of a movement changes, only whose account it stands on (the trigger lets nothing
else through, and that only for the two debtors named in the same transaction; `docs/adr/0018-an-account-may-go-into-another.md`). What was decided and written down as a
log (reminder decisions, the audit trail) keeps the account for which it was decided.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlalchemy import Table, delete, exists, func, select, text, update
from sqlalchemy.orm import Session

from backoffice import people
from payments.collections.models import Collection, CollectionState
from payments.models import Payment
from payments.status import IN_FLIGHT
from shared.access.models import LinkPurpose
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Contact, Debtor, DebtorAlias, DebtorContact
from shared.debtors.rules import code_essence
from shared.debtors.service import TRUST_AFTER, lock_debtor, searched_by
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import audit, clock, seals
from shared.kit.actors import Actor
from shared.kit.db import Base, among
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.ledger import cancel
from shared.ledger.models import Kind, Transfer
from shared.messages import service as messages

_STAY = frozenset({"audit_line", "reminder", "reminder_decision", "collection_decision"})
"""Logs: what was decided stays with the account for which it was."""
_ENDS = ("import_position", "scenario_choice")
"""What is said of a debtor once: what is said of the account that stays holds. First the credit that the books showed is added
up, and a scenario chosen for the account that goes is taken over where none was chosen for the other."""
_BY_HAND = frozenset({"ledger_transfer", "debtor_contact", *_ENDS})
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Merging:
    """What a merge would do: the account that goes, the one that stays, and what stands in the way."""

    old: Debtor
    into: Debtor
    invoices: int
    contacts: int
    doubles: tuple[str, ...]
    """Numbers that both accounts have with the same day and total: what is open of the one that goes is taken off."""
    scenario: str
    """By which ladder the account that stays is reminded then."""
    reminded_on: date | None
    """When either of them was last reminded: the quiet days after it hold for both."""
    obstacle: str
    debits: str
    """What changes by itself about automatic debits of what moves: "end", "begin", or nothing."""


def look(session: Session, old: Debtor, into: Debtor) -> Merging:
    """What merging `old` into `into` means."""
    doubles = _doubles(session, old, into)
    return Merging(
        old,
        into,
        session.scalar(select(func.count()).where(Invoice.debtor_id == old.id)) or 0,
        session.scalar(
            select(func.count()).where(DebtorContact.debtor_id == old.id, DebtorContact.removed_at.is_(None))
        )
        or 0,
        tuple(mine.number for mine, _other in doubles[:SHOWN]),
        *_reminding(session, old, into),
        _obstacle(session, old, into, doubles),
        _debits(session, old, into),
    )


def _debits(session: Session, old: Debtor, into: Debtor) -> str:
    """Whether what moves is no longer debited by itself, or is from now on: the account that stays keeps its own choice."""
    if old.autopay and not into.autopay:
        return "end"
    moves = (Invoice.debtor_id == old.id, Invoice.kind == InvoiceKind.INVOICE, Invoice.open_minor > 0)
    if into.autopay and not old.autopay and session.scalar(select(Invoice.id).where(*moves).limit(1)) is not None:
        return "begin"
    return ""


def _tell_of_debits(session: Session, old: Debtor, into: Debtor, debits: str) -> None:
    """Everybody who is reminded hears what the merge changes about automatic debits: nobody has asked for it himself."""
    if not debits:
        return
    messages.write(
        session,
        kind="autopay_merged",
        debtor_id=into.id,
        facts={"ends": debits == "end", "goes": old.account_code, "stays": into.account_code},
        link=LinkPurpose.NOTICE,
        reason=lambda: _("You get this because you are a contact of this account."),
        dedupe_key=f"autopay-merged:{old.id}",
        subject_id=into.id,
    )


def _reminding(session: Session, old: Debtor, into: Debtor) -> tuple[str, date | None]:
    """The scenario that holds once they are one, and the last reminder of either."""
    facts = {"old": old.id, "new": into.id, "company": into.company_id}
    name = session.scalar(
        text("""SELECT s.name FROM scenario s LEFT JOIN scenario_choice c ON c.scenario_id = s.id AND c.debtor_id IN (:new, :old)
            WHERE s.company_id = :company AND (s.is_default OR c.debtor_id IS NOT NULL)
            ORDER BY c.debtor_id = :new DESC NULLS LAST LIMIT 1"""),
        facts,
    )
    last = session.scalar(
        text("""SELECT max(remind_on) FROM reminder WHERE status <> 'dropped' AND debtor_id IN (
            SELECT unnest(ARRAY[:new, :old]::uuid[]) UNION ALL
            SELECT merged_id FROM debtor_alias WHERE debtor_id IN (:new, :old))"""),
        facts,
    )
    return name or "", last


def merge(session: Session, *, old_id: uuid.UUID, into_id: uuid.UUID, by: Actor) -> None:
    """Let one account go into another. Twice is refused. Raises Invalid or Conflict, in words, when it cannot be done."""
    locked = {identity: lock_debtor(session, identity) for identity in sorted((old_id, into_id))}
    old, into = locked[old_id], locked[into_id]
    doubles = _doubles(session, old, into)
    if obstacle := _obstacle(session, old, into, doubles):
        raise Conflict("debtor.merge", obstacle)
    for mine, _theirs in doubles:
        if mine.open_minor:
            cancel.take_off(session, old, mine, on=today_of(session, old.company_id), reason=_("twice"), by=by)
        mine.number = f"{mine.number[:40]} ({old.account_code})"[:64]
    session.flush()
    scenario, reminded_on = _reminding(session, old, into)
    debits = _debits(session, old, into)
    there = {each: set(people.those_there(session, each)) for each in (old.id, into.id)}
    _move(session, old, into)
    _distrust_each_other(session, into, there[old.id], there[into.id], by=by)
    for name in ("open_minor", "held_minor", "credit_minor"):
        setattr(into, name, getattr(into, name) + getattr(old, name))
        setattr(old, name, 0)
    _keep_pause(old, into)
    old.merged_into_id, old.autopay = into.id, False
    session.flush()
    into.search_text = searched_by(session, into)
    session.add(
        DebtorAlias(
            id=new_id(),
            company_id=old.company_id,
            debtor_id=into.id,
            code=old.account_code,
            essence=code_essence(old.account_code),
            code_says_who=old.code_says_who,
            merged_id=old.id,
            created_at=clock.now(),
        )
    )
    for debtor in (old, into):
        audit.record(
            session,
            by,
            "debtor.merged",
            subject_type="debtor",
            subject_id=debtor.id,
            company_id=old.company_id,
            debtor_id=debtor.id,
            after={
                "from": old.account_code,
                "into": into.account_code,
                "doubles": [mine.number for mine, _o in doubles],
                "scenario": scenario,
                "reminded_on": reminded_on.isoformat() if reminded_on else None,
                "automatic_debits": debits,
            },
        )
    session.flush()
    _tell_of_debits(session, old, into, debits)
    affairs.owes_otherwise(session, into.id)  # what is announced of it is looked at beside the credit of both


def _keep_pause(old: Debtor, into: Debtor) -> None:
    """Who was not to be reminded for a while is not, under the account that stays: the longer pause holds for both."""
    until = old.reminders_paused_until
    if until is not None and (into.reminders_paused_until is None or into.reminders_paused_until < until):
        into.reminders_paused_until, into.reminders_pause_reason = until, old.reminders_pause_reason


def _doubles(session: Session, old: Debtor, into: Debtor) -> list[tuple[Invoice, Invoice]]:
    theirs = {
        (row.kind, row.number): row for row in session.scalars(select(Invoice).where(Invoice.debtor_id == into.id))
    }
    mine = session.scalars(select(Invoice).where(Invoice.debtor_id == old.id).order_by(Invoice.id))
    return [(row, theirs[row.kind, row.number]) for row in mine if (row.kind, row.number) in theirs]


def _obstacle(session: Session, old: Debtor, into: Debtor, doubles: list[tuple[Invoice, Invoice]]) -> str:
    """Why not, in one sentence; nothing when it may be done."""
    if old.id == into.id:
        return _("An account cannot go into itself.")
    if old.company_id != into.company_id or old.currency != into.currency:
        return _("Both accounts must be of one company and one currency.")
    if old.merged_into_id or into.merged_into_id:
        return _("One of these accounts has gone into another one already.")
    in_flight = select(exists().where(Payment.debtor_id == old.id, Payment.status.in_(IN_FLIGHT)))
    announced = select(exists().where(Collection.debtor_id == old.id, Collection.state == CollectionState.ANNOUNCED))
    if old.held_minor or session.scalar(in_flight) or session.scalar(announced):
        return _(
            "A payment of %(code)s is under way or announced. Wait until it is done, or withdraw it.",
            code=old.account_code,
        )
    for mine, other in doubles:
        same = (mine.issued_on, mine.total_minor) == (other.issued_on, other.total_minor)
        untouched = not (mine.frozen_minor or mine.paused_minor) and not _was_paid_here(session, old, mine)
        if not same or not untouched:
            return _(
                "Both accounts have an invoice %(number)s, and they are not the same document, or something was paid or agreed on the "
                "one that would be taken off. Settle that first.",
                number=mine.number,
            )
    return ""


def _was_paid_here(session: Session, debtor: Debtor, invoice: Invoice) -> bool:
    touched = exists().where(
        Transfer.debtor_id == debtor.id,
        (Transfer.credit_owner == invoice.id) | (Transfer.debit_owner == invoice.id),
        Transfer.kind.not_in((Kind.ISSUE, Kind.IMPORTED)),
    )
    return bool(session.scalar(select(touched)))


def _move(session: Session, old: Debtor, into: Debtor) -> None:
    session.execute(select(func.set_config("guichet.merging", f"{old.id}>{into.id}", True)))
    facts = {"old": old.id, "new": into.id}
    moved = session.scalars(
        text("""UPDATE ledger_transfer SET debtor_id = :new,
            debit_owner = CASE WHEN debit_account = 'credit' AND debit_owner = :old THEN :new ELSE debit_owner END,
            credit_owner = CASE WHEN credit_account = 'credit' AND credit_owner = :old THEN :new ELSE credit_owner END
            WHERE debtor_id = :old RETURNING id"""),
        facts,
    ).all()
    seals.renew(session, "ledger_transfer", moved)
    _join_people(session, old, into)
    session.execute(
        text("""INSERT INTO import_position (debtor_id, credit_minor, import_run_id)
            SELECT :new, credit_minor, import_run_id FROM import_position WHERE debtor_id = :old
            ON CONFLICT (debtor_id) DO UPDATE SET credit_minor = import_position.credit_minor + excluded.credit_minor"""),
        facts,
    )
    session.execute(
        text("""INSERT INTO scenario_choice (debtor_id, scenario_id, chosen_at)
            SELECT :new, scenario_id, chosen_at FROM scenario_choice WHERE debtor_id = :old ON CONFLICT (debtor_id) DO NOTHING"""),
        facts,
    )
    for name in _ENDS:
        table = Base.metadata.tables[name]
        session.execute(delete(table).where(table.c.debtor_id == old.id))
    for table in Base.metadata.sorted_tables:
        if _moves(table):
            session.execute(update(table).where(table.c.debtor_id == old.id).values(debtor_id=into.id))
    session.expire_all()
    session.refresh(old)
    session.refresh(into)


def _moves(table: Table) -> bool:
    return "debtor_id" in table.c and table.name not in _STAY | _BY_HAND


def _distrust_each_other(
    session: Session, into: Debtor, olds: set[uuid.UUID], intos: set[uuid.UUID], *, by: Actor
) -> None:
    """Whoever acted for one account alone is new to the other one, whose people are told: as if staff had added him there."""
    if not (olds and intos):
        return
    links = session.scalars(
        select(DebtorContact).where(DebtorContact.debtor_id == into.id, DebtorContact.removed_at.is_(None))
    )
    for link in links:
        if link.contact_id in olds ^ intos:
            link.trusted_from, link.added_by_id = clock.now() + TRUST_AFTER, by.id
    for told, new in ((olds, intos - olds), (intos, olds - intos)):
        if new:
            emails = ", ".join(
                session.scalars(select(Contact.email).where(among(Contact.id, new)).order_by(Contact.email))
            )
            people.tell(session, into.id, sorted(told), partial(_given_access, emails))


def _given_access(emails: str) -> str:
    return _("Our staff have given %(email)s access to your account.", email=emails)


def _join_people(session: Session, old: Debtor, into: Debtor) -> None:
    """Who acts for one acts for the other; who acted for both does so once."""
    theirs = select(DebtorContact.contact_id).where(
        DebtorContact.debtor_id == into.id, DebtorContact.removed_at.is_(None)
    )
    session.execute(
        update(DebtorContact)
        .where(
            DebtorContact.debtor_id == old.id, DebtorContact.removed_at.is_(None), DebtorContact.contact_id.in_(theirs)
        )
        .values(removed_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DebtorContact)
        .where(DebtorContact.debtor_id == old.id)
        .values(debtor_id=into.id)
        .execution_options(synchronize_session=False)
    )
