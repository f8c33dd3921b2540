"""A form that is not taken keeps what was typed."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_no_view_sends_somebody_away_from_a_form_with_an_error_without_what_was_typed() -> None:
    """A view shows the form again, or keeps it (`unsent.not_taken`): a bare redirect empties it."""
    found = []
    for folder in ("backoffice", "portal"):
        for path in sorted((ROOT / folder).rglob("*views.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                is_refusal = isinstance(node, ast.If) and "not form.validate()" in ast.unparse(node.test)
                if is_refusal and "see_other" in "".join(ast.unparse(each) for each in node.body):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert found == []
