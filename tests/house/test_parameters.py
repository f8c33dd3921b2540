"""A statement carries 65,535 parameters at most: lists of identities travel as one array."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "backoffice", "payments", "shared")
IDENTITIES = re.compile(r"^id$|(_id|_owner|_key|_hash|_reference|_code)$|^owner$")
A_QUERY = re.compile(r"\b(select|union)\(|\bSelect\b|\.where\(|\.with_for_update\(")


def test_lists_of_identities_are_asked_with_among() -> None:
    assert sorted(_lists_after_in()) == [], "shared.kit.db.among(column, values) takes any number of them"


def test_the_house_test_sees_a_list_and_lets_a_query_be() -> None:
    source = """
def wrong(ids): return select(A).where(A.id.in_(ids))
def wrong_too(rows): return select(A).where(A.debtor_id.not_in({row.id for row in rows}))
def right(wanted: Select): return select(A).where(A.id.in_(wanted), A.kind.in_(KINDS), A.owner.in_((1, 2)))
def asked(): mine = select(B.id); return A.id.in_(mine)
def named(): return A.id.in_(_files_of(1))
def _files_of(x): return select(B.id)
"""
    assert list(_in(ast.parse(source), {"_files_of"})) == [2, 3]


def _lists_after_in() -> Iterator[str]:
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
    }
    queries = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.returns and "Select" in ast.unparse(node.returns)
    }
    for path, tree in trees.items():
        for line in _in(tree, queries):
            yield f"{path.relative_to(ROOT)}:{line}"


def _in(tree: ast.Module, queries: set[str]) -> Iterator[int]:
    """Lines where `in_` is given values that are neither a query nor a constant of the house."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in {"in_", "not_in"}):
            continue
        if not IDENTITIES.search(_last_name(call.func.value)) or _is_a_constant(call.args[0]):
            continue
        around = [each for each in functions if call in ast.walk(each)]
        if not _is_a_query(call.args[0], around, queries):
            yield call.lineno


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_a_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_a_constant(node.value)
    return isinstance(node, ast.Tuple) or (bool(_last_name(node)) and _last_name(node).lstrip("_")[0].isupper())


def _is_a_query(node: ast.expr, around: list[ast.FunctionDef], queries: set[str]) -> bool:
    said = [ast.unparse(node)]
    if isinstance(node, ast.Call) and _last_name(node.func) in queries:
        return True
    if isinstance(node, ast.Name):
        for function in around:
            said += [
                ast.unparse(each.value)
                for each in ast.walk(function)
                if isinstance(each, ast.Assign) and node.id in map(_last_name, each.targets)
            ]
            arguments = function.args.args + function.args.kwonlyargs
            said += [ast.unparse(each.annotation) for each in arguments if each.arg == node.id and each.annotation]
    return any(A_QUERY.search(each) and ".scalars(" not in each for each in said)
