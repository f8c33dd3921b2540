"""GoCardless's HTTP API at the root: envelope, version header, cursors, idempotent creation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from flask import Blueprint, Response, g, request

from payments.twins.clock import DAY, iso
from payments.twins.faults import Fault
from payments.twins.gocardless_twin import (
    billing,
    customers,
    mandates,
    parameters,
    payments,
    refunds,
    simulators,
)
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.pace import Taken
from payments.twins.store import Json, Row, Transaction
from payments.twins.wire import fault_here, json_response, misbehave
from payments.twins.world import World, current_world

bp = Blueprint("gocardless_api", __name__)

VERSION = "2015-07-06"
KEYS_LIVE_DAYS = 30
Work = Callable[[Transaction, Json], Json]


def serve(work: Callable[[World, Fault | None], tuple[Json, int]]) -> Response:
    """Answer the present request: check who asks and how, then do the work."""
    world = current_world()
    request_id = str(uuid.uuid4())

    def refuse(status: int) -> Response:
        message = {429: "Rate limit exceeded", 503: "Service unavailable"}.get(status, "Uh-oh!")
        kind = "invalid_api_usage" if 400 <= status < 500 else "gocardless"
        reason = {429: "rate_limit_exceeded"}.get(status, "internal_error")
        refusal = GoCardlessRefusal(
            message, status=status, kind=kind, errors=[{"message": message, "reason": reason}], anchor=reason
        )
        return _sent(refusal.body(request_id), status, request_id)

    try:
        _check_headers(world)
    except GoCardlessRefusal as refusal:
        return _sent(refusal.body(request_id), refusal.status, request_id)
    g.taken = world.pace.take(world.clock.now())
    if g.taken is not None and g.taken.is_over:
        return refuse(429)
    fault = fault_here(world, "gocardless")

    def answer() -> Response:
        try:
            body, status = work(world, fault)
        except GoCardlessRefusal as refusal:
            return _sent(refusal.body(request_id), refusal.status, request_id)
        return _sent(body, status, request_id)

    return misbehave(fault, answer, refuse)


def _check_headers(world: World) -> None:
    if request.headers.get("Authorization", "") != f"Bearer {world.options.gocardless_access_token}":
        raise GoCardlessRefusal.usage("Unauthorized", "unauthorized", status=401)
    version = request.headers.get("GoCardless-Version")
    if version is None:
        raise GoCardlessRefusal.usage("Missing GoCardless-Version header", "missing_version_header")
    if version != VERSION:
        raise GoCardlessRefusal.usage("Version not found", "version_not_found")
    if request.method in {"POST", "PUT"} and not request.is_json:
        raise GoCardlessRefusal.usage("Content-Type must be application/json", "invalid_content_type", status=415)


def _sent(body: Json, status: int, request_id: str) -> Response:
    headers = {"X-Request-Id": request_id, "RateLimit-Limit": "1000", "RateLimit-Remaining": "999"}
    taken: Taken | None = g.get("taken")
    if taken is not None:
        reset = format_datetime(datetime.fromtimestamp(taken.reset_at, UTC), usegmt=True)
        headers |= {
            "RateLimit-Limit": str(taken.limit),
            "RateLimit-Remaining": str(taken.left),
            "RateLimit-Reset": reset,
        }
    return json_response(body, status, headers)


def _given(envelope: str) -> Any:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        if not request.get_data() or (body is None and request.get_data() == b"null"):
            return {}
        raise GoCardlessRefusal.usage("Root element must be an object.", "invalid_document_structure")
    return body.get(envelope, body.get("data", {}))


# Creation -------------------------------------------------------------------------------------------------------------


def _create(resource: str, work: Work) -> Response:
    def run(world: World, fault: Fault | None) -> tuple[Json, int]:
        key = request.headers.get("Idempotency-Key")
        allowed, required = parameters.CREATE[resource]
        given = parameters.check(resource, _given(resource), allowed, required)
        if fault is not None and fault.kind == "wrong_amount" and key is not None:
            _plant_decoy(world, resource, key, given, work)
        with world.store.transaction() as transaction:
            _refuse_repeat(transaction, resource, key)
            body = work(transaction, given)
            _keep(transaction, resource, key, body)
        return {resource: body}, 201

    return serve(run)


def _refuse_repeat(transaction: Transaction, resource: str, key: str | None) -> None:
    kept = transaction.db.execute(
        "SELECT answer FROM keys WHERE provider = 'gocardless' AND key = ? AND created > ?",
        (f"{resource}:{key}", transaction.at - KEYS_LIVE_DAYS * DAY),
    ).fetchone()
    if key is not None and kept is not None:
        raise GoCardlessRefusal.conflict(json.loads(kept["answer"])["id"])


def _keep(transaction: Transaction, resource: str, key: str | None, body: Json) -> None:
    if key is not None and "id" in body:
        transaction.db.execute(
            "DELETE FROM keys WHERE provider = 'gocardless' AND created <= ?",
            (transaction.at - KEYS_LIVE_DAYS * DAY,),
        )
        transaction.db.execute(
            "INSERT OR REPLACE INTO keys (provider, key, created, fingerprint, status, answer)"
            " VALUES ('gocardless', ?, ?, '', 201, ?)",
            (f"{resource}:{key}", transaction.at, json.dumps({"id": body["id"]})),
        )


def _plant_decoy(world: World, resource: str, key: str, given: Json, work: Work) -> None:
    """As if somebody had used this key before, for another amount."""
    with world.store.transaction() as transaction:
        _keep(transaction, resource, key, work(transaction, given | {"amount": given["amount"] + 100}))


@bp.post("/creditors")
def create_creditor() -> Response:
    return _create("creditors", customers.create_creditor)


@bp.post("/customers")
def create_customer() -> Response:
    return _create("customers", customers.create_customer)


@bp.post("/customer_bank_accounts")
def create_customer_bank_account() -> Response:
    return _create("customer_bank_accounts", customers.create_bank_account)


@bp.post("/billing_requests")
def create_billing_request() -> Response:
    def work(transaction: Transaction, given: Json) -> Json:
        parameters.check_metadata("billing_requests", (given.get("mandate_request") or {}).get("metadata"))
        return billing.create(transaction, given)

    return _create("billing_requests", work)


@bp.post("/billing_request_flows")
def create_billing_request_flow() -> Response:
    public_url = current_world().options.public_url
    return _create("billing_request_flows", lambda t, given: billing.create_flow(t, given, public_url))


@bp.post("/payments")
def create_payment() -> Response:
    return _create("payments", payments.create)


@bp.post("/refunds")
def create_refund() -> Response:
    return _create("refunds", refunds.create)


@bp.post("/mandate_pdfs")
def create_mandate_pdf() -> Response:
    public_url = current_world().options.public_url

    def work(transaction: Transaction, given: Json) -> Json:
        mandate_id = given["links"]["mandate"]
        if transaction.row("gocardless", mandate_id, "mandates") is None:
            raise GoCardlessRefusal.usage("Link not found: mandate", "link_not_found", status=404)
        return {
            "expires_at": iso(transaction.at + DAY),
            "url": f"{public_url}/billing/mandate/{mandate_id}",
        }

    return _create("mandate_pdfs", work)


# Actions --------------------------------------------------------------------------------------------------------------


def _act(resource: str, work: Work) -> Response:
    def run(world: World, _fault: Fault | None) -> tuple[Json, int]:
        given = _given("data")
        if not isinstance(given, dict):
            raise GoCardlessRefusal.usage("Root element must be an object.", "invalid_document_structure")
        parameters.check_metadata(resource, given.get("metadata"))
        with world.store.transaction() as transaction:
            body = work(transaction, given)
            shown = _shown(resource, transaction, body)
        return {resource: shown}, 200

    return serve(run)


_BILLING_ACTIONS: dict[str, Callable[[Transaction, str, Json], Json]] = {
    "collect_customer_details": billing.collect_customer_details,
    "collect_bank_account": billing.collect_bank_account,
    "confirm_payer_details": billing.confirm_payer_details,
    "fulfil": billing.fulfil,
    "cancel": billing.cancel,
}


def _must_exist(transaction: Transaction, resource: str, id_: str) -> Row:
    row = transaction.row("gocardless", id_, resource)
    if row is None:
        raise GoCardlessRefusal.not_found()
    return row


@bp.post("/billing_requests/<id_>/actions/<action>")
def act_on_billing_request(id_: str, action: str) -> Response:
    step = _BILLING_ACTIONS.get(action)
    if step is None:
        return unknown()
    return _act("billing_requests", lambda transaction, given: step(transaction, id_, given))


@bp.post("/mandates/<id_>/actions/cancel")
def cancel_mandate(id_: str) -> Response:
    def work(transaction: Transaction, _given: Json) -> Json:
        _must_exist(transaction, "mandates", id_)
        return mandates.cancel(transaction, id_, cause="mandate_cancelled", origin="api")

    return _act("mandates", work)


@bp.post("/mandates/<id_>/actions/reinstate")
def reinstate_mandate(id_: str) -> Response:
    def work(transaction: Transaction, _given: Json) -> Json:
        _must_exist(transaction, "mandates", id_)
        return mandates.reinstate(transaction, id_)

    return _act("mandates", work)


@bp.post("/payments/<id_>/actions/cancel")
def cancel_payment(id_: str) -> Response:
    def work(transaction: Transaction, given: Json) -> Json:
        _must_exist(transaction, "payments", id_)
        return payments.cancel(transaction, id_, given.get("metadata"))

    return _act("payments", work)


@bp.post("/payments/<id_>/actions/retry")
def retry_payment(id_: str) -> Response:
    return _act("payments", lambda transaction, given: payments.retry(transaction, id_, given))


@bp.post("/customer_bank_accounts/<id_>/actions/disable")
def disable_bank_account(id_: str) -> Response:
    def work(transaction: Transaction, _given: Json) -> Json:
        _must_exist(transaction, "customer_bank_accounts", id_)
        for row in transaction.find("gocardless", "mandates", {"$.links.customer_bank_account": id_}):
            if row.body["status"] in mandates.MAY_COLLECT:
                mandates.cancel(transaction, row.id, cause="bank_account_disabled", origin="api")
        return transaction.change("gocardless", id_, enabled=False)

    return _act("customer_bank_accounts", work)


@bp.post("/scenario_simulators/<simulator>/actions/run")
def run_simulator(simulator: str) -> Response:
    def work(transaction: Transaction, given: Json) -> Json:
        resource = (given.get("links") or {}).get("resource")
        if not resource:
            raise GoCardlessRefusal.invalid("scenario_simulators", **{"links.resource": "is required"})
        return simulators.run(transaction, simulator, resource)

    return _act("scenario_simulators", work)


# Reads and updates ----------------------------------------------------------------------------------------------------

SHOW: dict[str, Callable[[Transaction, Json], Json]] = {"mandates": mandates.show, "billing_requests": billing.show}


def _shown(resource: str, look: Transaction, body: Json) -> Json:
    show = SHOW.get(resource)
    return show(look, body) if show else body


def _list(resource: str) -> Response:
    def run(world: World, _fault: Fault | None) -> tuple[Json, int]:
        query = request.args.to_dict()
        limit = _limit(resource, query.get("limit", "50"))
        where = parameters.filters(resource, query)
        with world.store.reading() as look:
            rows = _page(look, resource, query, where, limit)
            shown = [_shown(resource, look, row.body) for row in rows[:limit]]
        more = rows[limit - 1].id if len(rows) > limit else None
        backwards = "before" in query
        if backwards:
            shown.reverse()
        cursors = {
            "before": shown[0]["id"] if shown and ((backwards and more) or "after" in query) else None,
            "after": shown[-1]["id"] if shown and (backwards or more) else None,
        }
        return {resource: shown, "meta": {"cursors": cursors, "limit": limit}}, 200

    return serve(run)


def _limit(resource: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 500:
        raise GoCardlessRefusal.invalid(resource, limit="must be between 1 and 500")
    return int(text)


def _page(look: Transaction, resource: str, query: dict[str, str], where: Json, limit: int) -> list[Row]:
    return look.find(
        "gocardless",
        resource,
        where,
        older_than=_cursor(look, resource, query.get("after")),
        newer_than=_cursor(look, resource, query.get("before")),
        oldest_first="before" in query,
        limit=limit + 1,
    )


def _cursor(look: Transaction, resource: str, id_: str | None) -> int | None:
    if id_ is None:
        return None
    row = look.row("gocardless", id_, resource)
    if row is None:
        raise GoCardlessRefusal.usage("Cursor not found", "cursor_not_found")
    return row.seq


@bp.get(
    "/<any(creditors, customers, customer_bank_accounts, billing_requests, mandates, payments, refunds, payouts, events):resource>"
)
def list_(resource: str) -> Response:
    return _list(resource)


@bp.get(
    "/<any(creditors, customers, customer_bank_accounts, billing_requests, mandates, payments, refunds, payouts, events):resource>/<id_>"
)
def get(resource: str, id_: str) -> Response:
    def run(world: World, _fault: Fault | None) -> tuple[Json, int]:
        with world.store.reading() as look:
            row = _must_exist(look, resource, id_)
            shown = _shown(resource, look, row.body)
        return {resource: shown}, 200

    return serve(run)


@bp.put("/<any(customers, customer_bank_accounts, mandates, payments, refunds, payouts):resource>/<id_>")
def update(resource: str, id_: str) -> Response:
    def work(world: World, _fault: Fault | None) -> tuple[Json, int]:
        given = parameters.check(resource, _given(resource), parameters.UPDATE[resource])
        with world.store.transaction() as transaction:
            row = _must_exist(transaction, resource, id_)
            if "metadata" in given:
                given["metadata"] = {k: v for k, v in (row.body["metadata"] | given["metadata"]).items() if v != ""}
            body = transaction.change("gocardless", id_, **given)
            shown = _shown(resource, transaction, body)
        return {resource: shown}, 200

    return serve(work)


@bp.get("/payout_items")
def list_payout_items() -> Response:
    def run(world: World, _fault: Fault | None) -> tuple[Json, int]:
        query = request.args.to_dict()
        limit = _limit("payout_items", query.get("limit", "50"))
        with world.store.reading() as look:
            items = _must_exist(look, "payouts", query.get("payout", "")).hidden["items"]
        begin = int(query.get("after") or 0)
        after = begin + limit
        cursors = {"before": None, "after": str(after) if after < len(items) else None}
        return {"payout_items": items[begin:after], "meta": {"cursors": cursors, "limit": limit}}, 200

    return serve(run)


def unknown() -> Response:
    """What the twin does not know."""

    def run(_world: World, _fault: Fault | None) -> tuple[Json, int]:
        raise GoCardlessRefusal.not_found()

    return serve(run)
