"""Queue entry points of the entrance."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from shared.access.models import LinkPurpose
from shared.kit import limits
from shared.kit.db import transaction
from shared.kit.each import act_on_each
from shared.kit.jobs import job
from shared.kit.words import gettext as _
from shared.messages import service as messages

HOUR = timedelta(hours=1)
LINKS_PER_CONTACT_AND_ASKER = 3
LINKS_PER_CONTACT = 20
"""An hour. A stranger is stopped by the first; the second is for many strangers, and far from what one person asks."""


@job("portal.send_links", queue="now")
def send_links(payload: dict[str, Any]) -> None:
    """Send the new links that somebody asked for. Twice is safe: each message is unique by request and contact."""
    act_on_each(payload["accounts"], partial(_send_link, payload["request"], payload.get("asker", "")))


def _send_link(request: str, asker: str, account: tuple[str, str]) -> None:
    contact, debtor = account
    with transaction() as session:
        is_within = limits.hit(session, f"link:{contact}:{asker}", limit=LINKS_PER_CONTACT_AND_ASKER, window=HOUR)
        if is_within and limits.hit(session, f"link:{contact}", limit=LINKS_PER_CONTACT, window=HOUR):
            messages.write(
                session,
                kind="link",
                debtor_id=uuid.UUID(debtor),
                contact_ids=[uuid.UUID(contact)],
                link=LinkPurpose.REQUESTED,
                reason=lambda: _("Somebody asked for a new link with your address."),
                dedupe_key=f"link:{request}:{debtor}",
            )
