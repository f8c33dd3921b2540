"""The providers' door: raw body and signature in, 2xx out once every event is committed."""

from __future__ import annotations

from flask import Response, abort, request

from payments.gateways.choose import cards, debits
from payments.gateways.forged import Forged
from payments.models import Provider
from payments.webhooks.receive import store
from shared.kit.errors import Unavailable

LARGEST_BODY = 1024 * 1024
"""Bytes; both providers send a few kilobytes."""

GOCARDLESS_FORGED = 498
"""What GoCardless asks for when a signature does not fit."""


def stripe_() -> Response:
    """Stripe's webhook."""
    body = _body()
    try:
        gateway = cards()
    except Unavailable:
        abort(404)
    try:
        events = gateway.read_webhook(body, request.headers.get("Stripe-Signature"))
    except Forged:
        return _plain("not from Stripe", 400)
    if any(event.is_live is not gateway.is_live for event in events if not event.problem):
        return _plain("an event of the other mode (live or test)", 400)
    store(Provider.STRIPE, events, version=gateway.version)
    return _plain("kept", 200)


def gocardless() -> Response:
    """GoCardless's webhook: a batch of events."""
    body = _body()
    try:
        gateway = debits()
    except Unavailable:
        abort(404)
    try:
        events = gateway.read_webhook(body, request.headers.get("Webhook-Signature"))
    except Forged:
        return _plain("not from GoCardless", GOCARDLESS_FORGED)
    store(Provider.GOCARDLESS, events)
    return Response(status=204)


def _body() -> bytes:
    if (request.content_length or 0) > LARGEST_BODY:
        abort(413)
    body = request.stream.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        abort(413)
    return body


def _plain(text: str, status: int) -> Response:
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
