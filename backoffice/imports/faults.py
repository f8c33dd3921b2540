"""What is wrong with a file: a stable code with its place, counted in full, kept up to a limit.

The sentences for people stand in `sentences.py`; here are only facts, so that parsers stay pure and a stored fault
can be read later in either language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KEPT = 1_000
NO_BREAK = "\u00a0\u202f"
VALUE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding in a file.

    `line` is the line (CSV, FEC) or row (XLSX) as an editor numbers it, from 1; `column` is the heading as written in
    the file; `value` is what stands there, shortened; `facts` fill the sentence of `code`.
    """

    code: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "line": self.line, "column": self.column, "value": self.value, "facts": self.facts}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Fault:
        return cls(stored["code"], stored["line"], stored["column"], stored["value"], dict(stored["facts"]))


class Unreadable(Exception):  # noqa: N818 - it is a verdict on a file, not a failure of ours
    """The file as a whole cannot be read; carries the one fault that says why."""

    def __init__(self, code: str, *, line: int | None = None, value: str | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.fault = Fault(code, line=line, value=shortened(value), facts=facts)


class BadValue(ValueError):  # noqa: N818 - it is a verdict on a cell
    """A cell cannot be read as what its column holds; `code` says why."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Findings:
    """Collects faults or warnings: every one is counted, the first thousand are kept."""

    def __init__(self, kept: int = KEPT) -> None:
        self._limit = kept
        self.sheet = ""
        """The sheet of a workbook that is being read, where several are: it belongs to the place of what is found."""
        self.total = 0
        self._counts: Counter[str] = Counter()
        self._kept: list[Fault] = []

    def add(
        self,
        code: str,
        *,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        **facts: Any,
    ) -> None:
        """Note one finding at its place."""
        self.total += 1
        self._counts[code] += 1
        if len(self._kept) < self._limit:
            text = None if value is None else shortened(str(value))
            if self.sheet:
                facts["sheet"] = self.sheet
            self._kept.append(Fault(code, line, column, text, facts))

    def take(self, fault: Fault) -> None:
        """Note a finding that is already made up."""
        self.total += 1
        self._counts[fault.code] += 1
        if len(self._kept) < self._limit:
            self._kept.append(fault)

    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return self.total > 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._kept)

    @property
    def counts(self) -> dict[str, int]:
        """How often each code was found, also beyond the kept ones."""
        return dict(self._counts)

    def kept(self) -> tuple[Fault, ...]:
        """The kept findings in the order of the file (those of the whole file first)."""
        return tuple(sorted(self._kept, key=lambda fault: fault.line or 0))


def shortened(value: str | None, length: int = VALUE_LENGTH) -> str | None:
    """A cell's text fit to be shown: unprintable characters replaced, at most 80 characters.

    A no-break space, which stands in every French amount, is unprintable to Python alone.
    """
    if value is None:
        return None
    plain = "".join(c if c.isprintable() or c in NO_BREAK else "\ufffd" for c in value[: length + 1])
    return plain if len(plain) <= length else plain[: length - 1] + "…"
