"""Whether this installation lives, and whether it is ready."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from payments.health.queries import look
from shared.kit import files
from shared.kit.db import reading

ROOM_NEEDED = 64 * 1024 * 1024
"""Bytes on the disk of the files. Below, papers and pictures would soon be refused."""


def live() -> Response:
    """The process answers."""
    return Response("alive\n", content_type="text/plain; charset=utf-8")


def ready() -> tuple[Response, int]:
    """The database answers, everybody is at work, nothing stands still and there is room; 503 else. Ages and counts only."""
    try:
        with reading() as session:
            health = look(session)
    except (DBAPIError, PoolTimeout):
        return jsonify({"ready": False, "database": "does not answer"}), 503
    has_room = _has_room()
    is_ready = health.is_ready and has_room
    said: dict[str, Any] = {"ready": is_ready, **asdict(health)} | ({} if has_room else {"disk": "no room left"})
    return jsonify(said), 200 if is_ready else 503


def _has_room() -> bool:
    try:
        return files.get_store().room_left() >= ROOM_NEEDED
    except OSError:
        return False
