"""What goes through many things goes on when one of them fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "backoffice", "payments", "shared")
ONE_THING = {"payments/payouts/take.py"}
"""Where the rounds of a loop are steps of one thing: the payments of one payout."""


def loops_that_write() -> Iterator[tuple[str, int]]:
    """Every loop over things, in which a transaction is opened and nothing catches what fails."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.For) and _is_over_things(node) and _writes(node) and not _catches(node):
                    yield str(path.relative_to(ROOT)), node.lineno


def _is_over_things(loop: ast.For) -> bool:
    return not (isinstance(loop.target, ast.Name) and loop.target.id.startswith("_"))


def _writes(loop: ast.For) -> bool:
    calls = {call.func.id for call in _inside(loop, ast.Call) if isinstance(call.func, ast.Name)}
    return bool(calls & {"transaction", "retrying"})


def _catches(loop: ast.For) -> bool:
    return any(True for _ in _inside(loop, ast.Try))


def _inside(loop: ast.For, kind: type) -> Iterator[ast.AST]:
    return (node for part in loop.body for node in ast.walk(part) if isinstance(node, kind))


def test_one_that_fails_never_stops_its_neighbours() -> None:
    assert sorted({f"{path}:{line}" for path, line in loops_that_write() if path not in ONE_THING}) == []
