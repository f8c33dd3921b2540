"""A process that knows all of Guichet and forks one child for each act, so that a kill costs milliseconds.

Reads one JSON line per act ({"do", "with", "kill_at"}) and answers one ({"result" | "error", "killed", "boundaries"}).
It has one thread and no open connection, so a child begins as fresh as a new process.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

import wsgi
from shared.kit import clock, files
from shared.kit.db import make_engine, use_engine
from shared.kit.errors import DomainError
from shared.kit.settings import Settings, use_settings
from tests.torture import acts, between, house, speaking
from tests.torture.boundaries import Boundaries


def enter(world: dict[str, Any]) -> None:
    """Make this process part of a world: its settings, clock, database, jobs."""
    use_settings(
        Settings(
            mode="test",
            secret_key=SecretStr("t" * 48),
            var_dir=Path(world["var_dir"]),
            public_url="http://guichet.test",
            stripe_api_key=SecretStr(world["stripe_key"]),
            stripe_api_base=world["url"],
            stripe_webhook_secret=SecretStr(world["stripe_secret"]),
            gocardless_access_token=SecretStr(world["gocardless_token"]),
            gocardless_base_url=world["url"],
            gocardless_webhook_secret=SecretStr(world["gocardless_secret"]),
            smtp_url=world["smtp_url"],
        )
    )
    files.use_store(files.FileStore(Path(world["var_dir"]) / "files"))
    clock.set_clock(clock.OffsetClock(Path(world["clock_file"])))
    wsgi.metadata()
    wsgi.import_jobs()
    use_engine(make_engine(world["database"]))


def main() -> None:
    enter(json.loads(sys.stdin.readline()))
    _say("ready")
    for line in sys.stdin:
        _say(json.dumps(_perform(json.loads(line))))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _perform(asked: dict[str, Any]) -> dict[str, Any]:
    names_out, names_in = os.pipe()
    answer_out, answer_in = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(names_out)
        os.close(answer_out)
        _act(asked, names_in, answer_in)
        os._exit(0)
    os.close(names_in)
    os.close(answer_in)
    names = _all(names_out).decode().split("\n")[:-1]
    answer = _all(answer_out)
    _pid, status = os.waitpid(child, 0)
    said = json.loads(answer) if answer else {}
    return said | {"killed": os.WIFSIGNALED(status), "boundaries": names}


def _act(asked: dict[str, Any], names: int, answer: int) -> None:
    boundaries = Boundaries(names, asked.get("kill_at"))
    boundaries.install()
    try:
        said = {"result": _find(asked["do"])(**asked["with"])}
    except DomainError as error:
        said = {"error": error.code}
    except Exception:  # noqa: BLE001 - the caller shall see it
        said = {"error": "BUG", "trace": traceback.format_exc()}
    os.write(answer, json.dumps(said, default=str).encode())


def _find(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = next(
        getattr(room, name) for room in (acts, speaking, between, house) if hasattr(room, name)
    )
    return found


def _all(pipe: int) -> bytes:
    found = b""
    while piece := os.read(pipe, 65536):
        found += piece
    os.close(pipe)
    return found


if __name__ == "__main__":
    main()
