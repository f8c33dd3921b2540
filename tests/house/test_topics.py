"""Every topic that is published is heard, or it is written here why not; every topic that is heard is published."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import wsgi
from shared.kit import jobs

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("shared", "payments", "portal", "backoffice")
TOPIC = re.compile(r"[a-z]+\.[a-z_]+")
VERBS = {"publish", "_publish", "tell_house"}
FILES_OF = ("dispute", "declaration")
"""What people attach files to (`shared.attachments.scan` publishes by its name)."""

UNHEARD = {
    "chargeback.answered": "staff read it in the case, whose deadline is told",
    "chargeback.given_up": "staff did it; the debtor is told in the same commit",
    "chargeback.owed": "staff did it; the debtor is told in the same commit",
    "chargeback.settled": "staff did it, or the money came and was told as a payment",
    "declaration.reopened": "staff did it; it is in their queue again",
    "declaration.withdrawn": "nobody has to look for it any more: it leaves the queue",
    "payment.action_needed": "the provider's page asks the payer himself",
    "payment.resubmitted": "a bank is asked once more by the provider; its end is told",
    "payment.settled": "the payout is booked by its own run",
    "plan.expired": "an offer ended on the day that its mail names",
    "plan.paused": "staff did it; the debtor is told in the same commit",
    "plan.reopened": "staff hear that the payment went back, and the plan's mails go on",
    "promise.expected": "the day has come; kept or broken is told",
    "refund.declined": "nothing was given back; its page says so",
}
"""What nobody acts on, and why."""


@pytest.fixture(autouse=True)
def _known() -> None:
    wsgi.metadata()
    wsgi.import_jobs()


def test_every_topic_that_is_heard_is_published() -> None:
    assert sorted(set(jobs.all_topics()) - published()) == []


def test_every_topic_that_is_published_is_heard_or_needs_nobody() -> None:
    assert sorted(published() - set(jobs.all_topics()) - set(UNHEARD)) == []


def test_what_needs_nobody_is_published_and_not_heard() -> None:
    assert sorted(set(UNHEARD) - published()) == []
    assert sorted(set(UNHEARD) & set(jobs.all_topics())) == []


def published() -> set[str]:
    """Every topic that the code can publish: by name, by what a variable `topic` may be, and by the tables of steps."""
    found = {f"{what}.file_refused" for what in FILES_OF}
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in VERBS:
                for argument in node.args:
                    found |= _topics(argument)
            elif isinstance(node, ast.Assign) and any(_name(each) == "topic" for each in node.targets):
                found |= _topics(node.value)
        for table in _tables(tree):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            values = getattr(module, table).values()
            found |= {topic for each in values if (topic := each if isinstance(each, str) else each.topic)}
    return found


def _tables(tree: ast.Module) -> Iterator[str]:
    """The tables of a module that name a topic for a step or an advice."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and isinstance(node.target, ast.Name):
            name = node.target.id
            is_published = name == "TOPICS" and any(_topics(each) for each in node.value.values)
            if name.endswith("EDGES") or is_published:
                yield name


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def _topics(node: ast.expr) -> set[str]:
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {each for each in constants if isinstance(each, str) and TOPIC.fullmatch(each)}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
