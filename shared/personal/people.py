"""The people themselves: name, address, telephone. They go when no account needs them any more, or when they ask for it."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from shared.debtors import erased
from shared.debtors.erased import forget_code
from shared.debtors.models import (
    Contact,
    ContactRole,
    Debtor,
    DebtorAlias,
    DebtorContact,
    DebtorKind,
    DebtorNote,
    ErasedAddress,
)
from shared.invoices.holds import is_held, is_owing
from shared.kit import clock
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l
from shared.ledger.models import Transfer
from shared.personal.labels import TOLD
from shared.personal.models import ErasureRequest, ErasureState


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
    return _of_an_account(or_(is_held(Debtor.id), _has_money() & nobody_else))


def _has_money() -> ColumnElement[bool]:
    return or_(is_owing(Debtor.id), Debtor.open_minor != 0, Debtor.held_minor > 0, Debtor.credit_minor > 0)


def _of_an_account(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a contact (in the query) acts for an account of which something is so."""
    return exists().where(_acts_for(), Debtor.id == DebtorContact.debtor_id, wanted).correlate(Contact)


def _known() -> ColumnElement[bool]:
    return ~Contact.email.endswith(f"@{erased.DOMAIN}")


def _inactive(scope: Scope) -> Select[Any]:
    """Known since before, and on no account of theirs is anything open, before a court, or has moved since.

    Nobody asked for it: unlike one person's wish (`needed`), a sweep asks of all at once, and each of two is somebody else to the other.
    """
    open_ = _of_an_account(or_(is_held(Debtor.id), _has_money()))
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
        Contact.company_id == scope.company_id, Contact.created_at < scope.before, _known(), ~open_, ~moved
    )


def _this(contact_id: uuid.UUID) -> Select[Any]:
    return select(Contact.id).where(Contact.id == contact_id, _known())


def _erasable(contact_id: uuid.UUID) -> Select[Any]:
    return _this(contact_id).where(~needed())


def forget(session: Session, keys: Keys) -> None:
    """Put numbers instead of people: nobody acts by them, and no mail can go to them."""
    whose = ids(keys)
    now = clock.now()
    for contact in session.scalars(select(Contact).where(among(Contact.id, whose)).with_for_update()):
        contact.name = contact.phone = contact.bounce_answer = ""
        contact.email = f"{contact.id}@{erased.DOMAIN}"
        contact.bounced_at, contact.doubted_at = now, None
    session.flush()
    session.execute(update(DebtorContact).where(among(DebtorContact.contact_id, whose)).values(called=""))
    session.execute(
        update(DebtorContact)
        .where(among(DebtorContact.contact_id, whose), DebtorContact.removed_at.is_(None))
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
        Contact.bounce_answer.label("refused_with"),
        Contact.wants_digest,
    ).where(Contact.id == contact_id)
    return as_rows(session.execute(query))


def _accounts(contact_id: uuid.UUID) -> Select[Any]:
    return select(DebtorContact.id).where(DebtorContact.contact_id == contact_id)


def _export_accounts(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    """Of a consumer whom this person no longer acts for, only that there was one: the name is somebody else's."""
    anothers = (Debtor.kind == DebtorKind.CONSUMER) & DebtorContact.removed_at.is_not(None)
    query = (
        select(
            case((anothers, ""), else_=Debtor.account_code).label("account_code"),
            case((anothers, ""), else_=Debtor.name).label("account"),
            DebtorContact.role,
            DebtorContact.is_reminded,
            DebtorContact.called.label("name"),
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
    session.execute(delete(ErasedAddress).where(among(ErasedAddress.id, ids(keys))))


def _is_oneself(contact_id: Any) -> ColumnElement[bool]:
    """Whether a debtor (in the query) is this very person: a consumer, or somebody in business under its own name, and nobody else acts."""
    mine, other = aliased(DebtorContact), aliased(DebtorContact)
    person = aliased(Contact)
    acts = exists().where(
        mine.debtor_id == Debtor.id,
        mine.contact_id == contact_id,
        mine.removed_at.is_(None),
        person.id == contact_id,
        or_(
            Debtor.kind == DebtorKind.CONSUMER,
            (person.name != "") & (func.lower(person.name) == func.lower(Debtor.name)),
        ),
    )
    shared = exists().where(other.debtor_id == Debtor.id, other.contact_id != contact_id)
    return acts.correlate(Debtor) & ~shared.correlate(Debtor)


def _customers_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Debtor.id).where(_is_oneself(contact_id))


def _export_customers(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    codes = select(func.string_agg(DebtorAlias.code, ", ")).where(DebtorAlias.debtor_id == Debtor.id)
    other_codes = codes.scalar_subquery()
    query = select(
        Debtor.account_code,
        Debtor.name,
        Debtor.siren,
        Debtor.vat_number,
        Debtor.street,
        Debtor.street_more,
        Debtor.postcode,
        Debtor.city,
        Debtor.country,
        Debtor.reminders_pause_reason.label("paused_why"),
        func.coalesce(other_codes, "").label("other_codes"),
        Debtor.created_at,
    ).where(_is_oneself(contact_id))
    return as_rows(session.execute(query.order_by(Debtor.account_code)))


def _old_customers(scope: Scope) -> Select[Any]:
    """Nothing has moved since before, and nothing is open: the books of that time are no longer wanted."""
    moved = exists().where(Transfer.debtor_id == Debtor.id, Transfer.at >= scope.before)
    is_known = or_(
        Debtor.name != Debtor.account_code,
        Debtor.code_says_who,
        exists().where(DebtorAlias.debtor_id == Debtor.id, DebtorAlias.code_says_who),
        Debtor.street != "",
        Debtor.city != "",
        Debtor.siren.is_not(None),
        Debtor.vat_number.is_not(None),
    )
    return select(Debtor.id).where(
        Debtor.company_id == scope.company_id,
        Debtor.created_at < scope.before,
        is_known,
        ~moved,
        ~is_owing(Debtor.id),
        ~is_held(Debtor.id),
    )


def _forget_customers(session: Session, keys: Keys) -> None:
    """The code of the account stays, by which the ledger is read; one that was made of a name or an address becomes neutral."""
    whose = ids(keys)
    aliases = select(DebtorAlias).where(among(DebtorAlias.debtor_id, whose), DebtorAlias.code_says_who)
    accounts = select(Debtor).where(among(Debtor.id, whose), Debtor.code_says_who)
    for row in (*session.scalars(aliases), *session.scalars(accounts)):
        forget_code(row)
    session.flush()
    session.execute(
        update(Debtor)
        .where(among(Debtor.id, whose))
        .values(
            name=Debtor.account_code,
            siren=None,
            vat_number=None,
            street="",
            street_more="",
            postcode="",
            city="",
            reminders_pause_reason="",
            search_text=func.lower(Debtor.account_code),
        )
        .execution_options(synchronize_session=False)
    )


def _live_account() -> ColumnElement[bool]:
    return exists().where(Debtor.id == DebtorNote.debtor_id, or_(is_owing(Debtor.id), is_held(Debtor.id)))


def _old_notes(scope: Scope) -> Select[Any]:
    theirs = exists().where(Debtor.id == DebtorNote.debtor_id, Debtor.company_id == scope.company_id)
    return select(DebtorNote.id).where(theirs, DebtorNote.created_at < scope.before, ~_live_account())


def _notes_of(contact_id: uuid.UUID) -> Select[Any]:
    own = exists().where(Debtor.id == DebtorNote.debtor_id, _is_oneself(contact_id))
    return select(DebtorNote.id).where(own)


def _erasable_notes(contact_id: uuid.UUID) -> Select[Any]:
    return _notes_of(contact_id).where(~_live_account())


def _export_notes(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(DebtorNote.created_at, DebtorNote.text).where(DebtorNote.id.in_(_notes_of(contact_id)))
    return as_rows(session.execute(query.order_by(DebtorNote.id.desc())))


def _drop_notes(session: Session, keys: Keys) -> None:
    session.execute(delete(DebtorNote).where(among(DebtorNote.id, ids(keys))))


def _wishes_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(ErasureRequest.id).where(ErasureRequest.contact_id == contact_id)


def _export_wishes(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        ErasureRequest.asked_at.label("created_at"),
        ErasureRequest.state,
        ErasureRequest.decided_at.label("ended_at"),
        ErasureRequest.ground.label("why"),
        ErasureRequest.answer,
    ).where(ErasureRequest.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(ErasureRequest.id.desc())))


def _old_wishes(scope: Scope) -> Select[Any]:
    return select(ErasureRequest.id).where(
        ErasureRequest.company_id == scope.company_id, ErasureRequest.decided_at < scope.before
    )


def _drop_wishes(session: Session, keys: Keys) -> None:
    session.execute(delete(ErasureRequest).where(among(ErasureRequest.id, ids(keys))))


register(
    Kind(
        name="contacts",
        label=_l("People: name, address, telephone"),
        basis=Basis.CONTRACT,
        holds=("contact.email", "contact.name", "contact.phone", "contact.bounce_answer"),
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
        holds=("debtor_contact.called",),
        why=_l("Who could see and pay, from when to when: the proof of who did what."),
        keeps=_l("Without a name it is a number; it is kept with the trail of acts (Commercial Code L123-22)."),
        of_person=_accounts,
        export=_export_accounts,
    ),
    Kind(
        name="tombstones",
        label=_l("Digests of erased addresses"),
        basis=Basis.LAW,
        holds=("erased_address.digest",),
        why=_l("So that an import does not bring back somebody who asked to be forgotten."),
        counted=_l("from the erasure"),
        term=Term(36, 36, 36, "months", _l("GDPR art. 17 and 21; CNIL, guide to retention periods, 2020")),
        due=_old_tombstones,
        remove=_drop_tombstones,
    ),
    Kind(
        name="customers",
        label=_l("Customers: name, address, numbers"),
        basis=Basis.LAW,
        holds=(
            "debtor.name",
            "debtor.account_code",
            "debtor.siren",
            "debtor.vat_number",
            "debtor.street",
            "debtor.street_more",
            "debtor.postcode",
            "debtor.city",
            "debtor.search_text",
            "debtor.reminders_pause_reason",
            "debtor_alias.code",
            "debtor_alias.essence",
        ),
        why=_l("Whom an invoice is made out to. Consumers and people in business under their own name are persons."),
        counted=_l("from the last movement of the account, with the financial year in which it fell"),
        keeps=_l(
            "Accounting papers are kept for ten years from the end of the financial year (Commercial Code L123-22)."
        ),
        term=Term(132, 132, 132, "months", _l("Commercial Code L123-22: ten years from the end of the financial year")),
        due=_old_customers,
        remove=_forget_customers,
        of_person=_customers_of,
        export=_export_customers,
        order=95,
    ),
    Kind(
        name="notes",
        label=_l("Notes of staff"),
        basis=Basis.INTEREST,
        holds=("debtor_note.text", "debtor_note.author_name"),
        why=_l(
            "What colleagues have to know about an account. Those about a person's own account belong to that person."
        ),
        counted=_l("from the day of the note, and never while the account owes something or is before a court"),
        keeps=_l("The account owes something or is before a court (GDPR art. 17.3.e)."),
        term=Term(
            36, 3, 60, "months", _l("CNIL, guide to retention periods, 2020: three years after the last contact")
        ),
        due=_old_notes,
        remove=_drop_notes,
        of_person=_notes_of,
        erasable=_erasable_notes,
        export=_export_notes,
    ),
    Kind(
        name="wishes",
        label=_l("Wishes to be erased, and answers"),
        basis=Basis.LAW,
        holds=("erasure_request.answer", "erasure_request.decided_by"),
        why=_l("They prove that a wish was answered, and when (GDPR art. 5.2 and 12.3)."),
        counted=_l("from the answer"),
        keeps=_l("They prove that a wish was answered (GDPR art. 5.2)."),
        term=Term(60, 60, 60, "months", _l("Civil Code 2224: five years in which it may be contested")),
        due=_old_wishes,
        remove=_drop_wishes,
        of_person=_wishes_of,
        export=_export_wishes,
    ),
)

put_in_words(
    "role", {ContactRole.OWNER: _l("Everything, also give others access"), ContactRole.MEMBER: _l("See and pay")}
)
put_in_words("language", {"fr": "Français", "en": "English"})
put_in_words(
    "state",
    {
        ErasureState.ASKED: _l("Waits for an answer"),
        ErasureState.DONE: _l("Erased as far as the law lets us"),
        ErasureState.DECLINED: _l("Declined"),
    },
    kind="wishes",
)
put_in_words("why", TOLD, kind="wishes")
put_in_words(
    "by",
    {
        "oneself": _l("you"),
        "contact": _l("somebody else of the account"),
        "staff": _l("our staff"),
        "system": _l("the program"),
        "provider": _l("the payment provider"),
    },
)
