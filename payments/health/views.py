"""Whether this installation lives, and whether it is ready."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify
from sqlalchemy.exc import DBAPIError

from payments.health.queries import look
from shared.kit.db import reading


def live() -> Response:
    """The process answers."""
    return Response("alive\n", content_type="text/plain; charset=utf-8")


def ready() -> tuple[Response, int]:
    """The database answers and nothing stands still; 503 else. Ages and counts only: no names, no amounts."""
    try:
        with reading() as session:
            health = look(session)
    except DBAPIError:
        return jsonify({"ready": False, "database": "does not answer"}), 503
    said: dict[str, Any] = {"ready": health.is_ready, **asdict(health)}
    return jsonify(said), 200 if health.is_ready else 503
