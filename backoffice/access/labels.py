"""Roles in words."""

from __future__ import annotations

from typing import Any

from backoffice.access.permissions import Role
from shared.kit.words import lazy_gettext as _l

ROLES: dict[Role, Any] = {
    Role.AGENT: _l("Agent"),
    Role.MANAGER: _l("Manager"),
    Role.ACCOUNTANT: _l("Accountant"),
    Role.AUDITOR: _l("Auditor"),
    Role.ADMIN: _l("Administrator"),
}

_ACTS: dict[str, Any] = {
    "disable": _l("%(name)s can no longer sign in at the desk."),
    "enable": _l("%(name)s may sign in at the desk again."),
    "forget-second-factor": _l("The second factor of %(name)s was reset."),
    "password-link": _l("%(name)s was sent a link to choose a new password."),
}


def act_sentence(act: str, name: str) -> str:
    """What was done to a member of staff, in a sentence for the other administrators."""
    return str(_ACTS[act]) % {"name": name}


ROLE_HELPS: dict[str, Any] = {
    "agent": _l("Speaks with debtors: contacts, notes, links, pauses."),
    "manager": _l("All that agents and accountants do; approves refunds, runs reminders."),
    "accountant": _l("Records and allocates money, runs collections and imports, asks for refunds."),
    "auditor": _l("Sees everything, exports everything, changes nothing."),
    "admin": _l("Everything, and the company's settings and the staff."),
}
