"""Options of a choice field, from pairs of value and word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3


def options(pairs: Iterable[tuple[str, Any]]) -> list[Any]:
    """What WTForms 3.3 wants for `choices`; words may be lazy."""
    return [SelectChoice(value, word) for value, word in pairs]


LANGUAGES = options([("fr", "Français"), ("en", "English")])
