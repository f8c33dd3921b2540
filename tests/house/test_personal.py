"""No word about a person is kept without somebody having said why, and for how long: every column of text is of a kind, or declared to hold none."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

import wsgi
from shared.kit import personal
from shared.kit.jobs import all_duties

OF_NOBODY = {
    "attachment": {"subject_type", "media_type", "sha256", "received_sha256", "uploaded_by_kind"},
    "audit_line": {"actor_kind", "action", "subject_type"},
    "chargeback": {"reference", "code", "provider_reference", "currency"},
    "collection": {"label", "currency", "reason", "notice_key"},
    "collection_decision": {"label", "reason", "remark"},
    "collection_run": {"counts"},
    "company": set(),  # whole: a legal person, and what it publishes of itself
    "contact": {"language"},
    "correction": {"difference", "subject", "currency", "remedy", "done"},
    "debtor": {"country", "language", "currency"},
    "declaration": {"reference", "attempt", "currency", "by_kind"},
    "discarded_file": {"sha256"},
    "dispute": {"reference", "attempt", "currency", "opened_by_kind"},
    "dispute_entry": {"author_kind"},
    "dispute_reason": {"code", "label_en", "label_fr"},
    "dispute_transition": {"actor_kind", "cause"},
    "declaration_transition": {"actor_kind", "cause"},
    "chargeback_transition": {"actor_kind", "cause"},
    "mandate_transition": {"actor_kind", "cause"},
    "payment_transition": {"actor_kind", "cause"},
    "plan_transition": {"actor_kind", "cause"},
    "promise_transition": {"actor_kind", "cause"},
    "document": {"version", "language", "media_type", "sha256"},
    "duty_state": {"name"},
    "erasure_request": {"counts"},
    "gift": {"kind", "currency"},
    "import_change": {"kind"},
    "invoice_withdrawn": {"number", "currency"},
    "paper_order": {"wanted", "language", "version", "portions"},
    "import_mapping": {"signature", "choices"},
    "import_run": {
        "form",
        "file_sha256",
        "choices",
        "counts",
        "fault_counts",
        "warning_counts",
        "certificate",
        "result",
        "currency",
    },
    "inbox_event": {"event_id", "kind", "subject", "subject_references", "source"},
    "invoice": {"number", "currency"},
    "invoice_line": {"unit", "vat_category"},
    "invoice_vat": {"category", "exemption_reason"},
    "ledger_transfer": {"currency", "provider", "provider_reference"},
    "magic_link": {"token_hash"},
    "mail_outage": {"answer"},
    "mandate": {
        "reference",
        "attempt",
        "idempotency_key",
        "billing_request_reference",
        "flow_url",
        "provider_reference",
        "scheme_reference",
    },
    "message": {"kind", "language", "dedupe_key", "marker", "text_sha256"},
    "outbox_message": {"topic", "job", "queue"},
    "payment": {
        "reference",
        "attempt",
        "currency",
        "idempotency_key",
        "checkout_reference",
        "checkout_url",
        "provider_reference",
        "failure_code",
    },
    "payout": {"provider_reference", "currency"},
    "plan": {"reference", "attempt", "currency", "wish", "terms"},
    "plan_consent": {"language", "text_version", "facts_sha256"},
    "plan_policy": {"clause_fr", "clause_en"},
    "portal_session": {"token_hash"},
    "promise": {"reference", "attempt", "currency", "by_kind"},
    "promise_part": {"before"},
    "pulse": {"name"},
    "refund": {"currency", "idempotency_key", "provider_reference"},
    "reminder": {"dropped_why", "currency"},
    "reminder_decision": {"outcome", "detail"},
    "reminder_run": {"reasons", "scenario"},
    "retention_release": {"kinds", "counts"},
    "retention_run": {"counts"},
    "retention_term": {"kind"},
    "saved_reply": {"act", "code", "title", "text_fr", "text_en"},
    "scenario": {"name"},
    "seal": {"of"},
    "staff_member": {"language", "totp_salt", "password_link_hash"},
    "staff_notice": {"topic", "by_kind"},
    "staff_recovery_code": {"code_hash"},
    "staff_session": {"token_hash"},
    "kept_draft": {"token_hash"},
}
"""Codes, references, digests, currencies, words of the program and of the house: what is held of no person."""


def texts() -> set[str]:
    """Every column in which words can stand, as "table.column"."""
    found = set()
    for table in wsgi.metadata().tables.values():
        for column in table.columns:
            is_word = isinstance(column.type, (sa.String, sa.LargeBinary, JSONB)) and not isinstance(
                column.type, sa.Enum
            )
            if is_word and OF_NOBODY.get(table.name) != set():
                found.add(f"{table.name}.{column.name}")
    return found


def declared() -> set[str]:
    return {f"{table}.{column}" for table, columns in OF_NOBODY.items() for column in columns}


def held() -> list[str]:
    wsgi.import_personal()
    return [column for kind in personal.all_kinds() for column in kind.holds]


def test_every_column_of_text_is_of_a_kind_or_declared_to_be_of_nobody() -> None:
    """A new column fails here until its room's `personal.py` says why and for how long it is held, or it stands above."""
    columns = held()

    assert sorted(texts() - set(columns) - declared()) == []
    assert sorted((set(columns) | declared()) - texts()) == [], "no such column"
    assert sorted(set(columns) & declared()) == []
    assert len(columns) == len(set(columns)), "a column of two kinds has two terms"


def test_what_is_held_goes_after_a_term_or_is_kept_for_a_reason_in_law() -> None:
    wsgi.import_personal()
    for kind in personal.all_kinds():
        assert kind.term is not None or str(kind.keeps), kind.name
        if kind.term is not None:
            assert kind.term.source, kind.name
            assert kind.term.least <= kind.term.usual <= kind.term.most, kind.name


def test_a_term_is_swept_by_the_duty_of_the_day() -> None:
    wsgi.import_jobs()

    assert "personal.sweep" in {each.name for each in all_duties()}
