"""What became of a run, as values; and what is kept of it in its row."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from backoffice.imports.faults import Fault, Findings
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.plan import ImportPlan
from backoffice.imports.questions import Question, Questions
from backoffice.imports.setting import FORMS

SHOWN_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run: its state, what stands against it, and what was written."""

    run_id: uuid.UUID
    state: RunState
    form: str
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    warnings: tuple[Fault, ...] = ()
    warning_count: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    certificate: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)


def outcome_of(run: ImportRun) -> Outcome:
    return Outcome(
        run.id,
        run.state,
        run.form,
        tuple(Fault.from_json(fault) for fault in run.faults or ()),
        sum((run.fault_counts or {}).values()),
        tuple(Fault.from_json(warning) for warning in run.warnings or ()),
        sum((run.warning_counts or {}).values()),
        run.counts or {},
        run.facts or {},
        tuple(Question.from_json(question) for question in run.questions or ()),
        run.certificate or {},
        run.result or {},
    )


def keep(run: ImportRun, plan: ImportPlan, faults: Findings, warnings: Findings, questions: Questions) -> None:
    run.form = plan.form if plan.form in FORMS else run.form
    run.facts, run.counts = plan.facts, plan.counts
    _keep_findings(run, faults, warnings, plan)
    run.questions = [question.as_json() for question in questions.all()]
    open_lines = [line for line in plan.certificate if line.balance or line.owed or line.credit]
    run.certificate = {
        "debtors": len(plan.certificate),
        "with_open": len(open_lines),
        "balance": sum(line.balance for line in plan.certificate),
        "owed": sum(line.owed for line in plan.certificate),
        "credit": sum(line.credit for line in plan.certificate),
        "lines": [line._asdict() for line in open_lines[:SHOWN_LINES]],
    }


def _keep_findings(run: ImportRun, faults: Findings, warnings: Findings, plan: ImportPlan | None = None) -> None:
    run.faults = [fault.as_json() for fault in faults.kept()]
    run.warnings = [warning.as_json() for warning in warnings.kept()]
    run.fault_counts = faults.counts | (plan.fault_counts if plan else {})
    run.warning_counts = warnings.counts | (plan.warning_counts if plan else {})
