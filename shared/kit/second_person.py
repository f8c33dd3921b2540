"""The second pair of eyes: somebody else, who was there before, and whom the first one did not put there. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from shared.kit.actors import Actor
from shared.kit.errors import Refused
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who may be a second person, and what must be known of him for it. The door that knows its staff makes it."""

    actor: Actor
    leads: bool
    """Whether the role may agree to what others ask for."""
    since: datetime
    """Since when this person has these rights."""
    put_there_by: frozenset[uuid.UUID] = frozenset()
    """Who added this person, and who gave the rights."""


def must_be_independent(witness: Witness, *, asked_by_id: uuid.UUID | None, asked_at: datetime) -> None:
    """Raises Refused for whoever asked, was added or given more rights after it was asked, or ever was by who asked."""
    if witness.actor.id is None or witness.actor.id == asked_by_id:
        raise Refused("staff.second_person", _("Somebody else must decide on this."))
    if witness.since > asked_at:
        raise Refused(
            "staff.second_person_new",
            _("You were added, or given other rights, after this was asked for: somebody else must decide on it."),
        )
    if asked_by_id in witness.put_there_by:
        raise Refused(
            "staff.second_person_made",
            _("Whoever asked for this has added you, or given you your rights: somebody else must decide on it."),
        )
