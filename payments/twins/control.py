"""`/_twin/`: the hand on the virtual clock, on faults and on webhooks; a page for people, JSON for programs."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from payments.twins import agenda, faults, labels, webhooks, words
from payments.twins.bank_days import is_bank_day
from payments.twins.clock import bank_day, iso
from payments.twins.gocardless_twin import banks
from payments.twins.gocardless_twin import pages as gocardless_pages
from payments.twins.gocardless_twin.api import SHOW
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.pages import page
from payments.twins.store import Json, Row, Transaction
from payments.twins.stripe_twin import cards, checkout
from payments.twins.stripe_twin.checkout import Payer
from payments.twins.stripe_twin.errors import StripeRefusal
from payments.twins.wire import json_response
from payments.twins.words import gettext as _
from payments.twins.world import World, current_world

bp = Blueprint("control", __name__, url_prefix="/_twin")


def _asked() -> Json:
    """The JSON body, or the fields of a form."""
    body = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    return body if isinstance(body, dict) else {}


def _problem(text: object, status: int = 422) -> Response:
    return json_response({"error": str(text)}, status)


# Time -----------------------------------------------------------------------------------------------------------------


def _time(world: World) -> Json:
    now = world.clock.now()
    return {
        "now": now,
        "now_iso": iso(now),
        "today": bank_day(now).isoformat(),
        "offset_seconds": world.clock.offset_seconds,
        "next_due": agenda.next_due(world),
    }


@bp.get("/clock")
def clock() -> Response:
    return json_response(_time(current_world()))


@bp.post("/clock")
def advance() -> Response:
    """`{"advance_days": 3}`, `{"advance_bank_days": 3}`, `{"advance_seconds": 60}` or `{"to": "2026-12-24"}`.

    With `"deliver": true` each day's webhooks are posted before the next day begins.
    """
    world, asked = current_world(), _asked()
    deliver = bool(asked.pop("deliver", False))
    try:
        agenda.advance(world, agenda.target_of(world, asked), deliver=deliver)
    except agenda.NotAhead as error:
        return _problem(error)
    return json_response(_time(world))


# Objects --------------------------------------------------------------------------------------------------------------


@bp.get("/objects")
def objects() -> Response:
    """`?provider=stripe&kind=charge`: every object of a kind as it stands, oldest first. Without a kind: what there is."""
    provider, kind = request.args.get("provider"), request.args.get("kind")
    with current_world().store.reading() as look:
        if not provider or not kind:
            rows = look.db.execute("SELECT provider, kind, COUNT(*) AS many FROM objects GROUP BY provider, kind")
            return json_response({"kinds": [dict(row) for row in rows]})
        found = look.find(provider, kind, oldest_first=True)
        data = [_shown(look, row) for row in found]
    return json_response({"provider": provider, "kind": kind, "count": len(data), "data": data})


def _shown(look: Transaction, row: Row) -> Json:
    show = SHOW.get(row.kind) if row.provider == "gocardless" else None
    return show(look, row.body) if show else row.body


@bp.get("/objects/<id_>")
def one_object(id_: str) -> Response:
    with current_world().store.reading() as look:
        row = look.row("stripe", id_) or look.row("gocardless", id_)
        body = _shown(look, row) if row else None
    return json_response(body) if body else _problem(f"there is no {id_}", 404)


# What payers do, without a browser ------------------------------------------------------------------------------------


@bp.post("/pay")
def pay() -> Response:
    """`{"session": "cs_test_…" or its URL, "card": "success" or a number, "challenge": "complete"|"fail"}`."""
    asked = _asked()
    session_id = str(asked.get("session", "")).partition("?")[0].rstrip("/").rpartition("/")[2]
    name = str(asked.get("card", "success"))
    card = cards.BY_NAME.get(name) or cards.find(name)
    if card is None:
        return _problem(f"card must be one of {', '.join(cards.BY_NAME)} or a test number")
    with current_world().store.transaction() as transaction:
        if transaction.row("stripe", session_id, "checkout.session") is None:
            return _problem(f"there is no session {session_id}", 404)
        payer = Payer(number=card.number, email=asked.get("email"), name=asked.get("name", "Camille Martin"))
        outcome = checkout.attempt(transaction, session_id, payer)
        if outcome.kind == "challenge" and asked.get("challenge", "complete") != "leave":
            passed = asked.get("challenge", "complete") == "complete"
            outcome = checkout.answer_challenge(transaction, session_id, passed=passed)
        session = transaction.body("stripe", session_id)
        intent = transaction.body("stripe", session["payment_intent"]) if session["payment_intent"] else {}
    answer = {
        "outcome": outcome.kind,
        "code": outcome.code,
        "session": session,
        "payment_intent": intent.get("id"),
        "charge": intent.get("latest_charge"),
        "redirect": session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
        if outcome.kind == "paid"
        else None,
    }
    return json_response(answer, 409 if outcome.kind == "closed" else 200)


@bp.post("/authorise")
def authorise() -> Response:
    """`{"billing_request_flow": "BRF…" or its URL (or "billing_request"), "iban": an IBAN or "insufficient_funds"}`."""
    asked = _asked()
    subject = asked.get("billing_request_flow") or asked.get("billing_request") or asked.get("flow") or ""
    try:
        details = asked.get("details")
        done = gocardless_pages.authorise(current_world(), str(subject), str(asked.get("iban", "success")), details)
    except LookupError as error:
        return _problem(error, 404)
    except GoCardlessRefusal as refusal:
        return json_response(refusal.body("twin"), refusal.status)
    return json_response(done)


# Faults ---------------------------------------------------------------------------------------------------------------


@bp.get("/faults")
def list_faults() -> Response:
    with current_world().store.reading() as look:
        return json_response({"faults": faults.listed(look)})


@bp.post("/faults")
def add_fault() -> BaseResponse:
    """A rule (see `faults`), or something that befalls one object now: `{"kind": "late_failure", "object": "PM…"}`."""
    asked = _asked()
    from_form = not request.is_json
    try:
        answer = _befall(asked) if asked.get("kind") in agenda.BEFALL_KINDS else _add_rule(asked, from_form=from_form)
    except (faults.OddFault, TypeError, ValueError) as error:
        return _problem(error)
    except LookupError as error:
        return _problem(error, 404)
    except StripeRefusal as refusal:
        return json_response(refusal.body, refusal.status)
    except GoCardlessRefusal as refusal:
        return json_response(refusal.body("twin"), refusal.status)
    return redirect("/_twin/#faults", 303) if from_form else json_response(answer, 201)


def _befall(asked: Json) -> Json:
    subject = str(asked.get("object") or asked.get("match") or "").strip()
    with current_world().store.transaction() as transaction:
        return {
            "object": agenda.befall(transaction, str(asked["kind"]), subject, str(asked.get("reason") or "").strip())
        }


def _add_rule(asked: Json, *, from_form: bool) -> Json:
    rule: dict[str, Any] = {name: value for name, value in asked.items() if value != ""}
    if from_form:
        rule = {name: int(value) if name in {"times", "status"} else value for name, value in rule.items()}
        if "seconds" in rule:
            rule["seconds"] = float(rule["seconds"])
    fault = faults.read(rule)
    with current_world().store.transaction() as transaction:
        number = faults.add(transaction, fault)
        return {"fault": next(one for one in faults.listed(transaction) if one["id"] == number)}


@bp.delete("/faults")
@bp.delete("/faults/<int:number>")
def clear_faults(number: int | None = None) -> Response:
    with current_world().store.transaction() as transaction:
        faults.clear(transaction, number)
        return json_response({"faults": faults.listed(transaction)})


# Webhooks -------------------------------------------------------------------------------------------------------------


@bp.get("/webhooks")
def list_webhooks() -> Response:
    world = current_world()
    return json_response({"counts": webhooks.counts(world), "deliveries": webhooks.recent(world, 200)})


@bp.post("/webhooks/flush")
def flush() -> Response:
    """Try everything that waits, now; answers when done."""
    return json_response({"counts": webhooks.flush(current_world())})


@bp.post("/webhooks/<int:seq>/resend")
def resend(seq: int) -> BaseResponse:
    world = current_world()
    if not webhooks.resend(world, seq):
        return _problem(f"there is no delivery {seq}", 404)
    world.something_new.set()
    return json_response({"resent": seq}) if request.is_json else redirect("/_twin/#webhooks", 303)


@bp.post("/reset")
def reset() -> Response:
    """Forget everything, mail included, and go back to real time or to `{"begin_at": "2026-03-10T09:00:00Z"}`."""
    from payments.twins.app import furnish

    world, wanted = current_world(), _asked().get("begin_at")
    try:
        begin_at = int(datetime.fromisoformat(wanted).timestamp()) if wanted else None
    except (TypeError, ValueError) as error:
        return _problem(error)
    with world.moving:
        world.store.empty()
        world.clock.reset(begin_at)
    furnish(world)
    world.pace.set(None)
    return json_response(_time(world))


@bp.get("/pace")
def pace() -> Response:
    """How many requests a minute GoCardless takes (null: any number), and how many were refused since that was said."""
    taken = current_world().pace
    return json_response({"gocardless_per_minute": taken.per_minute, "refused": taken.refused})


@bp.post("/pace")
def set_pace() -> Response:
    """`{"gocardless_per_minute": 1000}`, as GoCardless does, or null. A twin that is started anew takes any number."""
    wanted = _asked().get("gocardless_per_minute")
    if isinstance(wanted, bool) or not isinstance(wanted, int | None):
        return _problem("gocardless_per_minute is a whole number or null")
    try:
        current_world().pace.set(wanted)
    except ValueError as error:
        return _problem(error)
    return pace()


# The page -------------------------------------------------------------------------------------------------------------

SHOWN_KINDS = (
    ("stripe", "checkout.session"),
    ("stripe", "payment_intent"),
    ("stripe", "charge"),
    ("stripe", "refund"),
    ("stripe", "dispute"),
    ("stripe", "payout"),
    ("gocardless", "billing_requests"),
    ("gocardless", "mandates"),
    ("gocardless", "payments"),
    ("gocardless", "refunds"),
    ("gocardless", "payouts"),
)


@bp.get("/")
def index() -> Response:
    words.choose()
    world = current_world()
    with world.store.reading() as look:
        recent = [_line(look, row) for row in _recent(look)]
        rules = [rule for rule in faults.listed(look) if rule["left"] != 0]
    now = world.clock.now()
    return page(
        "control.html",
        now=now,
        bank_open=is_bank_day(bank_day(now)),
        today=bank_day(now),
        next_due=agenda.next_due(world),
        ahead=world.clock.offset_seconds,
        recent=recent,
        deliveries=webhooks.recent(world, 25),
        counts=webhooks.counts(world),
        faults=rules,
        cards=cards.CARDS,
        fates=banks.FATES,
        request_kinds=faults.REQUEST_KINDS,
        webhook_kinds=faults.WEBHOOK_KINDS,
        mail_kinds=faults.MAIL_KINDS,
        befall_kinds=agenda.BEFALL_KINDS,
        card_words=labels.card_words(),
        bank_words=labels.bank_words(),
        options=world.options,
    )


def _recent(look: Transaction) -> list[Row]:
    rows = [row for provider, kind in SHOWN_KINDS for row in look.find(provider, kind, limit=12)]
    return sorted(rows, key=lambda row: row.seq, reverse=True)[:30]


def _line(look: Transaction, row: Row) -> Json:
    body = _shown(look, row)
    amount = body.get("amount", body.get("amount_total"))
    return {
        "provider": row.provider,
        "kind": row.kind,
        "id": row.id,
        "at": row.created,
        "status": body.get("status") or "",
        "amount": (amount, body["currency"]) if isinstance(amount, int) else None,
        "day": body.get("charge_date") or body.get("arrival_date") if row.provider == "gocardless" else None,
    }


@bp.post("/go")
def go() -> BaseResponse:
    """The page's buttons; each day's webhooks are delivered before the next begins."""
    world = current_world()
    words.choose()
    asked: Json = {name: value for name, value in request.form.items() if name != "lang"}
    try:
        numbers = {name: int(value) if name != "to" else value for name, value in asked.items()}
        agenda.advance(world, agenda.target_of(world, numbers), deliver=True)
    except (ValueError, sqlite3.Error) as error:
        return page("message.html", status=422, title=_("Time cannot be moved so"), text=str(error), back="/_twin/")
    return redirect(f"/_twin/?lang={words.language()}", 303)


@bp.post("/faults/clear")
def clear_faults_page() -> BaseResponse:
    clear_faults()
    return redirect("/_twin/#faults", 303)


@bp.post("/webhooks/deliver")
def deliver_page() -> BaseResponse:
    webhooks.flush(current_world())
    return redirect("/_twin/#webhooks", 303)
