"""Every way to debit somebody goes through the one decision, under the debtor's lock: a new way that does not fails here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("backoffice", "payments", "portal", "shared")
TWINS = "payments/twins/"
"""A provider of our own: what it does is asked for by the code that is looked at here."""

Call = tuple[str, str, ast.Call]
"""File, the function in which it stands, and the call."""


def calls(name: str) -> Iterator[Call]:
    """Every call of something with this name, in whatever way it was imported."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            text = path.read_text(encoding="utf-8")
            if name in text and not where.startswith(TWINS):
                yield from _calls(where, "", ast.parse(text), name)


def _calls(where: str, inside: str, node: ast.AST, name: str) -> Iterator[Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and name == getattr(child.func, "attr", getattr(child.func, "id", None)):
            yield where, inside, child
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _calls(where, child.name if is_function else inside, child, name)


def given(call: ast.Call) -> dict[str | None, str]:
    """What a call gives by name, as it is written."""
    return {each.arg: ast.unparse(each.value) for each in call.keywords}


def places(name: str) -> list[str]:
    return sorted({f"{where} {inside}" for where, inside, _call in calls(name)})


def test_only_the_decision_says_yes():
    assert {where for where, _inside, _call in calls("Now")} == {"payments/deciding.py"}


def test_a_debit_is_written_in_one_place_which_asks_for_that_yes():
    drafts = [(where, given(call)) for where, _inside, call in calls("PaymentDraft")]
    may_be_debits = {
        where
        for where, facts in drafts
        if facts.get("means") != "Means.CARD" and facts.get("provider") not in ("Provider.HAND", "Provider.STRIPE")
    }
    assert may_be_debits == {"payments/mandates/collect.py"}
    assert places("Payment") == ["payments/service.py start"]

    writers = [(where, inside, given(call)) for where, inside, call in calls("write") if "charge_on" in given(call)]
    assert [(where, inside) for where, inside, _facts in writers] == [
        ("payments/collections/collect.py", "_hold"),
        ("payments/mandates/collect.py", "start"),
    ]
    assert all("allowed" in facts for _where, _inside, facts in writers)


def test_the_provider_is_asked_for_a_debit_in_one_place_after_the_last_look():
    assert places("create_debit") == ["payments/mandates/collect.py create"]
    assert places("freeze_debit") == ["payments/mandates/collect.py write"]
    source = ast.parse((ROOT / "payments/mandates/collect.py").read_text(encoding="utf-8"))
    (create,) = (one for one in source.body if isinstance(one, ast.FunctionDef) and one.name == "create")
    said = ast.unparse(create)
    assert said.index("_last_look(") < said.index("create_debit(")


def test_the_provider_tries_no_debit_again_by_itself():
    gateway = (ROOT / "payments/gateways/gocardless_gateway.py").read_text(encoding="utf-8")
    assert '"retry_if_possible": False' in gateway
    assert ".retry(" not in gateway
