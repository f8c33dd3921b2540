"""What a file leaves open and only a person can say: asked as data, answered once, remembered for files of this shape.

A reader or planner asks through `Questions`; it gets the answer, or None while nobody has given one. It then reads on as well as it
can, so that everything is asked at once; nothing is imported while a question is open. The words stand in `question_words.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from backoffice.imports.faults import shortened

SHOWN_EXAMPLES = 5
EXAMPLE_LENGTH = 200


class Scope(StrEnum):
    """For how long an answer holds."""

    SHAPE = "shape"
    """For every later file of this shape: the answer is remembered, shown and may be changed."""
    FILE = "file"
    """For this file alone: it is about what stands in it today."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. There is no default: what may be guessed is not asked. What somebody said in another place is an answer.

    `key` names it for answers ("customer-codes", "status:relance"): letters, figures, points, hyphens, colons, underscores.
    `code` names its words, `facts` fill them. `options` maps each value to a text out of the file, or to "" where the words of
    `code` and the value say it. `examples` are the first few places that raise it, `count` says how many there are.
    """

    key: str
    code: str
    options: Mapping[str, str]
    examples: tuple[str, ...] = ()
    count: int = 0
    scope: Scope = Scope.SHAPE
    facts: Mapping[str, Any] = field(default_factory=dict)
    answer: str | None = None
    remembered: bool = False
    """The answer was given for an earlier file."""
    lasting: tuple[str, ...] = ()
    """Of a question about this file alone: the answers that do no harm to later ones, and are remembered as well."""

    @property
    def lasts(self) -> bool:
        """Whether its answer holds for later files of this shape."""
        return self.answer is not None and (self.scope is Scope.SHAPE or self.answer in self.lasting)

    @property
    def is_open(self) -> bool:
        return self.answer is None

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "code": self.code,
            "options": [[value, text] for value, text in self.options.items()],  # JSONB keeps no order of keys
            "examples": list(self.examples),
            "count": self.count,
            "scope": self.scope.value,
            "facts": dict(self.facts),
            "answer": self.answer,
            "remembered": self.remembered,
            "lasting": list(self.lasting),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Question:
        options = dict(stored["options"])
        return cls(
            **{
                **stored,
                "options": options,
                "examples": tuple(stored["examples"]),
                "scope": Scope(stored["scope"]),
                "lasting": tuple(stored.get("lasting", ())),
            }
        )


class Questions:
    """Gathers what is asked of one file, beside the answers that are known already.

    `said` was answered for this file, `remembered` for earlier ones of its shape. A value that is no option is no answer.
    """

    def __init__(self, said: Mapping[str, str] | None = None, remembered: Mapping[str, str] | None = None) -> None:
        self._said, self._remembered = said or {}, remembered or {}
        self._asked: dict[str, Question] = {}
        self._examples: dict[str, list[str]] = {}

    def ask(
        self,
        key: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        code: str = "",
        example: str = "",
        scope: Scope = Scope.SHAPE,
        lasting: Sequence[str] = (),
        otherwise: str | None = None,
        **facts: Any,
    ) -> str | None:
        """The answer to a question, or None while it is open. Asked again it gains an example; its words are those of the first time.

        `code` is the key up to its first colon unless told. `otherwise` is what was said in another place (a tick, an option of the
        command), and holds until the question itself is answered.
        """
        known = self._asked.get(key)
        if known is None:
            choice = dict(options) if isinstance(options, Mapping) else dict.fromkeys(options, "")
            answer, remembered = self._answer(key, choice, scope, lasting)
            answer = answer or otherwise
            words = code or key.split(":", maxsplit=1)[0]
            known = Question(key, words, choice, (), 0, scope, facts, answer, remembered, tuple(lasting))
        examples = self._examples.setdefault(key, [])
        text = shortened(example, EXAMPLE_LENGTH) or ""
        if text and len(examples) < SHOWN_EXAMPLES and text not in examples:
            examples.append(text)
        self._asked[key] = replace(known, count=known.count + 1)
        return known.answer

    def said(self, key: str) -> str | None:
        """What was answered before the question came up again, or None; not checked against its options."""
        return self._said.get(key) or self._remembered.get(key)

    def _answer(
        self, key: str, options: Mapping[str, str], scope: Scope, lasting: Sequence[str]
    ) -> tuple[str | None, bool]:
        if self._said.get(key) in options:
            return self._said[key], False
        if self._remembered.get(key) in (options if scope is Scope.SHAPE else lasting):
            return self._remembered[key], True
        return None, False

    def __iter__(self) -> Iterator[Question]:
        for key, question in self._asked.items():
            yield replace(question, examples=tuple(self._examples[key]))

    def all(self) -> tuple[Question, ...]:
        """Every question, the open ones first, else in the order in which they were asked."""
        return tuple(sorted(self, key=lambda question: not question.is_open))

    @property
    def open(self) -> int:
        """How many have no answer."""
        return sum(question.is_open for question in self._asked.values())

    def to_remember(self) -> dict[str, str]:
        """The answers that hold for later files of this shape, with those that this file did not raise."""
        now = {q.key: q.answer for q in self._asked.values() if q.answer is not None and q.lasts}
        return {**self._remembered, **now}
