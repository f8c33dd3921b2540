"""Logs: one JSON object a line, ids but never names, tokens, addresses or account numbers."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

_SECRETS = (
    (re.compile(r"(/l/)[^\s/?#\"']{20,}"), r"\1…"),
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), "token…"),
    (
        re.compile(
            r"\b[A-Z]{2}\d{2}(?:[ \u00a0\u202f]?[A-Z0-9]{4}){3,7}(?:[ \u00a0\u202f]?[A-Z0-9]{1,3})?\b", re.IGNORECASE
        ),
        "IBAN…",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "…@…"),
    (re.compile(r"\b(sk|rk|whsec|live|sandbox)_[A-Za-z0-9_]{8,}"), r"\1_…"),
)


def redact(text: str) -> str:
    """Take out what must not stand in a log."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line, redacted."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "log": record.name,
            "said": redact(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Send this process's logs to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("rq.worker", "weasyprint", "fontTools", "stripe", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
