"""What finance staff see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shared.kit.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Mount the back-office's URLs below its own sign-in."""
    from backoffice import frame
    from backoffice.access import guards
    from backoffice.imports.views import allow_large_files
    from backoffice.urls import ROUTES
    from shared.web.routes import mount

    guards.install(app)
    frame.install(app, settings)
    mount(app, ROUTES)
    allow_large_files(app)
