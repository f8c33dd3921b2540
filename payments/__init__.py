"""Money in motion: states, providers, mandates, collections, webhooks, reconciliation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shared.kit.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Mount the providers' webhooks."""
    from payments.urls import ROUTES
    from shared.web.routes import mount

    del settings
    mount(app, ROUTES)
