"""The people themselves: name, address, telephone. They go when no account needs them any more, or when they ask for it."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from shared.company.models import Company
from shared.debtors import erased
from shared.debtors.models import Contact, Debtor, DebtorContact, ErasedAddress
from shared.invoices.holds import is_held
from shared.kit import clock
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, register
from shared.kit.words import lazy_gettext as _l
from shared.ledger.models import Transfer


def _acts_for() -> Any:
    return (DebtorContact.contact_id == Contact.id) & DebtorContact.removed_at.is_(None)


def needed() -> ColumnElement[bool]:
    """Whether an account (of a contact in the query) still needs this person.

    It is before a court, or money stands open on it, in flight or to be given back, and nobody else can be written to.
    """
    other, somebody = aliased(DebtorContact), aliased(Contact)
    reachable = exists().where(
        other.debtor_id == Debtor.id,
        other.removed_at.is_(None),
        other.contact_id == somebody.id,
        somebody.id != Contact.id,
        somebody.bounced_at.is_(None),
    )
    nobody_else = ~reachable.correlate(Debtor, Contact)
    has_money = or_(Debtor.open_minor != 0, Debtor.held_minor > 0, Debtor.credit_minor > 0)
    wanted = or_(is_held(Debtor.id), has_money & nobody_else)
    return exists().where(_acts_for(), Debtor.id == DebtorContact.debtor_id, wanted).correlate(Contact)


def _known() -> ColumnElement[bool]:
    return ~Contact.email.endswith(f"@{erased.DOMAIN}")


def _inactive(scope: Scope) -> Select[Any]:
    """Known since before, needed by no account, and nothing has moved on any of theirs since."""
    moved = exists().where(
        DebtorContact.contact_id == Contact.id,
        or_(
            DebtorContact.created_at >= scope.before,
            DebtorContact.removed_at >= scope.before,
            DebtorContact.removed_at.is_(None)
            & exists().where(Transfer.debtor_id == DebtorContact.debtor_id, Transfer.at >= scope.before),
        ),
    )
    return select(Contact.id).where(
        Contact.company_id == scope.company_id, Contact.created_at < scope.before, _known(), ~needed(), ~moved
    )


def _this(contact_id: uuid.UUID) -> Select[Any]:
    return select(Contact.id).where(Contact.id == contact_id, _known())


def _erasable(contact_id: uuid.UUID) -> Select[Any]:
    return _this(contact_id).where(~needed())


def forget(session: Session, keys: Keys) -> None:
    """Put numbers instead of people: nobody acts by them, and no mail can go to them."""
    whose = ids(keys)
    now = clock.now()
    for contact in session.scalars(select(Contact).where(Contact.id.in_(whose)).with_for_update()):
        contact.name = contact.phone = contact.bounce_answer = ""
        contact.email = f"{contact.id}@{erased.DOMAIN}"
        contact.bounced_at, contact.doubted_at = now, None
    session.flush()
    session.execute(update(DebtorContact).where(DebtorContact.contact_id.in_(whose)).values(called=""))
    session.execute(
        update(DebtorContact)
        .where(DebtorContact.contact_id.in_(whose), DebtorContact.removed_at.is_(None))
        .values(removed_at=now)
    )


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Contact.name,
        Contact.email.label("address"),
        Contact.phone,
        Contact.language,
        Contact.created_at,
        Contact.bounced_at.label("refused_at"),
        Contact.wants_digest,
    ).where(Contact.id == contact_id)
    return as_rows(session.execute(query))


def _accounts(contact_id: uuid.UUID) -> Select[Any]:
    return select(DebtorContact.id).where(DebtorContact.contact_id == contact_id)


def _export_accounts(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = (
        select(
            Debtor.account_code,
            Debtor.name.label("account"),
            DebtorContact.role,
            DebtorContact.is_reminded,
            DebtorContact.created_at,
            DebtorContact.removed_at.label("ended_at"),
        )
        .join(Debtor, Debtor.id == DebtorContact.debtor_id)
        .where(DebtorContact.contact_id == contact_id)
    )
    return as_rows(session.execute(query.order_by(DebtorContact.created_at.desc())))


def _old_tombstones(scope: Scope) -> Select[Any]:
    return select(ErasedAddress.id).where(
        ErasedAddress.company_id == scope.company_id, ErasedAddress.erased_at < scope.before
    )


def _drop_tombstones(session: Session, keys: Keys) -> None:
    session.execute(delete(ErasedAddress).where(ErasedAddress.id.in_(ids(keys))))


def company_of(session: Session, contact_id: uuid.UUID) -> Company | None:
    """Whose contact this is."""
    return session.scalar(
        select(Company).join(Contact, Contact.company_id == Company.id).where(Contact.id == contact_id)
    )


register(
    Kind(
        name="contacts",
        label=_l("People: name, address, telephone"),
        basis=Basis.CONTRACT,
        why=_l("They act for customers: they are written to, see the account and pay."),
        counted=_l("from the last movement on their accounts, once nothing is open on them"),
        keeps=_l(
            "An account that owes, is owed, or is before a court still needs this person (GDPR art. 17.3.b and e)."
        ),
        term=Term(
            36, 12, 60, "months", _l("CNIL, guide to retention periods, 2020: three years after the last contact")
        ),
        due=_inactive,
        remove=forget,
        of_person=_this,
        erasable=_erasable,
        export=_export,
        order=90,
    ),
    Kind(
        name="accounts",
        label=_l("Accounts that somebody acted for"),
        basis=Basis.INTEREST,
        why=_l("Who could see and pay, from when to when: the proof of who did what."),
        keeps=_l("Without a name it is a number; it is kept with the trail of acts (Commercial Code L123-22)."),
        of_person=_accounts,
        export=_export_accounts,
    ),
    Kind(
        name="tombstones",
        label=_l("Digests of erased addresses"),
        basis=Basis.LAW,
        why=_l("So that an import does not bring back somebody who asked to be forgotten."),
        counted=_l("from the erasure"),
        term=Term(36, 36, 36, "months", _l("GDPR art. 17 and 21; CNIL, guide to retention periods, 2020")),
        due=_old_tombstones,
        remove=_drop_tombstones,
    ),
)
