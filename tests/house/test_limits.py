"""A list that is cut says so where it is read: nothing feeds a page, a choice or a sum with a part that passes for the whole."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS_SO = re.compile(
    r"\b(latest|first|at most|most|recent|page|rows|some|portion|several|next|oldest|newest|row)\b", re.IGNORECASE
)
"""Words of a docstring that promise no more than a part."""


def _functions() -> list[tuple[str, ast.FunctionDef]]:
    found = []
    for storey in ("shared", "payments", "portal", "backoffice"):
        for path in sorted((ROOT / storey).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [
                (str(path.relative_to(ROOT)), node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
            ]
    return found


def _cuts(function: ast.FunctionDef) -> bool:
    """Whether it asks for so many rows and no more; a single one (`limit(1)`) is no list."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "limit"
            and node.args
        ):
            most = node.args[0]
            if isinstance(most, ast.Constant) and isinstance(most.value, int) and most.value > 1:
                return True
    return False


def test_a_function_that_reads_so_many_rows_and_no_more_says_so() -> None:
    silent = [
        f"{path}:{function.lineno} {function.name}"
        for path, function in _functions()
        if _cuts(function) and not SAYS_SO.search(ast.get_docstring(function) or "")
    ]

    assert silent == []


@pytest.mark.parametrize("path", ["backoffice/debtors/queries.py"])
def test_what_money_is_spread_over_is_never_cut(path: str) -> None:
    [function] = [each for place, each in _functions() if place == path and each.name == "payable_items"]

    [call] = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open_items"
    ]
    assert [(word.arg, ast.unparse(word.value)) for word in call.keywords] == [("limit", "None")]
