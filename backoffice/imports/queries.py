"""Runs as their pages show them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.imports import labels
from backoffice.imports.faults import Fault
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.plan import ItemKind
from backoffice.imports.question_words import asked, options
from backoffice.imports.questions import Question
from backoffice.imports.sentences import place, sentence
from shared.kit.errors import NotFound
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _

SHOWN_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class RunLine:
    """One import in the list."""

    id: uuid.UUID
    file_name: str
    form: Any
    state: labels.Label
    balance: Money | None
    faults: int
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault or a warning in words, with its place."""

    place: str
    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in words, with its answer if it has one."""

    key: str
    text: str
    options: Mapping[str, str]
    examples: tuple[str, ...]
    count: int
    answer: str | None
    remembered: bool

    @property
    def is_open(self) -> bool:
        return self.answer is None


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the certificate."""

    code: str
    name: str
    items: int
    balance: Money
    owed: Money
    credit: Money


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the first documents of the file."""

    number: str
    debtor: str
    kind: Any
    issued_on: date
    due_on: date
    due_derived: bool
    total: Money
    open: Money


@dataclass(frozen=True, slots=True)
class RunPage:
    """One import with everything that its page says."""

    id: uuid.UUID
    state: RunState
    label: labels.Label
    file_name: str
    file_size: int
    form: str
    by: str
    created_at: datetime
    finished_at: datetime | None
    done_count: int
    total_count: int
    facts: Mapping[str, Any]
    choices: Mapping[str, Any]
    counts: Mapping[str, int]
    result: Mapping[str, Any]
    faults: tuple[Finding, ...]
    fault_count: int
    fault_codes: frozenset[str]
    warnings: tuple[Finding, ...]
    warning_count: int
    questions: tuple[Asked, ...]
    accounts: tuple[Account, ...]
    account_count: int
    accounts_with_open: int
    balance: Money
    owed: Money
    credit: Money
    samples: tuple[Sample, ...]
    undone: str
    """By whom and why it was taken back, or nothing."""
    undo_stopped: bool
    """It was to be taken back, and something was built on it before."""
    undo_failed: bool
    """It was to be taken back, and the work came to nothing: nothing was changed."""
    write_failed: bool
    """It was to be imported, and the work came to nothing: nothing was written."""
    has_file: bool
    """False when its time was over and the file was let go of."""

    @property
    def is_underway(self) -> bool:
        return self.state in (RunState.READING, RunState.WAITING, RunState.WRITING, RunState.UNDOING)

    @property
    def may_be_mended(self) -> bool:
        return self.state in (RunState.READY, RunState.FAULTY, RunState.ASKING)

    @property
    def open_questions(self) -> int:
        return sum(question.is_open for question in self.questions)


def list_runs(session: Session, company_id: uuid.UUID, *, limit: int = 50) -> list[RunLine]:
    """The latest imports of a company, the newest first."""
    runs = session.scalars(
        select(ImportRun).where(ImportRun.company_id == company_id).order_by(ImportRun.id.desc()).limit(limit)
    )
    return [
        RunLine(
            run.id,
            run.file_name,
            labels.FORMATS.get(run.form, run.form),
            labels.STATES[run.state],
            Money(int(run.certificate["balance"]), run.currency) if run.certificate.get("debtors") else None,
            sum(run.fault_counts.values()),
            run.started_by,
            run.created_at,
        )
        for run in runs
    ]


def get_run(session: Session, company_id: uuid.UUID, run_id: uuid.UUID) -> ImportRun:
    """The run of this company; raises NotFound."""
    run = session.get(ImportRun, run_id)
    if run is None or run.company_id != company_id:
        raise NotFound("import.missing", _("There is no such import."))
    return run


def run_page(session: Session, company_id: uuid.UUID, run_id: uuid.UUID) -> RunPage:
    """Everything the page of a run shows; raises NotFound."""
    run = get_run(session, company_id, run_id)
    certificate, currency = run.certificate, run.currency

    def money(name: str) -> Money:
        return Money(int(certificate.get(name, 0)), currency)

    return RunPage(
        id=run.id,
        state=run.state,
        label=labels.STATES[run.state],
        file_name=run.file_name,
        file_size=run.file_size,
        form=run.form,
        by=run.started_by,
        created_at=run.created_at,
        finished_at=run.finished_at,
        done_count=run.done_count,
        total_count=run.total_count,
        facts=run.facts,
        choices=run.choices,
        counts=run.counts,
        result=run.result,
        faults=_findings(run.faults, currency),
        fault_count=sum(run.fault_counts.values()),
        fault_codes=frozenset(run.fault_counts),
        warnings=_findings(run.warnings, currency),
        warning_count=sum(run.warning_counts.values()),
        questions=tuple(ask(Question.from_json(each), currency) for each in run.questions),
        accounts=tuple(_account(line) for line in certificate.get("lines", [])),
        account_count=int(certificate.get("debtors", 0)),
        accounts_with_open=int(certificate.get("with_open", 0)),
        balance=money("balance"),
        owed=money("owed"),
        credit=money("credit"),
        samples=tuple(_sample(each, currency) for each in run.facts.get("sample", [])),
        undone=f"{run.undone_by}: {run.undo_reason}" if run.undone_at else "",
        undo_stopped=run.state is RunState.DONE and bool(run.result.get("undo_stopped")),
        undo_failed=run.state is RunState.DONE and bool(run.result.get("undo_failed")),
        write_failed=run.state is RunState.READY and bool(run.facts.get("write_failed")),
        has_file=run.file_gone_at is None,
    )


def explained(shown: RunPage) -> str:
    """Why the open total here is not that of the file: what was paid here and the books do not know, and what they settle later."""
    certified = shown.result.get("certified_open")
    if certified is None:
        return ""
    here = Money(int(certified), shown.balance.currency)
    if here == shown.balance:
        return ""
    words = current_language()
    return _(
        "The file has %(file)s open, Guichet %(here)s: the difference of %(difference)s was paid, credited or held here and the books do "
        "not show it yet.",
        file=format_money(shown.balance, words),
        here=format_money(here, words),
        difference=format_money(shown.balance - here, words),
    )


def _findings(stored: list[dict[str, Any]], currency: str) -> tuple[Finding, ...]:
    faults = (Fault.from_json(each) for each in stored[:SHOWN_FINDINGS])
    return tuple(Finding(place(fault), fault.value or "", sentence(fault, currency)) for fault in faults)


def ask(question: Question, currency: str) -> Asked:
    """A question as people are asked it."""
    return Asked(
        question.key,
        asked(question, currency),
        options(question),
        question.examples,
        question.count,
        question.answer,
        question.remembered,
    )


def _account(line: dict[str, Any]) -> Account:
    currency = line["currency"]
    return Account(
        line["debtor"],
        line["name"],
        line["items"],
        Money(line["balance"], currency),
        Money(line["owed"], currency),
        Money(line["credit"], currency),
    )


def _sample(each: dict[str, Any], currency: str) -> Sample:
    return Sample(
        each["number"],
        each["debtor"],
        labels.KINDS[ItemKind(each["kind"])],
        date.fromisoformat(each["issued_on"]),
        date.fromisoformat(each["due_on"]),
        each["due_derived"],
        Money(each["total"], currency),
        Money(each["open"], currency),
    )
