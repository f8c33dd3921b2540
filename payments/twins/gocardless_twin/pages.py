"""The hosted mandate page at `/billing/<flow>`: details, then the mandate's text and a signature. No JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from payments.twins import labels, words
from payments.twins.clock import iso
from payments.twins.gocardless_twin import banks, billing, customers
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.pages import page
from payments.twins.store import Json, Row, Transaction
from payments.twins.words import gettext as _
from payments.twins.world import World, current_world

bp = Blueprint("gocardless_pages", __name__, url_prefix="/billing")

FIELDS = (
    "company_name",
    "given_name",
    "family_name",
    "email",
    "address_line1",
    "address_line2",
    "postal_code",
    "city",
    "country_code",
)


def _flow(flow_id: str) -> tuple[Row, Row] | None:
    """The flow and its billing request; chooses the page's language."""
    with current_world().store.reading() as look:
        flow = look.row("gocardless", flow_id, "billing_request_flows")
        request_row = flow and look.row("gocardless", flow.body["links"]["billing_request"], "billing_requests")
    words.choose(flow.body["language"] if flow else None)
    return (flow, request_row) if flow and request_row else None


def _with_outcome(url: str, flow_id: str) -> str:
    """Where a payer who has signed is sent: GoCardless adds the outcome and the flow's id."""
    joiner = "&" if "?" in url else "?"
    return f"{url}{joiner}{urlencode({'outcome': 'success', 'id': flow_id})}"


def _closed(found: tuple[Row, Row] | None) -> Response | None:
    if found is None:
        return page("message.html", status=404, title=_("This page does not exist"), text="")
    flow, asked = found
    if asked.body["status"] == "fulfilled":
        back = flow.body["redirect_uri"]
        return page(
            "message.html",
            title=_("Your mandate is set up"),
            text=_("You have signed this mandate. You can close this page."),
            back=back and _with_outcome(back, flow.id),
        )
    if asked.body["status"] == "cancelled" or flow.body["expires_at"] <= iso(current_world().clock.now()):
        return page(
            "message.html",
            status=410,
            title=_("This page has expired"),
            text=_(
                "This request for a mandate is no longer open. Please start again from the site that sent you here."
            ),
            back=flow.body["exit_uri"],
        )
    return None


def _facts(look: Transaction, flow: Row, asked: Row) -> Json:
    customer = look.body("gocardless", asked.body["links"]["customer"])
    known = {name: customer.get(name) for name in FIELDS} | {
        name: value for name, value in asked.hidden["billing"].items() if name in FIELDS and value
    }
    prefilled = {name: flow.body["prefilled_customer"].get(name) for name in FIELDS}
    values = {name: known.get(name) or prefilled.get(name) or "" for name in FIELDS}
    creditor = look.body("gocardless", asked.body["links"]["creditor"])
    return {"values": values | {"country_code": values["country_code"] or "FR"}, "creditor": creditor}


def _details(found: tuple[Row, Row], *, errors: dict[str, str] | None = None, typed: Json | None = None) -> Response:
    flow, asked = found
    with current_world().store.reading() as look:
        facts = _facts(look, flow, asked)
    fate = banks.BY_NAME.get(request.args.get("iban", ""))
    return page(
        "mandate_details.html",
        status=422 if errors else 200,
        flow=flow.body,
        values=facts["values"] | {"iban": fate.iban if fate else ""} | (typed or {}),
        creditor=facts["creditor"],
        errors=errors or {},
        fates=banks.FATES,
        bank_words=labels.bank_words(),
    )


@bp.get("/<flow_id>")
def show(flow_id: str) -> Response:
    found = _flow(flow_id)
    return _closed(found) or _details(found)  # type: ignore[arg-type] # _closed answers when nothing was found


@bp.post("/<flow_id>")
def give_details(flow_id: str) -> BaseResponse:
    found = _flow(flow_id)
    closed = _closed(found)
    if closed is not None or found is None:
        return closed or Response(status=404)
    typed = {name: request.form.get(name, "").strip() for name in (*FIELDS, "iban")}
    errors = _faults_in(typed)
    if errors:
        return _details(found, errors=errors, typed=typed)
    try:
        with current_world().store.transaction() as transaction:
            collect(transaction, found[1].id, typed)
    except GoCardlessRefusal as refusal:
        return _details(found, errors={"iban": str(refusal)}, typed=typed)
    return redirect(f"/billing/{flow_id}/confirm?lang={words.language()}", 303)


def collect(transaction: Transaction, request_id: str, typed: dict[str, str]) -> None:
    """Both collecting actions at once, as the page does them."""
    person = {name: typed.get(name) for name in ("company_name", "given_name", "family_name", "email")}
    billing_detail = {name: typed.get(name) for name in customers.BILLING_FIELDS if typed.get(name)}
    billing.collect_customer_details(
        transaction, request_id, {"customer": person, "customer_billing_detail": billing_detail}
    )
    billing.collect_bank_account(transaction, request_id, {"iban": typed["iban"]})


def _faults_in(typed: dict[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not typed["company_name"] and not (typed["given_name"] and typed["family_name"]):
        errors["company_name"] = _("Please enter a company name, or a first and a last name.")
    if "@" not in typed["email"]:
        errors["email"] = _("Please enter an email address.")
    for name in ("address_line1", "postal_code", "city"):
        if not typed[name]:
            errors[name] = _("This is needed.")
    if banks.read_iban(typed["iban"]) is None:
        errors["iban"] = _("This IBAN is not valid. Please check it.")
    return errors


@bp.get("/<flow_id>/confirm")
def confirm(flow_id: str) -> BaseResponse:
    found = _flow(flow_id)
    closed = _closed(found)
    if closed is not None or found is None:
        return closed or Response(status=404)
    flow, asked = found
    if "customer_bank_account" not in asked.body["links"]:
        return redirect(f"/billing/{flow_id}", 303)
    with current_world().store.reading() as look:
        facts = _facts(look, flow, asked)
        iban = look.hidden("gocardless", asked.body["links"]["customer_bank_account"])["iban"]
        account = look.body("gocardless", asked.body["links"]["customer_bank_account"])
    return page(
        "mandate_confirm.html",
        flow=flow.body,
        asked=asked.body,
        values=facts["values"],
        creditor=facts["creditor"],
        account=account,
        iban=" ".join(iban[i : i + 4] for i in range(0, len(iban), 4)),
        reference=asked.hidden["reference"],
        today=current_world().clock.now(),
    )


@bp.post("/<flow_id>/confirm")
def sign(flow_id: str) -> BaseResponse:
    found = _flow(flow_id)
    closed = _closed(found)
    if closed is not None or found is None:
        return closed or Response(status=404)
    flow, asked = found
    try:
        with current_world().store.transaction() as transaction:
            billing.confirm_payer_details(transaction, asked.id, {})
            if flow.body["auto_fulfil"]:
                billing.fulfil(transaction, asked.id, {})
    except GoCardlessRefusal:
        return redirect(f"/billing/{flow_id}", 303)
    if flow.body["redirect_uri"]:
        return redirect(_with_outcome(flow.body["redirect_uri"], flow.id), 303)
    return page("message.html", title=_("Your mandate is set up"), text=_("You can close this page."))


@bp.get("/mandate/<mandate_id>")
def paper(mandate_id: str) -> Response:
    """The mandate's text, where the real API would serve a PDF."""
    with current_world().store.reading() as look:
        row = look.row("gocardless", mandate_id, "mandates")
        creditor = look.body("gocardless", row.body["links"]["creditor"]) if row else {}
        customer = look.body("gocardless", row.body["links"]["customer"]) if row else {}
    words.choose(customer.get("language"))
    if row is None:
        return page("message.html", status=404, title=_("This page does not exist"), text="")
    return page(
        "mandate_paper.html", mandate=row.body, creditor=creditor, holder=billing.holder_name(customer), at=row.created
    )


def authorise(world: World, flow_or_request: str, iban: str, details: dict[str, Any] | None = None) -> Json:
    """Do what a payer does on the page, for tests: details, IBAN, signature. Gives back mandate and billing request."""
    flow_id = flow_or_request.rstrip("/").rpartition("/")[2].partition("?")[0]
    with world.store.transaction() as transaction:
        row = transaction.row("gocardless", flow_id)
        if row is None:
            raise LookupError(f"no billing request or flow {flow_id}")
        request_id = row.body["links"]["billing_request"] if row.kind == "billing_request_flows" else row.id
        typed = {
            "given_name": "Camille",
            "family_name": "Martin",
            "email": "camille.martin@example.com",
            "address_line1": "1 rue de la Paix",
            "postal_code": "75002",
            "city": "Paris",
            "country_code": "FR",
        }
        if row.kind == "billing_request_flows":
            typed |= {n: v for n, v in row.body["prefilled_customer"].items() if v and n in FIELDS}
        collect(transaction, request_id, typed | (details or {}) | {"iban": banks.by_name_or_iban(iban)})
        billing.confirm_payer_details(transaction, request_id, {})
        done = billing.fulfil(transaction, request_id, {})
    back = row.body.get("redirect_uri") if row.kind == "billing_request_flows" else None
    return {
        "billing_request": done["id"],
        "mandate": done["links"]["mandate_request_mandate"],
        "customer": done["links"]["customer"],
        "customer_bank_account": done["links"]["customer_bank_account"],
        "redirect": _with_outcome(back, row.id) if back else None,
    }
