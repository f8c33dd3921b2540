"""Whoever frees money of an invoice uses what waited for it in the same commit: a new way to free it fails here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.test_debits import FOLDERS, ROOT, TWINS, places

FREEING = {"void", "post", "take_back"}
"""The verbs of the ledger after which something of an invoice is held or settled no longer: each gives what."""


def functions(where: str) -> Iterator[ast.FunctionDef]:
    tree = ast.parse((ROOT / where).read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def lowers_held(node: ast.AST) -> bool:
    """`something.held_minor -= …`, or `something.held_minor = …`."""
    targets = [node.target] if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub) else []
    targets += node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Attribute) and target.attr == "held_minor" for target in targets)


def test_a_hold_ends_in_two_verbs_of_the_ledger_alone() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()} {function.name}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "held_minor" in path.read_text(encoding="utf-8") and not str(path.relative_to(ROOT)).startswith(TWINS)
        for function in functions(path.relative_to(ROOT).as_posix())
        if any(lowers_held(node) for node in ast.walk(function))
    }

    assert found == {"shared/ledger/service.py post", "shared/ledger/service.py void"}


def test_each_of_them_gives_what_it_frees() -> None:
    gives = {
        one.name: ast.unparse(one.returns) if one.returns else ""
        for one in functions("shared/ledger/service.py")
        if one.name in FREEING
    }

    assert gives == dict.fromkeys(FREEING, "list[Part]")


def test_what_is_freed_is_given_on_to_what_waits() -> None:
    """Two rooms call them, take what they give, and use what waited before anything else looks."""
    for name in FREEING:
        callers = {place for place in places(name) if place.startswith(("payments/", "backoffice/", "portal/"))}
        assert callers <= {
            "payments/service.py _move_ledger",
            "payments/refunds/service.py _step",
            "portal/mandates/views.py take_back",  # another verb of this name: an invoice back into automatic debits
            "portal/mandates/autopay.py act",
        }, name
    for node in ast.walk(ast.parse((ROOT / "payments/service.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            assert ast.unparse(node.value.func) not in {f"ledger.{name}" for name in FREEING}
    for where, function in (("payments/service.py", "advance"), ("payments/refunds/service.py", "_step")):
        (found,) = (one for one in functions(where) if one.name == function)
        said = ast.unparse(found)
        assert "freed = " in said
        assert said.index("freed = ") < said.index("waiting.use(session, payment.debtor_id, freed)")
        assert said.index("waiting.use(") < said.index("outbox.publish(")
