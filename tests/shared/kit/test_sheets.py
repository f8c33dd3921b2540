"""A template compiled for a language says what looking its words up would have said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from jinja2 import DictLoader, Environment

from shared.kit import words
from shared.kit.sheets import Sheets
from shared.kit.templating import furnish

PAGES = {
    "word.html": '<p title="{{ _("Pay") }}">{{ _("Sign out") }}</p>',
    "place.html": '{{ _("Pay %(amount)s", amount=amount) }}',
    "block.html": "{% trans amount=amount %}Pay {{ amount }}{% endtrans %}",
    "plural.html": '{{ ngettext("%(num)d invoice", "%(num)d invoices", count) }}',
    "macro.html": '{% from "button.html" import button %}{{ button(_("Pay")) }}',
    "button.html": '{% macro button(word) %}<b>{{ word }}</b><i>{{ _("Sign out") }}</i>{% endmacro %}',
    "inside.html": '{{ _("Pay %(amount)s", amount=_("Sign out"))|upper }}{{ [_("Pay"), 1]|join(" ") }}',
    "unknown.html": '{{ _("No such words, 100%% sure") }}',
    "chosen.html": "{{ _(word) }}",
    "page.html": '{% extends "frame.html" %}{% block title %}{{ _("Pay") }}{% endblock %}',
    "frame.html": "{% block title %}{% endblock %}|{{ self.title() }}|{{ current_language() }}",
    "plain.txt": '{{ _("Pay %(amount)s", amount=amount) }}',
}
FACTS = {"amount": "<1 & 2>", "count": 3, "word": "Pay", "rate": Decimal(20)}


def _furnished(kind: type[Environment]) -> Environment:
    env = kind(loader=DictLoader(PAGES), autoescape=lambda name: not (name or "").endswith(".txt"))
    furnish(env)
    return env


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_compiled_word_is_the_word_that_would_be_looked_up(name: str, language: str) -> None:
    with words.speaking(language):
        compiled = _furnished(Sheets).get_template(name).render(FACTS)
        looked_up = _furnished(Environment).get_template(name).render(FACTS)

    assert compiled == looked_up


def test_each_reader_gets_his_language_from_one_environment() -> None:
    env = _furnished(Sheets)

    def say(language: str) -> str:
        with words.speaking(language):
            return env.get_template("page.html").render()

    assert [say(language) for language in ("en", "fr", "en")] == ["Pay|Pay|en", "Payer|Payer|fr", "Pay|Pay|en"]


def test_what_is_put_into_a_place_is_escaped_in_pages_and_not_in_plain_text() -> None:
    env = _furnished(Sheets)
    with words.speaking("fr"):
        assert env.get_template("place.html").render(FACTS) == "Payer &lt;1 &amp; 2&gt;"
        assert env.get_template("plain.txt").render(FACTS) == "Payer <1 & 2>"


def test_filters_added_later_are_known_in_every_language() -> None:
    env = _furnished(Sheets)
    with words.speaking("fr"):
        env.get_template("word.html")
    env.filters["shout"] = str.upper
    env.loader.mapping["late.html"] = '{{ _("Pay")|shout }}'
    with words.speaking("fr"):
        assert env.get_template("late.html").render() == "PAYER"


def test_words_are_in_the_compiled_text_and_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    env = _furnished(Sheets)
    with words.speaking("fr"):
        template = env.get_template("word.html")
        monkeypatch.setitem(env.globals, "_", lambda *_: pytest.fail("a word was looked up"))
        assert template.render() == '<p title="Payer">Se déconnecter</p>'
