"""What a reading needs to know: the company, its terms and debtors, what was said of the file and of earlier ones of its shape."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.imports import carried
from backoffice.imports.columns import signature
from backoffice.imports.conventions import Choices
from backoffice.imports.faults import Findings, Unreadable
from backoffice.imports.fec import looks_like_fec, read_fec
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.models import ImportMapping, ImportRun, RunState
from backoffice.imports.plan import ImportPlan, Sink
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source
from backoffice.imports.tables import shape_of
from backoffice.imports.terms import EndOfMonth, Terms
from shared.company.models import Company, TermsKind
from shared.debtors.models import Debtor
from shared.kit import clock, files

FORMS = ("csv", "xlsx", "ods", "xls", "fec", "ledger")
WHOLE = ("fec", "ledger")
"""Forms that hold whole accounts, payments and all: their balances are certified, not single invoices."""

_READINGS = {
    TermsKind.NET: EndOfMonth.NONE,
    TermsKind.END_OF_MONTH_THEN_DAYS: EndOfMonth.FIRST,
    TermsKind.DAYS_THEN_END_OF_MONTH: EndOfMonth.LAST,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reading needs to know of the company and its debtors."""

    company_id: uuid.UUID
    currency: str
    language: str
    zone: str
    siren: str
    terms: Terms
    own_terms: Mapping[str, Terms]
    company_terms: dict[str, Any]
    """As the preview's form shows them."""


@dataclass(frozen=True, slots=True)
class Task:
    setting: Setting
    choices: Mapping[str, Any]
    last_day: str | None
    questions: Questions


def read_plan(
    run: ImportRun, setting: Setting, choices: Mapping[str, Any], sink: Sink, questions: Questions
) -> ImportPlan:
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    terms = _terms(choices) or setting.terms
    if form_of(run, source) == "fec":
        return read_fec(
            source, terms, own_terms=setting.own_terms, currency=setting.currency, sink=sink, questions=questions
        )
    wanted = Choices(
        wishes=choices.get("mapping") or {},
        order=choices.get("dates") or None,
        mark=choices.get("decimal") or None,
        terms=terms,
        own_terms=setting.own_terms,
        currency=setting.currency,
        questions=questions,
        today=clock.today(setting.zone),
    )
    return read_table(source, wanted, sink=sink)


def form_of(run: ImportRun, source: Source) -> str:
    if run.form:
        return run.form
    return "fec" if looks_like_fec(source) else "csv"


def setting_of(session: Session, run: ImportRun) -> Setting:
    company = session.get_one(Company, run.company_id)
    own = session.execute(
        select(Debtor.account_code, Debtor.terms_days, Debtor.terms_kind)
        .where(Debtor.company_id == company.id)
        .where(Debtor.terms_days.is_not(None))
    )
    return Setting(
        company.id,
        company.currency,
        company.language,
        company.zone,
        company.siren,
        Terms(company.terms_days, _READINGS[company.terms_kind]),
        {code: Terms(days or 0, _READINGS[kind or company.terms_kind]) for code, days, kind in own},
        {"terms_days": company.terms_days, "terms_kind": company.terms_kind.value},
    )


def _terms(choices: Mapping[str, Any]) -> Terms | None:
    """The terms a person has set for this import, over those of the company."""
    if choices.get("terms_days") is None:
        return None
    return Terms(int(choices["terms_days"]), _READINGS[TermsKind(choices.get("terms_kind") or "net")])


def remembered_of(session: Session, run: ImportRun) -> dict[str, Any]:
    """How a person read the last file of this shape, and what was answered."""
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    try:
        form = form_of(run, source)
        shape = signature([form] if form == "fec" else shape_of(source).headings)
    except Unreadable:
        return {}
    found = session.scalar(
        select(ImportMapping).where(ImportMapping.company_id == run.company_id).where(ImportMapping.signature == shape)
    )
    return dict(found.choices) if found else {}


def over(said: Mapping[str, Any], remembered: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said over what is remembered; answers stay apart, so that the page can tell which they are."""
    return {name: value for name, value in remembered.items() if name != "answers"} | dict(said)


def questions_of(run: ImportRun, remembered: Mapping[str, Any]) -> Questions:
    return Questions(run.choices.get("answers"), remembered.get("answers"))


def last_day_of(session: Session, run: ImportRun) -> str | None:
    """The last day of the newest FEC that was imported."""
    return session.scalar(
        select(func.max(ImportRun.facts["last_day"].astext))
        .where(ImportRun.company_id == run.company_id)
        .where(ImportRun.state == RunState.DONE, ImportRun.form == "fec")
    )


def unheld_of(session: Session, setting: Setting, plan: ImportPlan) -> carried.Unheld | None:
    """What a FEC would settle only because it carries no balance forward: one of a month, or of a year not yet opened."""
    first_day = plan.facts.get("first_day")
    if plan.form not in WHOLE or plan.facts.get("carries_forward") or not first_day:
        return None
    codes = [debtor.code for debtor in plan.debtors]
    held = frozenset(plan.facts.get("earlier", ()))
    return carried.left_without_opening(session, setting.company_id, codes, date.fromisoformat(first_day), held)


def against_company(
    plan: ImportPlan, setting: Setting, last_day: str | None, unheld: carried.Unheld | None
) -> tuple[Findings, Findings]:
    """What only the company can tell: a file of another firm, one older than what is here, or one without its beginning."""
    faults, warnings = Findings(), Findings()
    ends = plan.facts.get("last_day")
    if last_day and ends and ends < last_day:
        faults.add("fec.outdated", value=ends, last=last_day)
    if unheld and unheld.invoices:
        faults.add("fec.no_opening", value=plan.facts["first_day"], invoices=unheld.invoices, open=unheld.open)
    siren = plan.facts.get("siren")
    if siren and siren != setting.siren:
        warnings.add("company.other_siren", value=siren, expected=setting.siren)
    for fault in plan.faults:
        faults.take(fault)
    for warning in plan.warnings:
        warnings.take(warning)
    return faults, warnings
