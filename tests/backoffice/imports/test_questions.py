"""Questions: asked as data, answered on the page or by the command, remembered; nothing is imported while one is open."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from backoffice import imports
from backoffice.access.permissions import Role
from backoffice.imports import question_words
from backoffice.imports.commands import import_group
from backoffice.imports.questions import Questions, Scope
from shared.kit.words import speaking
from tests.backoffice.imports.test_identity import MARTIN
from tests.backoffice.imports.test_views import Browser, door  # noqa: F401 - a fixture

ROOM = Path(imports.__file__).parent


def test_a_question_gathers_examples_and_waits_for_one_of_its_options():
    asking = Questions({"status:relance": "nonsense"})

    for example in "abcdefga":
        assert asking.ask("status:relance", ("open", "paid"), code="customer-names", example=example) is None

    [question] = asking.all()
    assert (question.count, question.examples, question.is_open) == (8, ("a", "b", "c", "d", "e"), True)
    assert asking.open == 1
    assert type(question).from_json(json.loads(json.dumps(question.as_json()))) == question


def test_what_is_about_one_file_is_not_remembered():
    asking = Questions({"once": "yes", "always": "no"}, {"once": "no", "older": "x"})

    assert asking.ask("once", ("yes", "no"), scope=Scope.FILE) == "yes"
    assert asking.ask("always", ("yes", "no")) == "no"

    assert asking.to_remember() == {"once": "no", "older": "x", "always": "no"}
    assert Questions(None, {"once": "no"}).ask("once", ("yes", "no"), scope=Scope.FILE) is None


def test_every_question_has_words_in_both_languages():
    known = question_words.codes()
    used = {
        code
        for path in ROOM.glob("*.py")
        for code in re.findall(r'"((?:customer|invoice|file|list|books)-[a-z-]+)"', path.read_text("utf-8"))
    }

    assert used == set(known)
    for language in ("fr", "en"):
        with speaking(language):
            assert all(question_words._OPTIONS[code][value] for code in known for value in known[code])


def test_the_command_lists_what_is_asked_and_takes_answers(desk, tmp_path):
    path = tmp_path / "martin.csv"
    path.write_text(MARTIN, "utf-8")
    words = ["invoices", str(path), "--company", "atelier"]

    asked = CliRunner().invoke(import_group, words)
    report = json.loads(CliRunner().invoke(import_group, [*words, "--json"]).output)

    assert asked.exit_code == 1
    assert "--answer customer-names=several" in asked.output
    assert "Martin SARL 552100554 lyon@martin.example ≠ Martin SARL 732829320 lille@martin.example" in asked.output
    assert "1 question is open; nothing was imported." in asked.output
    assert (report["state"], report["open_questions"]) == ("asking", 1)
    assert set(report["questions"][0]["options"]) == {"several", "one"}
    assert desk.debtors() == {}

    answered = CliRunner().invoke(import_group, [*words, "--answer", "customer-names=one"])

    assert answered.exit_code == 0, answered.output
    assert desk.debtors() == {"Martin SARL": (15700, 0)}


def test_the_page_asks_with_examples_and_imports_only_when_answered(desk, door):  # noqa: F811
    browser = Browser(door, Role.ACCOUNTANT)
    at = browser.upload(MARTIN.encode(), "martin.csv")
    shown = browser.get(at)

    assert "One question before the import" in shown
    assert "Martin SARL 732829320" in shown
    assert f"{at}/confirm" not in browser.forms(at)
    browser.post(f"{at}/confirm", 409)

    name = re.findall(r'name="(answer_[0-9a-f]+)"', shown)[0]
    browser.post(f"{at}/answers", on=at, **{name: "several"})

    assert f"{at}/confirm" in browser.forms(at)
    assert "What was answered" in browser.get(at)
    browser.post(f"{at}/answers", on=at, **{name: "one"})
    assert desk.debtors() == {}
