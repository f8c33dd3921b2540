"""`guichet import invoices FILE`."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from backoffice.imports import run, undo_words
from backoffice.imports import undo as taking_back
from backoffice.imports.models import RunState
from backoffice.imports.queries import ask, get_run
from backoffice.imports.roles import Role
from backoffice.imports.sentences import told
from backoffice.imports.source import MAX_BYTES
from shared.company.service import get_company
from shared.kit.actors import Actor
from shared.kit.db import reading
from shared.kit.errors import Invalid
from shared.kit.money import Money, format_money
from shared.kit.words import current_language, ngettext
from shared.kit.words import gettext as _

SHOWN = 50


@click.group("import")
def import_group() -> None:
    """Bring in what the accounting software knows."""


@import_group.command("invoices")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", "company_code", required=True, help="short name of the company")
@click.option("--format", "form", type=click.Choice(run.FORMS), help="else it is found out")
@click.option("--mapping", multiple=True, metavar="ROLE=HEADING", help="say what a column is, e.g. total='Montant TTC'")
@click.option("--dates", type=click.Choice(["dmy", "mdy", "ymd"]), help="order of days in a file where it is not clear")
@click.option("--decimal", type=click.Choice([",", "."]), help="decimal mark in a file where it is not clear")
@click.option("--answer", multiple=True, metavar="KEY=VALUE", help="answer a question that the file leaves open")
@click.option(
    "--complete",
    is_flag=True,
    help="the file is the complete list of open items: what is missing is settled, or what --answer list-gone=VALUE says: cancel, keep, each",
)
@click.option("--dry-run", is_flag=True, help="read and check, write nothing")
@click.option("--json", "as_json", is_flag=True, help="report for programs")
def invoices(  # noqa: PLR0917 - click passes what it declares
    file: Path,
    company_code: str,
    form: str | None,
    mapping: tuple[str, ...],
    dates: str | None,
    decimal: str | None,
    answer: tuple[str, ...],
    *,
    complete: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import invoices from a CSV, XLSX or FEC file, in one transaction with a certificate."""
    if file.stat().st_size > MAX_BYTES:
        raise Invalid("file.too_large", _("The file has more than %(limit)s MB.", limit=MAX_BYTES // 1024 // 1024))
    with reading() as session:
        company = get_company(session, company_code)
    choices = {
        "mapping": _mapping(mapping),
        "dates": dates,
        "decimal": decimal,
        "complete": complete,
        "answers": _answers(answer),
    }
    outcome = run.import_file(
        file.read_bytes(),
        company_id=company.id,
        name=file.name,
        by=Actor.system("command"),
        form=form or "",
        choices={name: value for name, value in choices.items() if value},
        dry_run=dry_run,
    )
    if as_json:
        click.echo(json.dumps(_report(outcome, company.currency), ensure_ascii=False, indent=2, default=str))
    else:
        click.echo("\n".join(_lines(outcome, company.currency)))
    if outcome.state not in (RunState.DONE, RunState.READY):
        sys.exit(1)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        role, mark, heading = pair.partition("=")
        if not mark:
            raise Invalid("import.mapping", _("Write a mapping as role=heading, not “%(pair)s”.", pair=pair))
        mapping[role.strip()] = heading.strip()
    return mapping


def _answers(pairs: tuple[str, ...]) -> dict[str, str]:
    answers = {}
    for pair in pairs:
        key, mark, value = pair.rpartition("=")
        if not mark:
            raise Invalid("import.answer", _("Write an answer as key=value, not “%(pair)s”.", pair=pair))
        answers[key.strip()] = value.strip()
    return answers


def _report(outcome: run.Outcome, currency: str) -> dict[str, Any]:
    return {
        "run": outcome.run_id,
        "state": outcome.state.value,
        "format": outcome.form,
        "currency": currency,
        "counts": outcome.counts,
        "result": outcome.result,
        "certificate": outcome.certificate,
        "faults": [fault.as_json() | {"message": told(fault, currency)} for fault in outcome.faults],
        "fault_count": outcome.fault_count,
        "warnings": [warning.as_json() | {"message": told(warning, currency)} for warning in outcome.warnings],
        "warning_count": outcome.warning_count,
        "facts": outcome.facts,
        "questions": [
            question.as_json() | {"text": told_as.text, "options": dict(told_as.options)}
            for question, told_as in ((each, ask(each, currency)) for each in outcome.questions)
        ],
        "open_questions": sum(question.is_open for question in outcome.questions),
    }


def _lines(outcome: run.Outcome, currency: str) -> list[str]:
    lines = [told(fault, currency) for fault in outcome.faults[:SHOWN]]
    if outcome.fault_count:
        lines.append(
            ngettext("%(n)s fault; nothing was imported.", "%(n)s faults; nothing was imported.", outcome.fault_count)
        )
        return lines + _columns(outcome)
    if any(question.is_open for question in outcome.questions):
        return [*lines, *_asked(outcome, currency), *_all_columns(outcome)]
    if preset := outcome.facts.get("preset"):
        lines.append(_("This is an export of %(program)s.", program=preset))
    lines += [told(warning, currency) for warning in outcome.warnings[:SHOWN]]
    if outcome.warning_count > SHOWN:
        lines.append(_("… and %(n)s more remarks.", n=outcome.warning_count - SHOWN))
    certificate, result = outcome.certificate, outcome.result
    balance = format_money(Money(int(certificate.get("balance", 0)), currency), current_language())
    if outcome.state is RunState.READY:
        lines.append(_("Nothing was written (dry run)."))
    else:
        lines.append(
            _(
                "Added: %(debtors)s debtors, %(invoices)s invoices. Changed: %(changed)s.",
                debtors=result.get("debtors_added", 0),
                invoices=result.get("invoices_added", 0),
                changed=result.get("invoices_changed", 0) + result.get("carried_settled", 0),
            )
        )
    lines.append(
        _("Certificate: %(debtors)s debtors, open %(balance)s.", debtors=certificate.get("debtors", 0), balance=balance)
    )
    there = outcome.result.get("certified_open")
    if there is not None and int(there) != int(certificate.get("balance", 0)):
        lines.append(
            _(
                "In Guichet %(here)s are open: what was paid, credited or held here is not in the books yet.",
                here=format_money(Money(int(there), currency), current_language()),
            )
        )
    if columns := outcome.facts.get("unmapped"):
        lines.append(_("Columns that nothing uses: %(columns)s.", columns=", ".join(columns)))
    return lines


def _columns(outcome: run.Outcome) -> list[str]:
    """Where columns are at fault: which there are, and how to say what one of them holds."""
    if not any(fault.code.startswith("mapping.") for fault in outcome.faults):
        return []
    return _all_columns(outcome)


def _all_columns(outcome: run.Outcome) -> list[str]:
    """The headings of a table, those that nothing uses, and how to say what one of them holds."""
    if not outcome.facts.get("headings"):
        return []
    unused = outcome.facts.get("unmapped") or ()
    return [
        _(
            "The file's columns: %(columns)s.",
            columns=" · ".join(name for name in outcome.facts.get("headings", ()) if name),
        ),
        *([_("Columns that nothing uses: %(columns)s.", columns=", ".join(unused))] if unused else []),
        _("Say what a column holds with --mapping ROLE=HEADING; roles: %(roles)s.", roles=", ".join(Role)),
    ]


def _asked(outcome: run.Outcome, currency: str) -> list[str]:
    """Every open question with its examples and the words that answer it."""
    lines = []
    waiting = [ask(question, currency) for question in outcome.questions if question.is_open]
    for each in waiting:
        lines += [each.text, *(f"    {example}" for example in each.examples)]
        lines += [f"  --answer {each.key}={value}  {word}" for value, word in each.options.items()]
    lines.append(
        ngettext(
            "%(n)s question is open; nothing was imported. Answer it with --answer, or in the back-office.",
            "%(n)s questions are open; nothing was imported. Answer them with --answer, or in the back-office.",
            len(waiting),
        )
    )
    return lines


@import_group.command("undo")
@click.argument("run_id", type=click.UUID, required=False)
@click.option("--company", "company_code", required=True, help="short name of the company")
@click.option("--reason", default="", help="why, for the audit trail")
@click.option("--dry-run", is_flag=True, help="say what would go back and what stands against it; change nothing")
@click.option("--json", "as_json", is_flag=True, help="report for programs")
def undo(run_id: uuid.UUID | None, company_code: str, reason: str, *, dry_run: bool, as_json: bool) -> None:
    """Take an import back, by default the last one, as long as nothing was built on it."""
    with reading() as session:
        company = get_company(session, company_code)
        found = taking_back.last_run(session, company.id) if run_id is None else get_run(session, company.id, run_id)
        preview = taking_back.preview(session, found)
    done: dict[str, Any] = {}
    if preview.may_be_done and not dry_run:
        taking_back.ask(found.id, reason=reason, by=Actor.system("command"))
        done = taking_back.undo(found.id)
    if as_json:
        report = {"run": found.id, "file": found.file_name, "done": done} | asdict(preview)
        click.echo(json.dumps(report, ensure_ascii=False, indent=2, default=str))
    else:
        click.echo("\n".join(_taken_back(found.file_name, preview, done, company.currency)))
    if not (done or (dry_run and preview.may_be_done)):
        sys.exit(1)


def _taken_back(name: str, preview: taking_back.Preview, done: dict[str, Any], currency: str) -> list[str]:
    lines = [
        _(
            "%(file)s: %(invoices)s invoices and %(debtors)s debtors go, %(restored)s are as before again, open %(change)s.",
            file=name,
            invoices=preview.invoices,
            debtors=preview.debtors,
            restored=preview.restored_invoices + preview.restored_debtors,
            change=format_money(Money(-preview.taken_off, currency), current_language()),
        )
    ]
    for each in preview.obstacles:
        named = undo_words.subjects(each)
        lines.append(f"  {undo_words.reason(each)}" + (f": {named}" if named else ""))
    if preview.obstacles:
        return [*lines, _("It cannot be taken back: this was built on it. Nothing was changed.")]
    if done:
        return [*lines, _("The import is taken back.")]
    return [*lines, _("Nothing was changed (dry run).")]
