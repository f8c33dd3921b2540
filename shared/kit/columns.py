"""Column types that say what they hold."""

import enum
from typing import Annotated, Any, TypeVar

from sqlalchemy import BigInteger, CheckConstraint, String, Text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

Minor = Annotated[int, mapped_column(BigInteger)]
"""An amount in minor units; its currency stands in the same row."""

Currency = Annotated[str, mapped_column(String(3))]
"""ISO 4217 code."""

Language = Annotated[str, mapped_column(String(2))]
"""ISO 639-1 code: "fr" or "en"."""

LongText = Annotated[str, mapped_column(Text)]

Json = Annotated[dict[str, Any], mapped_column(JSONB)]

_E = TypeVar("_E", bound=enum.Enum)


def enum_column(of: type[_E], *, name: str | None = None) -> SqlEnum:
    """A text column that accepts an enum's values only, checked by the database.

    `name` tells the checks of two columns of one table apart.
    """
    return SqlEnum(
        of,
        native_enum=False,
        create_constraint=True,
        name=name or of.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
        length=32,
    )


def at_least_zero(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0", name=f"{column}_at_least_zero")


def above_zero(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} > 0", name=f"{column}_above_zero")
