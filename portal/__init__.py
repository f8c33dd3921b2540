"""What a debtor sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shared.kit.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Mount the portal's URLs."""
    from portal.urls import ROUTES
    from shared.web.routes import mount

    del settings
    mount(app, ROUTES)
