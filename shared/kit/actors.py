"""Who did it: every act on money or rights names its actor."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["contact", "staff", "provider", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts: a contact of a debtor, a member of staff, a provider's word, or the system itself."""

    kind: ActorKind
    id: uuid.UUID | None
    name: str

    @classmethod
    def contact(cls, contact_id: uuid.UUID, name: str) -> Actor:
        return cls("contact", contact_id, name)

    @classmethod
    def staff(cls, staff_id: uuid.UUID, name: str) -> Actor:
        return cls("staff", staff_id, name)

    @classmethod
    def provider(cls, name: str) -> Actor:
        return cls("provider", None, name)

    @classmethod
    def system(cls, name: str) -> Actor:
        return cls("system", None, name)
