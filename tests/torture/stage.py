"""Asking a zygote to let something happen, and to kill it at a boundary."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.twins import TwinsProcess

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Said:
    """What became of one act."""

    result: Any = None
    error: str | None = None
    trace: str = ""
    killed: bool = False
    boundaries: list[str] = field(default_factory=list)


def world_of(*, database: str, twins: TwinsProcess, var_dir: Path) -> dict[str, str]:
    """Where everything is, for another process."""
    return {
        "database": database,
        "url": twins.url,
        "smtp_url": twins.smtp_url,
        "var_dir": str(var_dir),
        "clock_file": str(twins.clock_file),
        "stripe_key": twins.stripe_key,
        "stripe_secret": twins.stripe_webhook_secret,
        "gocardless_token": twins.gocardless_token,
        "gocardless_secret": twins.gocardless_webhook_secret,
    }


class Stage:
    """One zygote."""

    def __init__(self, *, database: str, twins: TwinsProcess, var_dir: Path) -> None:
        self.kills = 0
        self.acts = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._write(world_of(database=database, twins=twins, var_dir=var_dir))
        assert self._read() == "ready"

    def do(self, name: str, *, kill_at: int | None = None, may_fail: bool = False, **given: Any) -> Said:
        """Let one act happen in a process of its own, killed at its `kill_at`-th boundary. A bug in it raises."""
        self._write({"do": name, "with": given, "kill_at": kill_at})
        said = Said(**json.loads(self._read()))
        self.acts += 1
        self.kills += said.killed
        if said.error == "BUG" or (said.error and not may_fail):
            raise AssertionError(f"{name}: {said.error}\n{said.trace}")
        return said

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=20)

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _read(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the zygote has died"
        return line.strip()
