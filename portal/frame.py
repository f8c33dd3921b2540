"""What surrounds every page of the portal: the company's mark, the account, the ways, the languages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request, session, url_for
from werkzeug.wrappers import Response

from portal.access.guards import find_current
from shared.access.queries import Face
from shared.documents import render
from shared.kit import clock, templating, words
from shared.kit.money import Money
from shared.kit.settings import Settings
from shared.kit.words import lazy_gettext as _l
from shared.web import unsent

WAYS = (
    (_l("Account"), "portal.account.home", "portal.account"),
    (_l("Invoices"), "portal.invoices.list", "portal.invoices"),
    (_l("Payments"), "portal.payments.list", "portal.payments"),
    (_l("Direct debit"), "portal.mandates.overview", "portal.mandates"),
    (_l("More"), "portal.profile.show", "portal.profile"),
)
"""Word, endpoint, room."""

BEHIND_MORE = (
    "portal.profile.",
    "portal.documents.",
    "portal.access.",
    "portal.plans.",
    "portal.promises.",
    "portal.declarations.",
)

TONGUES = (("fr", "Français"), ("en", "English"))


def install(app: Flask, settings: Settings) -> None:
    """Give every template of this door what its layout reads, and let `?language=` choose the language."""
    app.context_processor(lambda: _frame(settings))
    app.jinja_env.filters.update(price=render.price, quantity=render.quantity)
    app.jinja_env.globals.update(has_endpoint=lambda name: name in app.view_functions)
    app.before_request(_choose_language)


def _choose_language() -> Response | None:
    spoken = request.args.get("speak")
    if request.method == "POST" and spoken in words.LANGUAGES:  # in the middle of a form: nothing is done with it
        unsent.keep()
        session["language"] = spoken
        return redirect(f"{unsent.page_of_form()}#{unsent.MARK}", 303)
    wanted = request.args.get("language")
    if wanted not in words.LANGUAGES or request.method not in {"GET", "HEAD"}:
        return None
    session["language"] = wanted
    rest = request.args.to_dict(flat=False)
    del rest["language"]
    return redirect(_with(request.path, rest), 303)


def _with(path: str, values: dict[str, Any]) -> str:
    query = urlencode(values, doseq=True)
    return request.script_root + path + (f"?{query}" if query else "")


def _frame(settings: Settings) -> dict[str, Any]:
    visitor = find_current()
    frame: dict[str, Any] = {
        "language_links": [(code, word, _spoken(code)) for code, word in TONGUES],
        "demo": _demo(settings, visitor.company if visitor else None),
        "home_url": url_for("portal.account.home"),
    }
    if visitor is None:
        return frame
    return frame | {
        "visitor": visitor,
        "company": visitor.company,
        "account": {"name": visitor.account_name, "code": visitor.account_code},
        "nav": [(word, url_for(endpoint), _is_here(room)) for word, endpoint, room in WAYS],
        "sign_out_url": url_for("portal.access.sign_out"),
        "today": visitor.today,
        "zone": visitor.company.zone,
        "euros": lambda minor: Money(minor, visitor.currency),
    }


def _is_here(room: str) -> bool:
    here = request.endpoint or ""
    return here.startswith(BEHIND_MORE) if room == "portal.profile" else here.startswith(f"{room}.")


def _spoken(code: str) -> str:
    if request.method == "POST" or request.endpoint is None:
        return url_for("portal.account.home", language=code)
    return _with(request.path, {**request.args.to_dict(flat=False), "language": code})


def _demo(settings: Settings, company: Face | None) -> dict[str, str] | None:
    if not settings.is_demo:
        return None
    control = settings.twin_control_url or ""
    inbox = control.split("/_twin")[0] + "/inbox/" if control else ""
    return {
        "today": templating.day(company.today if company else clock.today()),
        "control_url": control,
        "inbox_url": inbox,
    }
