"""What each row of a table is: invoice, credit note, payment, or something that its customer does not owe.

Kinds and states stand there in words. Drafts, cancelled documents, quotes and suppliers' bills are left out and counted; a word that is
not known is asked about, once for each word and, where there are many, once for all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from backoffice.imports.columns import ColumnMap
from backoffice.imports.faults import Findings
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.tables import Row
from backoffice.imports.values import folded, plain, text_of
from backoffice.imports.words_of_state import Sort, State, sort_of, state_of

MANY = 6
"""So many unknown words are asked about one by one; beyond that the column is no list of kinds."""

_Word = TypeVar("_Word", Sort, State)


class Judgement(NamedTuple):
    """What a row is, and what the file says has become of it (None: nothing)."""

    sort: Sort
    state: State | None
    says_sort: bool = False


PLAIN = Judgement(Sort.INVOICE, None)


class Documents:
    """Judges rows by the words of their kind and state."""

    def __init__(self, columns: ColumnMap, questions: Questions) -> None:
        self._questions, self._columns = questions, columns
        self._at_kind = columns.places.get(Role.KIND)
        self._at_states = [
            columns.places[role] for role in (Role.STATUS, Role.PAYMENT_STATUS) if role in columns.places
        ]
        preset = columns.preset
        self._own_sorts: Mapping[str, str] = preset.sorts if preset else {}
        self._own_states: Mapping[str, str] = preset.states if preset else {}
        self._sorts: dict[str, Sort | None] = {}
        self._states: dict[str, State | None] = {}
        self._unknown: set[str] = set()
        self.left_out: Counter[str] = Counter()

    @property
    def are_silent(self) -> bool:
        """True when the table has no column of kinds or states."""
        return self._at_kind is None and not self._at_states

    def judge(self, row: Row, example: str) -> Judgement | None:
        """What a row is, or None when it does not count."""
        sort, words = None, []
        if self._at_kind is not None and (word := plain(text_of(row[self._at_kind]))):
            sort = self._sort(word, example)
            words.append((word, sort is Sort.OTHER))
        states = []
        for place in self._at_states:
            if word := plain(text_of(row[place])):
                states.append(self._state(word, place, example))
                words.append((word, states[-1] is State.OUT))
        out = next((word for word, is_out in words if is_out), None)
        if out is not None:
            self.left_out[out] += 1
            return None
        return Judgement(
            sort or Sort.INVOICE,
            State.PAID if State.PAID in states else State.OPEN if states else None,
            sort is not None,
        )

    def tell(self, warnings: Findings) -> None:
        """Name what was left out, with how often."""
        for word, rows in self.left_out.most_common():
            warnings.add("rows.left_out", value=word, rows=rows)

    def _sort(self, word: str, example: str) -> Sort | None:
        if word not in self._sorts:
            own = self._own_sorts.get(folded(word))
            self._sorts[word] = Sort(own) if own else sort_of(word)
        found = self._sorts[word]
        return found if found is not None else self._asked("file-kind", word, self._at_kind or 0, example, Sort)

    def _state(self, word: str, place: int, example: str) -> State | None:
        if word not in self._states:
            own = self._own_states.get(folded(word))
            self._states[word] = State(own) if own else state_of(word)
        found = self._states[word]
        return found if found is not None else self._asked("file-state", word, place, example, State)

    def _asked(self, code: str, word: str, place: int, example: str, of: Callable[[str], _Word]) -> _Word | None:
        self._unknown.add(word)
        column = self._columns.headings[place]
        options: tuple[str, ...] = tuple(Sort) if code == "file-kind" else tuple(State)
        if len(self._unknown) > MANY:
            options = ("invoice", "other") if code == "file-kind" else ("open", "out")
            answer = self._questions.ask(f"{code}:all-others", options, code=f"{code}s", example=word, column=column)
        else:
            key = f"{code}:{re.sub(r'[^a-z0-9]+', '-', folded(word))[:40] or 'x'}"
            answer = self._questions.ask(key, options, example=example, column=column, word=word)
        return of(answer) if answer else None
