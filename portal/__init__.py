"""What a debtor sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shared.kit.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Give the door its sign-in, its frame and its URLs."""
    from portal import frame
    from portal.access import guards
    from portal.urls import ROUTES
    from shared.web.downloads import allow_files
    from shared.web.routes import mount

    guards.install(app)
    frame.install(app, settings)
    allow_files(
        app,
        "portal.declarations.declare",
        "portal.disputes.send",
        "portal.disputes.answer",
        "portal.disputes.reopen",
        who=lambda: guards.find_current() is not None,
    )
    mount(app, ROUTES)
