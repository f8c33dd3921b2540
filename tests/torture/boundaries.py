"""Every boundary of a process with the outside, counted; at a chosen one the process kills itself with SIGKILL.

Boundaries: before and after each database commit, before and after each HTTP request, before and after each mail. They
are found by wrapping the outer libraries, so a new call in our code is a new boundary without anybody listing it.
"""

from __future__ import annotations

import os
import signal
import smtplib
from collections.abc import Callable
from typing import Any

import requests
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session


class Boundaries:
    """Counts, tells its pipe the name of each, and kills this process at number `kill_at` (from 1)."""

    def __init__(self, pipe: int, kill_at: int | None) -> None:
        self.pipe = pipe
        self.kill_at = kill_at
        self.count = 0

    def reach(self, name: str) -> None:
        self.count += 1
        os.write(self.pipe, f"{name}\n".encode())
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        event.listen(Engine, "commit", lambda _connection: self.reach("before commit"))
        event.listen(Session, "after_commit", lambda _session: self.reach("after commit"))
        requests.Session.send = self._around("http", requests.Session.send)  # type: ignore[method-assign]
        smtplib.SMTP.send_message = self._around("mail", smtplib.SMTP.send_message)  # type: ignore[method-assign]

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            self.reach(f"before {name}")
            answer = call(*given, **named)
            self.reach(f"after {name}")
            return answer

        return wrapped
