"""What a verb says when it will not: five families with an HTTP meaning each.

A DomainError is an answer, not a bug: `shared.web` turns it into a page, jobs turn Unavailable into a retry
and every other family into a stop with a record.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """An expected refusal. `code` is stable for programs, `message` is fit for people (already translated)."""

    http_status = 500

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts


class NotFound(DomainError):  # noqa: N818 - the families are named after what they say
    """There is no such thing, or not for you."""

    http_status = 404


class Refused(DomainError):  # noqa: N818
    """You may not do this."""

    http_status = 403


class Conflict(DomainError):  # noqa: N818
    """The world has changed since you looked."""

    http_status = 409


class Invalid(DomainError):  # noqa: N818
    """What you gave cannot be used."""

    http_status = 422


class Unavailable(DomainError):  # noqa: N818
    """An outside party does not answer; try later."""

    http_status = 503
