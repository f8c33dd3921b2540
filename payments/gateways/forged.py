"""A webhook that did not come from whom it says."""

from __future__ import annotations

from shared.kit.errors import Invalid


class Forged(Invalid):
    """The signature or the header is not the provider's; nothing of it is kept. A body that he signed always is."""
