"""Every act that the code writes to the audit trail has words for the people who read the trail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import pytest

from backoffice.labels import ACTIONS, SUBJECTS
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import ChargebackState
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from payments.models import Mandate, Payment
from payments.plans.models import Plan
from payments.plans.status import PlanStatus
from payments.reconcile.models import CorrectionState
from payments.status import MandateStatus, PaymentStatus, RefundStatus
from shared.disputes.models import Dispute
from shared.disputes.rules import Status as DisputeStatus
from shared.promises.models import Promise
from shared.promises.rules import PromiseState

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("shared", "payments", "portal", "backoffice")
FAMILIES: dict[str, type[Enum]] = {
    "payment.": PaymentStatus,
    "mandate.": MandateStatus,
    "refund.": RefundStatus,
    "dispute.": DisputeStatus,
    "plan.": PlanStatus,
    "promise.": PromiseState,
    "declaration.": DeclarationState,
    "chargeback.": ChargebackState,
    "correction.": CorrectionState,
}
"""Acts that are called after the state reached."""
PLACE = 2
"""`audit.record(session, actor, action, …)`."""


@dataclass(frozen=True)
class Source:
    """A module, the function around each of its calls, and what it writes to the trail in SQL."""

    path: Path
    calls: tuple[tuple[ast.Call, ast.FunctionDef | None], ...]
    statements: tuple[ast.Constant, ...]

    def at(self, node: ast.Call | ast.Constant) -> str:
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


@pytest.fixture(scope="module", name="told")
def _told() -> tuple[dict[str, str], list[str]]:
    return acts(sources())


def test_every_act_of_the_audit_trail_has_words(told: tuple[dict[str, str], list[str]]) -> None:
    written, unreadable = told

    assert len(written) > 40
    assert unreadable == []
    assert {act: place for act, place in written.items() if act not in ACTIONS} == {}


def test_no_words_are_kept_for_an_act_that_nothing_writes(told: tuple[dict[str, str], list[str]]) -> None:
    written, _unreadable = told

    assert set(ACTIONS) - set(written) == set()


def test_whatever_an_act_is_done_to_has_a_word() -> None:
    named = {
        ast.unparse(given)
        for module in sources()
        for call, _inside in module.calls
        if _is_record(call) and (given := _argument(call, "subject_type", None)) is not None
    }
    affairs = {
        repr(table.__tablename__) for table in (Chargeback, Declaration, Dispute, Mandate, Payment, Plan, Promise)
    }

    assert named - {"affair.__tablename__"} | affairs == {repr(kind) for kind in SUBJECTS}


@cache
def sources() -> list[Source]:
    """All modules of the house."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]
    return [Source(path, tuple(_calls(tree, None)), tuple(_statements(tree))) for path, tree in trees]


def acts(modules: list[Source]) -> tuple[dict[str, str], list[str]]:
    """The names of all acts with the place that writes each, and the places whose act cannot be told."""
    written: dict[str, str] = {}
    unreadable = []
    for module in modules:
        for call, inside in module.calls:
            if not _is_record(call):
                continue
            found = list(_values(modules, module, call, inside))
            for place, node in found or [(module.at(call), None)]:
                names = _names(node)
                written.update(dict.fromkeys(names, place))
                if not names:
                    unreadable.append(place)
        for statement in module.statements:
            names = _names_in_sql(str(statement.value))
            written.update(dict.fromkeys(names, module.at(statement)))
            if not names:
                unreadable.append(module.at(statement))
    return written, unreadable


def _calls(node: ast.AST, inside: ast.FunctionDef | None) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, inside
        yield from _calls(child, child if isinstance(child, ast.FunctionDef) else inside)


def _statements(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and "INSERT INTO audit_line" in str(node.value):
            yield node


def _names_in_sql(statement: str) -> list[str]:
    """The acts of one INSERT: whole names, and families with a state put behind them."""
    families = [family for family in re.findall(r"'(\w+\.)' \|\|", statement) if family in FAMILIES]
    return [
        *re.findall(r"'(\w+\.\w+)'", statement),
        *(f"{family}{state.value}" for family in families for state in FAMILIES[family]),
    ]


def _is_record(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in {"record", "record_all"}
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "audit"
    )


def _values(
    modules: list[Source],
    module: Source,
    call: ast.Call,
    inside: ast.FunctionDef | None,
    *,
    name: str = "action",
    place: int | None = PLACE,
) -> Iterator[tuple[str, ast.AST | None]]:
    """What stands for the act: in the call itself, or, for a parameter, in the calls of the function around it."""
    node = _argument(call, name, place)
    names = [each.arg for each in (*inside.args.args, *inside.args.kwonlyargs)] if inside else []
    if inside is None or not isinstance(node, ast.Name) or node.id not in names:
        yield module.at(call), node
        return
    private = inside.name.startswith("_")
    where = names.index(node.id) if private else None
    for other in [module] if private else modules:
        for outer, around in other.calls:
            called = outer.func.id if isinstance(outer.func, ast.Name) else getattr(outer.func, "attr", "")
            if called == inside.name and (private or _argument(outer, node.id, None) is not None):
                yield from _values(modules, other, outer, around, name=node.id, place=where)


def _argument(call: ast.Call, name: str, place: int | None) -> ast.AST | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[place] if place is not None and len(call.args) > place else None


def _names(node: ast.AST | None) -> list[str]:
    match node:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.IfExp(body=first, orelse=second):
            return [*_names(first), *_names(second)]
        case ast.JoinedStr(values=[ast.Constant(value=str(family)), ast.FormattedValue()]) if family in FAMILIES:
            return [f"{family}{state.value}" for state in FAMILIES[family]]
    return []
