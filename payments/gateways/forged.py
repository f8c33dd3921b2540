"""A webhook that did not come from whom it says."""

from __future__ import annotations

from shared.kit.errors import Invalid


class Forged(Invalid):
    """The signature, the header or the body is not the provider's; nothing of it is kept."""


UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)
"""What reading a body raises that is no event: the last two for a number or a nesting beyond measure."""
