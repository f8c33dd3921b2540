"""The hosted card page at `/c/pay/<session>`, as a payer sees it; works without JavaScript."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from payments.twins import labels, words
from payments.twins.pages import page
from payments.twins.store import Row
from payments.twins.stripe_twin import cards, checkout
from payments.twins.stripe_twin.checkout import Outcome, Payer
from payments.twins.words import gettext as _
from payments.twins.world import current_world

bp = Blueprint("stripe_pages", __name__, url_prefix="/c/pay")

_EXPIRY = re.compile(r"^\s*(0?[1-9]|1[0-2])\s*/?\s*(?:20)?(\d{2})\s*$")


def _declined(code: str) -> str:
    return {
        "generic_decline": _("Your card was declined."),
        "insufficient_funds": _("Your card has insufficient funds. Try another card."),
        "lost_card": _("Your card was declined."),
        "expired_card": _("Your card has expired. Try another card."),
        "incorrect_cvc": _("Your card’s security code is incorrect."),
        "processing_error": _("An error occurred while processing your card. Try again in a little while."),
        "test_mode_live_card": _("This is a test page: please use one of the test cards."),
        "payment_intent_authentication_failure": _(
            "We are unable to authenticate your payment method. Please choose a different one and try again."
        ),
    }.get(code, _("Your card was declined."))


def _session(session_id: str) -> Row | None:
    world = current_world()
    with world.store.reading() as look:
        row = look.row("stripe", session_id, "checkout.session")
    if row is not None:
        words.choose(row.body["locale"] if row.body["locale"] not in {None, "auto"} else None)
    else:
        words.choose()
    return row


def _closed(row: Row | None) -> Response:
    if row is None:
        return page("message.html", status=404, title=_("This payment page does not exist"), text="")
    if row.body["status"] == "complete":
        text = _("This payment has been made. You can close this page.")
        return page("message.html", title=_("You are all done here"), text=text, back=_success_url(row))
    text = _("This payment page has expired. Please start again from the site that sent you here.")
    return page("message.html", status=410, title=_("This page has expired"), text=text, back=row.body["cancel_url"])


def _success_url(row: Row) -> str:
    return str(row.body["success_url"]).replace("{CHECKOUT_SESSION_ID}", quote(row.id))


def _is_open(row: Row) -> bool:
    return bool(row.body["status"] == "open" and row.body["expires_at"] > current_world().clock.now())


def _form(
    row: Row, *, error: str = "", field: str = "", values: dict[str, Any] | None = None, status: int = 200
) -> Response:
    number = request.args.get("card", "")
    card = cards.BY_NAME.get(number)
    filled = {"number": card.pretty, "expiry": "12 / 34", "cvc": "123", "name": "Camille Martin"} if card else {}
    return page(
        "card.html",
        status=status,
        session=row.body,
        items=row.hidden["line_items"],
        cards=cards.CARDS,
        error=error,
        field_wrong=field,
        card_words=labels.card_words(),
        values={"email": row.body["customer_email"] or ""} | filled | (values or {}),
    )


@bp.get("/<session_id>")
def show(session_id: str) -> Response:
    row = _session(session_id)
    if row is None or not _is_open(row):
        return _closed(row)
    return _form(row)


@bp.post("/<session_id>")
def pay(session_id: str) -> BaseResponse:
    row = _session(session_id)
    if row is None or not _is_open(row):
        return _closed(row)
    values = {name: request.form.get(name, "") for name in ("number", "expiry", "cvc", "name", "email")}
    field, error = _fault_in(values)
    if error:
        return _form(row, error=error, field=field, values=values, status=422)
    expiry = _EXPIRY.match(values["expiry"])
    payer = Payer(
        number=values["number"],
        exp_month=int(expiry[1]) if expiry else 12,
        exp_year=2000 + int(expiry[2]) if expiry else 2034,
        cvc=values["cvc"],
        name=values["name"],
        email=values["email"] or None,
    )
    with current_world().store.transaction() as transaction:
        outcome = checkout.attempt(transaction, session_id, payer)
    return _after(row, outcome, values)


def _fault_in(values: dict[str, str]) -> tuple[str, str]:
    if not cards.is_well_formed(values["number"]):
        return "number", _("Your card number is invalid.")
    expiry = _EXPIRY.match(values["expiry"])
    if expiry is None:
        return "expiry", _("Your card’s expiry date is incomplete (MM / YY).")
    if 2000 + int(expiry[2]) < 2026:
        return "expiry", _("Your card’s expiry year is in the past.")
    if not re.fullmatch(r"\d{3,4}", values["cvc"].strip()):
        return "cvc", _("Your card’s security code is incomplete.")
    if not values["name"].strip():
        return "name", _("Please enter the name on the card.")
    return "", ""


def _after(row: Row, outcome: Outcome, values: dict[str, str]) -> BaseResponse:
    if outcome.kind == "paid":
        return redirect(_success_url(row), 303)
    if outcome.kind == "challenge":
        return redirect(f"/c/pay/{row.id}/challenge?lang={words.language()}", 303)
    if outcome.kind == "closed":
        return _closed(_session(row.id))
    return _form(row, error=_declined(outcome.code), field="number", values=values | {"cvc": ""}, status=402)


@bp.get("/<session_id>/challenge")
def challenge(session_id: str) -> Response:
    """The debtor's bank asks whether it is really them (3-D Secure)."""
    row = _session(session_id)
    if row is None or not _is_open(row):
        return _closed(row)
    if not row.hidden.get("challenge"):
        return _form(row)
    return page("challenge.html", session=row.body)


@bp.post("/<session_id>/challenge")
def answer_challenge(session_id: str) -> BaseResponse:
    row = _session(session_id)
    if row is None or not _is_open(row):
        return _closed(row)
    with current_world().store.transaction() as transaction:
        outcome = checkout.answer_challenge(transaction, session_id, passed=request.form.get("answer") == "complete")
    return _after(row, outcome, {})
