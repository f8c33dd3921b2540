"""One template per message gives three things: subject, text part, HTML part.

`templates/mail/<kind>.j2` extends `frame` and takes its pieces from `pieces`: once as plain text, once as MJML that
becomes responsive HTML. So the two parts always say the same.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mrml
from jinja2 import Environment, FileSystemLoader

from shared.kit import templating, words
from shared.kit.sheets import Sheets

LINK_PLACEHOLDER = "PERSONAL-LINK"
CODE_PLACEHOLDER = "ONE-TIME-CODE"
"""Of messages that were written before each had a marker of its own."""


def new_marker() -> str:
    """Stands in one message where its link or code goes: whoever has a text put into it cannot know it."""
    return secrets.token_hex(12)


def link_place(marker: str) -> str:
    """What a link's token replaces in the bodies of the message with this marker."""
    return f"link-{marker}" if marker else LINK_PLACEHOLDER


def code_place(marker: str) -> str:
    """What a code replaces."""
    return f"code-{marker}" if marker else CODE_PLACEHOLDER


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to store; links and codes are still placeholders."""

    subject: str
    text: str
    html: str


@lru_cache(maxsize=2)
def _environment(*, as_text: bool) -> Environment:
    env = Sheets(loader=FileSystemLoader(templating.TEMPLATES), autoescape=not as_text)
    templating.furnish(env)
    return env


def render(kind: str, context: Mapping[str, Any], *, language: str) -> Rendered:
    """Render `templates/mail/<kind>.j2` in a language; raises jinja2's TemplateNotFound for an unknown kind."""
    with words.speaking(language):
        plain = _environment(as_text=True).get_template(f"mail/{kind}.j2")
        facts = {**context, "frame": "mail/layout.txt.j2", "pieces": "mail/components.txt.j2"}
        subject = one_line(_title(plain, facts))
        text = _tidy(plain.render(facts))
        rich = _environment(as_text=False).get_template(f"mail/{kind}.j2")
        mjml = rich.render({**context, "frame": "mail/layout.mjml.j2", "pieces": "mail/components.mjml.j2"})
    return Rendered(subject, text, str(mrml.to_html(mjml).content))


def _title(template: Any, facts: dict[str, Any]) -> str:
    context = template.new_context(facts)
    return "".join(template.blocks["title"](context))


def one_line(text: str) -> str:
    """One line; no-break spaces stay, French wants them."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", text).strip()


def _tidy(text: str) -> str:
    """No trailing space, at most one empty line in a row."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
