"""Files of a form that comes back for a correction: a browser forgets them, so we keep them until it is right.

What passed the check waits apart (`shared/attachments/waiting.py`), where what is never sent is swept after a day; the form
carries a signed note of it, bound to the account and the attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from shared.access.queries import Visitor
from shared.attachments import waiting
from shared.attachments.rules import MOST_FILES, Checked
from shared.kit.errors import NotFound
from shared.kit.settings import get_settings

LIVES_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that waits in a form: its name for people, and the note that the form carries."""

    name: str
    note: str


def keep(visitor: Visitor, attempt: str, checked: Sequence[Checked]) -> list[KeptFile]:
    """Put files aside; gives what the form must carry."""
    kept = []
    for each in checked:
        day, sha256 = waiting.put(each.content)
        facts = [attempt, each.name, each.media_type, day, sha256, each.received_sha256]
        kept.append(KeptFile(each.name, str(_signer(visitor).dumps(facts))))
    return kept


def recall(visitor: Visitor, attempt: str, notes: Sequence[str]) -> list[Checked]:
    """The files that a form carried; what is not ours, not of this form, or too old is left out."""
    found = []
    for note in notes[:MOST_FILES]:
        try:
            of, name, media_type, day, sha256, received = _signer(visitor).loads(note, max_age=LIVES_S)
            if of == attempt:
                found.append(Checked(name, media_type, waiting.get(day, sha256), received))
        except (BadData, ValueError, TypeError, NotFound):
            continue
    return found


def _signer(visitor: Visitor) -> URLSafeTimedSerializer:
    secret = get_settings().secret_key.get_secret_value()
    return URLSafeTimedSerializer(secret, salt=f"kept-file:{visitor.debtor_id}:{visitor.contact_id}")
