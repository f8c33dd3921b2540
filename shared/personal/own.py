"""Kinds of the kit, which knows nothing of persons, and of this room: counters, drafts, messages between rooms, the audit trail."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from shared.kit.audit import AuditLine
from shared.kit.db import among
from shared.kit.drafts import KeptDraft
from shared.kit.limits import RateCounter
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, register
from shared.kit.words import lazy_gettext as _l


def _old_counters(scope: Scope) -> Select[*tuple[Any, ...]]:
    return select(RateCounter.key_hash, RateCounter.window_at).where(RateCounter.window_at < scope.before)


def _drop_counters(session: Session, keys: Keys) -> None:
    place = tuple_(RateCounter.key_hash, RateCounter.window_at)
    session.execute(delete(RateCounter).where(place.in_([tuple(row) for row in keys])))


def _old_drafts(scope: Scope) -> Select[Any]:
    return select(KeptDraft.token_hash).where(KeptDraft.kept_at < scope.before)


def _drop_drafts(session: Session, keys: Keys) -> None:
    session.execute(delete(KeptDraft).where(among(KeptDraft.token_hash, ids(keys))))


def _old_jobs(scope: Scope) -> Select[Any]:
    return select(OutboxMessage.id).where(
        OutboxMessage.state == MessageState.DONE, OutboxMessage.done_at < scope.before
    )


def _drop_jobs(session: Session, keys: Keys) -> None:
    session.execute(delete(OutboxMessage).where(among(OutboxMessage.id, ids(keys))))


def _of(contact_id: uuid.UUID) -> ColumnElement[bool]:
    """What a person did, and what was done to it."""
    return or_(
        (AuditLine.actor_kind == "contact") & (AuditLine.actor_id == contact_id),
        (AuditLine.subject_type == "contact") & (AuditLine.subject_id == contact_id),
    )


def _acts(contact_id: uuid.UUID) -> Select[Any]:
    return select(AuditLine.id).where(_of(contact_id))


def _export_acts(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    """Who else acted is said by its kind alone: staff are persons, too."""
    query = select(
        AuditLine.at,
        AuditLine.action,
        AuditLine.subject_type.label("about"),
        case(
            ((AuditLine.actor_kind == "contact") & (AuditLine.actor_id == contact_id), "oneself"),
            else_=AuditLine.actor_kind,
        ).label("by"),
    ).where(_of(contact_id))
    return as_rows(session.execute(query.order_by(AuditLine.id.desc())))


register(
    Kind(
        name="counters",
        label=_l("Counters of tries"),
        basis=Basis.SECURITY,
        holds=("rate_counter.key_hash",),
        why=_l("They slow down whoever guesses codes and passwords. Addresses stand in them as digests alone."),
        counted=_l("from the try"),
        term=Term(2, 2, 2, "days", _l("GDPR art. 5.1.e: no longer than the longest limit looks back")),
        of_company=False,
        is_security=True,
        due=_old_counters,
        remove=_drop_counters,
    ),
    Kind(
        name="drafts",
        label=_l("Forms that could not be taken"),
        basis=Basis.CONTRACT,
        holds=("kept_draft.sealed",),
        why=_l("So that nobody has to type anew. They are sealed: the database alone does not open them."),
        counted=_l("from the moment it was sent; it opens for two hours"),
        term=Term(1, 1, 1, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        in_real_time=True,
        due=_old_drafts,
        remove=_drop_drafts,
    ),
    Kind(
        name="jobs",
        label=_l("Work that is done"),
        basis=Basis.SECURITY,
        holds=("outbox_message.payload", "outbox_message.last_error", "outbox_message.dedupe_key"),
        why=_l("What one part of the program asked of another, by numbers: it shows what went wrong."),
        counted=_l("from the day on which it was done"),
        term=Term(
            12, 12, 12, "months", _l("CNIL, deliberation 2021-122 of 14 October 2021 on logs: six months to a year")
        ),
        of_company=False,
        is_security=True,
        due=_old_jobs,
        remove=_drop_jobs,
    ),
    Kind(
        name="acts",
        label=_l("Who did what"),
        basis=Basis.LAW,
        holds=(
            "audit_line.actor_name",
            "audit_line.before",
            "audit_line.after",
            "chargeback_transition.actor_name",
            "declaration_transition.actor_name",
            "dispute_transition.actor_name",
            "mandate_transition.actor_name",
            "payment_transition.actor_name",
            "plan_transition.actor_name",
            "promise_transition.actor_name",
        ),
        why=_l("The reliable audit trail of invoices and payments, and the proof of every right given or taken."),
        keeps=_l("The trail is kept with the books for ten years (Commercial Code L123-22; Tax Code 289 VII)."),
        of_person=_acts,
        export=_export_acts,
    ),
)
