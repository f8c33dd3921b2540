"""Answering requests over HTTP the way both providers are spoken to, faults included.

The order is theirs: authentication and rate limits stand before everything else; then the idempotency key; then the
operation, one transaction, in which the answer is kept beside what was done.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Response, request

from payments.twins import faults
from payments.twins.faults import Fault
from payments.twins.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CUT = "X-Twin-Cut"
"""On a response: hang up instead of answering. Never leaves the process."""


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json", headers=headers)


def fault_here(world: World, provider: str) -> Fault | None:
    """The rule that strikes this request, if any."""
    with world.store.reading() as look:
        if look.db.execute("SELECT 1 FROM faults WHERE left_over != 0 LIMIT 1").fetchone() is None:
            return None
    with world.store.transaction() as transaction:
        return faults.take(transaction, provider, layer="request", names=[f"{request.method} {request.full_path}"])


def cut() -> Response:
    return Response(status=500, headers={CUT: "1"})


def misbehave(fault: Fault | None, answer: Callable[[], Response], refuse: Callable[[int], Response]) -> Response:
    """Answer a request as a fault demands.

    `answer` does the work; `refuse(status)` makes the provider's own error body.
    """
    if fault is None or fault.kind == "wrong_amount":
        return answer()
    if fault.kind in {"reset_before", "timeout_before"}:
        time.sleep(fault.seconds)
        return cut()
    if fault.kind == "slow":
        response = answer()
        time.sleep(fault.seconds)
        return response
    if fault.kind == "status":
        if fault.after_commit:
            answer()
        return refuse(fault.status)
    answer()
    if fault.kind == "malformed_body":
        return Response("<!doctype html><title>Bad gatew", status=502, content_type="text/html")
    time.sleep(fault.seconds)
    return cut()


class HangUp:
    """WSGI layer that cuts the connection when a response asks for it."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked: list[bool] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if any(name == CUT for name, _ in headers):
                asked.append(True)
                return lambda _: None
            return start_response(status, headers, exc_info)

        body = self.app(environ, start)
        if not asked:
            return body
        connection = environ.get("werkzeug.socket")
        if isinstance(connection, socket.socket):
            # Linger zero makes it a reset, as a broken proxy would.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("cut on purpose")
