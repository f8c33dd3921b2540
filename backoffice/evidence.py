"""Which forms of the desk carry files, and for whom."""

from __future__ import annotations

from functools import partial

from flask import Flask

from backoffice.access.guards import find_current
from shared.web.downloads import allow_files

FORMS = {
    "disputes.write": ("backoffice.disputes.say", "backoffice.disputes.note", "backoffice.disputes.opening.new"),
    "declarations.write": ("backoffice.declarations.new",),
}
"""Permission → forms."""


def allow_evidence(app: Flask) -> None:
    """Let these forms carry files, for staff who may send them."""
    for permission, forms in FORMS.items():
        allow_files(app, *forms, who=partial(_may, permission))


def _may(permission: str) -> bool:
    member = find_current()
    return member is not None and member.may(permission)
