"""What finance staff see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shared.kit.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Mount the back-office's URLs below its own sign-in."""
    from backoffice import frame, unheard
    from backoffice.access import guards
    from backoffice.chargebacks import todo as chargebacks_todo
    from backoffice.collections import todo as collections_todo
    from backoffice.debtors import todo as debtors_todo
    from backoffice.declarations import todo as declarations_todo
    from backoffice.disputes import todo as disputes_todo
    from backoffice.evidence import allow_evidence
    from backoffice.home.views import CONTRIBUTIONS
    from backoffice.imports import todo as imports_todo
    from backoffice.imports.views import allow_large_files
    from backoffice.invoices import todo as invoices_todo
    from backoffice.messages import todo as messages_todo
    from backoffice.payments import todo as payments_todo
    from backoffice.personal import todo as personal_todo
    from backoffice.plans import todo as plans_todo
    from backoffice.promises import todo as promises_todo
    from backoffice.reminders import todo as reminders_todo
    from backoffice.system import todo as system_todo
    from backoffice.urls import ROUTES
    from shared.web.routes import mount

    guards.install(app)
    frame.install(app, settings)
    unheard.install(app)
    allow_large_files(app)
    allow_evidence(app)
    app.extensions[CONTRIBUTIONS] = [
        chargebacks_todo.contribute,
        disputes_todo.contribute,
        plans_todo.contribute,
        payments_todo.contribute,
        invoices_todo.contribute,
        declarations_todo.contribute,
        promises_todo.contribute,
        debtors_todo.contribute,
        personal_todo.contribute,
        messages_todo.contribute,
        imports_todo.contribute,
        reminders_todo.contribute,
        collections_todo.contribute,
        system_todo.contribute,
    ]
    mount(app, ROUTES)
