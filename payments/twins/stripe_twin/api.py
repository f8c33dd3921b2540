"""Stripe's HTTP API at `/v1/…`: authentication, parameters, idempotency, lists, expansion."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from stripe import params as sdk
from stripe.params import checkout as sdk_checkout

from payments.twins import webhooks
from payments.twins.clock import DAY
from payments.twins.store import Json, Row, Transaction
from payments.twins.stripe_twin import balance, checkout, disputes, parameters, refunds, shapes
from payments.twins.stripe_twin.errors import StripeRefusal
from payments.twins.stripe_twin.ids import new_stripe_id
from payments.twins.wire import fault_here, json_response, misbehave
from payments.twins.world import World, current_world

bp = Blueprint("stripe_api", __name__, url_prefix="/v1")

Work = Callable[[Transaction, Json], Json]


def serve(schema: type, work: Work, *, lists: bool = False) -> Response:
    """Answer the present request: check who asks, read the fields by `schema`, do the `work` in one transaction."""
    world = current_world()
    request_id = new_stripe_id("req", 14)

    def refuse(status: int) -> Response:
        kind, message = _REFUSALS.get(status, ("api_error", "An unknown error occurred."))
        return _sent({"error": {"message": message, "type": kind}}, status, request_id)

    if request.headers.get("Authorization", "") != f"Bearer {world.options.stripe_api_key}":
        message = "Invalid API Key provided: sk_test_****"
        return _sent({"error": {"message": message, "type": "invalid_request_error"}}, 401, request_id)
    fault = fault_here(world, "stripe")
    keep_500 = fault is not None and fault.kind == "status" and fault.status == 500
    if keep_500 and fault is not None and not fault.after_commit:
        return _kept_500(world, refuse)

    # A slow request holds its key while it runs, so that a second one under the same key meets a conflict.
    pause = fault.seconds if fault is not None and fault.kind == "slow" else 0.0

    def answer() -> Response:
        if request.method == "GET":
            return _read(world, schema, work, request_id, lists=lists)
        return _write(world, schema, work, request_id, broken=refuse if keep_500 else None, pause=pause)

    return misbehave(None if pause and request.method == "POST" else fault, answer, refuse)


_REFUSALS = {
    401: ("invalid_request_error", "Invalid API Key provided."),
    429: ("invalid_request_error", "Request rate limit exceeded."),
    503: ("api_error", "Stripe is temporarily unavailable. Please try again in a moment."),
}


def _sent(body: Json, status: int, request_id: str, *, replayed: bool = False) -> Response:
    headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("Stripe-Version", "")}
    key = request.headers.get("Idempotency-Key")
    if key:
        headers["Idempotency-Key"] = key
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_response(body, status, headers)


def _pairs() -> list[tuple[str, str]]:
    raw = request.query_string if request.method == "GET" else request.get_data()
    return parse_qsl(raw.decode(), keep_blank_values=True)


def _read(world: World, schema: type, work: Work, request_id: str, *, lists: bool) -> Response:
    try:
        params = parameters.read(schema, parameters.nest(_pairs()))
        with world.store.reading() as look:
            body = _expanded(look, work(look, params), params.get("expand") or [], lists=lists)
    except StripeRefusal as refusal:
        return _sent(refusal.body, refusal.status, request_id)
    return _sent(body, 200, request_id)


def _write(
    world: World,
    schema: type,
    work: Work,
    request_id: str,
    *,
    broken: Callable[[int], Response] | None = None,
    pause: float = 0.0,
) -> Response:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        time.sleep(pause)
        return _execute(world, schema, work, request_id, key=None, broken=broken)
    if len(key) > 255:
        message = "Idempotency keys may be at most 255 characters long."
        return _sent({"error": {"message": message, "type": "invalid_request_error"}}, 400, request_id)
    mark = ("stripe", key)
    with world.in_flight_lock:
        if mark in world.in_flight:
            return _sent(_busy(key), 409, request_id)
        world.in_flight.add(mark)
    try:
        time.sleep(pause)
        return _replay(world, key, request_id) or _execute(world, schema, work, request_id, key=key, broken=broken)
    finally:
        with world.in_flight_lock:
            world.in_flight.discard(mark)


def _busy(key: str) -> Json:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted"
        f" twice, and the other request is still going through): {key}. Please try again later."
    )
    return {"error": {"code": "idempotency_key_in_use", "message": message, "type": "idempotency_error"}}


def _fingerprint() -> str:
    return hashlib.sha256(json.dumps([request.method, request.path, sorted(_pairs())]).encode()).hexdigest()


def _replay(world: World, key: str, request_id: str) -> Response | None:
    """The kept answer for a key, or None when the key is new (or a day old, which is the same)."""
    with world.store.reading() as look:
        kept = look.db.execute(
            "SELECT * FROM keys WHERE provider = 'stripe' AND key = ? AND created > ?", (key, look.at - DAY)
        ).fetchone()
    if kept is None:
        return None
    if kept["fingerprint"] != _fingerprint():
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using"
            f" a key other than '{key}' if you meant to execute a different request."
        )
        return _sent({"error": {"message": message, "type": "idempotency_error"}}, 400, request_id)
    return _sent(json.loads(kept["answer"]), kept["status"], request_id, replayed=True)


def _execute(
    world: World,
    schema: type,
    work: Work,
    request_id: str,
    *,
    key: str | None,
    broken: Callable[[int], Response] | None,
) -> Response:
    try:
        params = parameters.read(schema, parameters.nest(_pairs()))
        with world.store.transaction(origin={"id": request_id, "idempotency_key": key}) as transaction:
            body = _expanded(transaction, work(transaction, params), params.get("expand") or [], lists=False)
            response = broken(500) if broken is not None else _sent(body, 200, request_id)
            _keep(transaction, key, response)
    except StripeRefusal as refusal:
        response = _sent(refusal.body, refusal.status, request_id)
        if not refusal.before_execution:
            with world.store.transaction() as transaction:
                _keep(transaction, key, response)
    return response


def _keep(transaction: Transaction, key: str | None, response: Response) -> None:
    if key is not None:
        transaction.db.execute("DELETE FROM keys WHERE provider = 'stripe' AND created <= ?", (transaction.at - DAY,))
        transaction.db.execute(
            "INSERT OR REPLACE INTO keys (provider, key, created, fingerprint, status, answer)"
            " VALUES ('stripe', ?, ?, ?, ?, ?)",
            (key, transaction.at, _fingerprint(), response.status_code, response.get_data(as_text=True)),
        )


def _kept_500(world: World, refuse: Callable[[int], Response]) -> Response:
    """A 500 before the work was done: kept under the key all the same, as Stripe does."""
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        replayed = _replay(world, key, new_stripe_id("req", 14))
        if replayed is not None:
            return replayed
    response = refuse(500)
    with world.store.transaction() as transaction:
        _keep(transaction, key, response)
    return response


# Expansion ------------------------------------------------------------------------------------------------------------


def _expanded(look: Transaction, body: Json, paths: list[str], *, lists: bool) -> Json:
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4 + (1 if lists else 0):
            raise StripeRefusal.invalid("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(look, body, steps, path)
    return body


def _expand(look: Transaction, body: Json, steps: list[str], path: str) -> None:
    name, rest = steps[0], steps[1:]
    if name == "line_items" and body.get("object") == "checkout.session":
        body[name] = _line_items(look, body["id"])
    elif name == "refunds" and body.get("object") == "charge":
        body[name] = _list_of([row.body for row in look.find("stripe", "refund", {"$.charge": body["id"]})], "refunds")
    elif name not in body:
        raise StripeRefusal.invalid(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(body[name], str):
        row = look.row("stripe", body[name])
        if row is None:
            raise StripeRefusal.invalid(f"This property cannot be expanded ({path}).", param="expand")
        body[name] = row.body
    if not rest or body[name] is None:
        return
    for deeper in body[name] if isinstance(body[name], list) else [body[name]]:
        _expand(look, deeper, rest, path)


def _line_items(look: Transaction, session_id: str) -> Json:
    items = look.hidden("stripe", session_id)["line_items"]
    return _list_of(items, f"checkout/sessions/{session_id}/line_items")


def _list_of(data: list[Json], path: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": f"/v1/{path}"}


# Lists ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shelf:
    """How a kind of object is listed: where, by which filters."""

    kind: str
    path: str
    schema: type
    filters: tuple[str, ...] = ()


def _listed(look: Transaction, params: Json, shelf: Shelf) -> Json:
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise StripeRefusal.invalid("Invalid limit: must be between 1 and 100", param="limit")
    where: dict[str, Any] = {f"$.{name}": params[name] for name in shelf.filters if name in params}
    if "created" in params:
        where["$.created"] = _bounds(params["created"])
    if shelf.kind == "event" and (params.get("types") or params.get("type")):
        kinds = params.get("types") or [params["type"]]
        where["$.type"] = kinds if not any("*" in kind for kind in kinds) else [(">", "")]
    rows = _page(look, shelf, params, where, limit)
    page = rows[:limit]
    if "ending_before" in params:
        page.reverse()
    return _list_of([row.body for row in page], shelf.path, has_more=len(rows) > limit)


def _page(look: Transaction, shelf: Shelf, params: Json, where: dict[str, Any], limit: int) -> list[Row]:
    before, after = params.get("ending_before"), params.get("starting_after")
    if before and after:
        raise StripeRefusal.invalid("You cannot parameterize both starting_after and ending_before.")
    hidden = {"$.payout": params["payout"]} if "payout" in params else {}
    rows = look.find(
        "stripe",
        shelf.kind,
        where,
        hidden=hidden,
        older_than=_cursor(look, shelf, after, "starting_after"),
        newer_than=_cursor(look, shelf, before, "ending_before"),
        oldest_first=before is not None,
        limit=None if _is_picky(params) else limit + 1,
    )
    undelivered = webhooks.undelivered_events(look, "stripe") if "delivery_success" in params else set()
    return [row for row in rows if _wanted(row, params, undelivered)][: limit + 1]


def _cursor(look: Transaction, shelf: Shelf, id_: str | None, param: str) -> int | None:
    if id_ is None:
        return None
    row = look.row("stripe", id_, shelf.kind)
    if row is None:
        raise StripeRefusal.no_such(shelf.kind, id_, param=param, status=400)
    return row.seq


def _bounds(created: int | Json) -> int | list[tuple[str, int]]:
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    return created if isinstance(created, int) else [(signs[name], value) for name, value in created.items()]


def _is_picky(params: Json) -> bool:
    """True when conditions remain that the store cannot check by itself."""
    return any(name in params for name in ("type", "types", "delivery_success", "customer_details"))


def _wanted(row: Row, params: Json, undelivered: set[str]) -> bool:
    kinds = params.get("types") or ([params["type"]] if row.kind == "event" and params.get("type") else [])
    if kinds and not any(_is_kind(row.body["type"], kind) for kind in kinds):
        return False
    if "delivery_success" in params:
        return bool((row.id not in undelivered) == params["delivery_success"])
    if "customer_details" in params:
        details = row.body["customer_details"] or {}
        return bool(details.get("email") == params["customer_details"]["email"])
    return True


def _is_kind(have: str, wanted: str) -> bool:
    return have.startswith(wanted[:-1]) if wanted.endswith("*") else have == wanted


SHELVES = {
    shelf.path: shelf
    for shelf in (
        Shelf("customer", "customers", sdk.CustomerListParams, ("email",)),
        Shelf(
            "checkout.session",
            "checkout/sessions",
            sdk_checkout.SessionListParams,
            ("payment_intent", "status", "customer"),
        ),
        Shelf("payment_intent", "payment_intents", sdk.PaymentIntentListParams, ("customer",)),
        Shelf("charge", "charges", sdk.ChargeListParams, ("customer", "payment_intent", "transfer_group")),
        Shelf("refund", "refunds", sdk.RefundListParams, ("charge", "payment_intent")),
        Shelf("dispute", "disputes", sdk.DisputeListParams, ("charge", "payment_intent")),
        Shelf("event", "events", sdk.EventListParams),
        Shelf(
            "balance_transaction",
            "balance_transactions",
            sdk.BalanceTransactionListParams,
            ("currency", "source", "type"),
        ),
        Shelf("payout", "payouts", sdk.PayoutListParams, ("status", "destination")),
        Shelf("payment_method", "payment_methods", sdk.PaymentMethodListParams, ("customer", "type")),
    )
}
_RETRIEVE = {
    "customers": sdk.CustomerRetrieveParams,
    "checkout/sessions": sdk_checkout.SessionRetrieveParams,
    "payment_intents": sdk.PaymentIntentRetrieveParams,
    "charges": sdk.ChargeRetrieveParams,
    "refunds": sdk.RefundRetrieveParams,
    "disputes": sdk.DisputeRetrieveParams,
    "events": sdk.EventRetrieveParams,
    "balance_transactions": sdk.BalanceTransactionRetrieveParams,
    "payouts": sdk.PayoutRetrieveParams,
    "payment_methods": sdk.PaymentMethodRetrieveParams,
}


@bp.get("/<path:path>")
def get(path: str) -> Response:
    """Lists, and single objects by id."""
    shelf = SHELVES.get(path)
    if shelf is not None:
        return serve(shelf.schema, lambda look, params: _listed(look, params, shelf), lists=True)
    parent, _, id_ = path.rpartition("/")
    if parent in SHELVES:
        return serve(_RETRIEVE[parent], lambda look, _: _retrieved(look, SHELVES[parent].kind, id_))
    if parent.startswith("checkout/sessions/") and id_ == "line_items":
        return serve(
            sdk_checkout.SessionListLineItemsParams, lambda look, _: _line_items(look, parent.rpartition("/")[2])
        )
    if path == "balance":
        return serve(sdk.BalanceRetrieveParams, lambda look, _: balance.state(look))
    return serve(sdk.BalanceRetrieveParams, _unknown_url)


def _retrieved(look: Transaction, kind: str, id_: str) -> Json:
    row = look.row("stripe", id_, kind)
    if row is None:
        raise StripeRefusal.no_such(kind, id_)
    return row.body


def _unknown_url(_look: Transaction, _params: Json) -> Json:
    raise StripeRefusal(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)


# Writes ---------------------------------------------------------------------------------------------------------------


@bp.post("/customers")
def create_customer() -> Response:
    def work(transaction: Transaction, params: Json) -> Json:
        return transaction.add("stripe", "customer", shapes.customer(params, at=transaction.at))

    return serve(sdk.CustomerCreateParams, work)


@bp.post("/customers/<id_>")
def update_customer(id_: str) -> Response:
    def work(transaction: Transaction, params: Json) -> Json:
        body = _retrieved(transaction, "customer", id_)
        changes = {name: value for name, value in params.items() if name != "expand"}
        if "metadata" in changes:
            changes["metadata"] = _merged(body["metadata"], changes["metadata"])
        return transaction.change("stripe", id_, **changes)

    return serve(sdk.CustomerUpdateParams, work)


def _merged(before: Json, changes: Any) -> Json:
    if not changes:
        return {}
    return {name: value for name, value in (before | changes).items() if value != ""}


@bp.post("/checkout/sessions")
def create_session() -> Response:
    public_url = current_world().options.public_url
    return serve(sdk_checkout.SessionCreateParams, lambda t, params: checkout.create(t, params, public_url))


@bp.post("/checkout/sessions/<id_>/expire")
def expire_session(id_: str) -> Response:
    return serve(sdk_checkout.SessionExpireParams, lambda t, _: checkout.expire(t, id_))


@bp.post("/payment_intents/<id_>/cancel")
def cancel_payment_intent(id_: str) -> Response:
    return serve(sdk.PaymentIntentCancelParams, lambda t, _: checkout.cancel_intent(t, id_))


@bp.post("/refunds")
def create_refund() -> Response:
    return serve(sdk.RefundCreateParams, refunds.create)


@bp.post("/disputes/<id_>")
def update_dispute(id_: str) -> Response:
    return serve(sdk.DisputeUpdateParams, lambda t, params: disputes.answer(t, id_, params))


@bp.post("/disputes/<id_>/close")
def close_dispute(id_: str) -> Response:
    return serve(sdk.DisputeCloseParams, lambda t, _: disputes.decide(t, id_, won=False))


@bp.post("/<path:path>")
@bp.delete("/<path:path>")
def unknown(path: str) -> Response:
    """Everything else: Stripe may know it, the twin does not."""
    del path
    return serve(sdk.BalanceRetrieveParams, _unknown_url)
