"""One family of processes: started in order, started again when one dies, stopped together, with nothing left behind.

Three nets catch what is left, each for when the one before it is cut: the supervisor stops its members in reverse order;
when it is killed, the kernel tells each member to stop in that instant (`orphans run`); and a sentry, which notices the
supervisor's death by the end of a pipe, kills whatever still carries the family's mark (`orphans sweep`).
"""

import fcntl
import os
import re
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import TextIO

from shared.kit import orphans
from shared.kit.errors import Conflict, Refused, Unavailable

_TICK_S = 0.25
_STARTING_TICK_S = 0.05
_STEADY_AFTER_S = 60.0
_HOPELESS_AFTER = 3
_LONGEST_PAUSE_S = 30.0
_SENTRY_GRACE_S = 5.0
_TASK_STOPS_WITHIN_S = 5.0
_COLOURS = (36, 35, 33, 32, 34, 31)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Member:
    """A program that runs as long as the family does.

    `env` is added to our own environment. Members start beside each other; a gate, and the announcement, wait until each
    that was started has its `ready` say so.
    `stop_within_s` is how long it may take to finish what it is doing before it is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within_s: float = 60
    stop_within_s: float = 10


@dataclass(frozen=True)
class Task:
    """A program that must end well before the next part starts."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    within_s: float = 600


@dataclass(frozen=True)
class Engine:
    """A server that is nobody's child: `ensure` starts it or attaches to it, `runs` says whether it is alive."""

    name: str
    ensure: Callable[[], object]
    runs: Callable[[], bool]


@dataclass(frozen=True)
class Gate:
    """What comes after it starts when all members before it are ready, and stops before they do."""

    name: str = "gate"


Part = Member | Task | Engine | Gate


@dataclass(eq=False)
class _Child:
    """A member or task and its present process."""

    part: Member | Task
    mark: str
    wave: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    next_start: float = 0
    pause_s: float = 0.5
    deaths: int = 0
    rest: bytes = b""


class Family:
    """The supervisor. `run()` returns when everything has ended: 0 when asked to, 1 when it could not start."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        run_dir: Path,
        announce: Callable[[], None] = lambda: None,
        release: Callable[[], None] = lambda: None,
        cwd: Path | None = None,
        output: TextIO | None = None,
    ) -> None:
        """`run_dir` holds the family's lock and its engines' lease; `announce` is called once all are ready; `release` at the very end."""
        self.parts = parts
        self.run_dir = run_dir
        self.announce = announce
        self.release = release
        self.cwd = cwd
        self.output = output or sys.stdout
        self.mark = secrets.token_hex(8)
        self._children: list[_Child] = []
        self._ready: list[_Child] = []
        self._engines: list[Engine] = []
        self._selector = selectors.DefaultSelector()
        self._sentry: subprocess.Popen[bytes] | None = None
        self._signals = 0
        self._wave = 0
        self._width = max((len(part.name) for part in parts), default=0)

    def run(self) -> int:
        """Start every part in order and keep them alive until SIGINT, SIGTERM or SIGHUP; a second signal kills."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        lock = orphans.take(self.run_dir / "family", fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            raise Conflict(
                "family.twice", f"Guichet already runs in {self.run_dir.parent}: stop it first, or choose another PORT."
            )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        orphans.adopt()
        status = 0
        try:
            self._watch_over_us()
            for part in self.parts:
                if self._signals:
                    break
                self._start_part(part)
            self._await_members()
            if not self._signals:
                self.announce()
                self._flush()
            while not self._signals:
                self._tick(_TICK_S)
        except (Refused, Unavailable) as error:
            self._say("guichet", error.message)
            status = 1
        finally:
            self._stop()
            os.close(lock)
        return status

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _start_part(self, part: Part) -> None:
        if isinstance(part, Engine):
            part.ensure()
            self._engines.append(part)
            return
        if isinstance(part, Gate):
            self._await_members()
            self._wave += 1
            return
        child = _Child(part, f"{self.mark}.{part.name}.", self._wave)
        if isinstance(part, Task):
            self._start(child)
            self._await(child, lambda: child.process is not None and child.process.poll() is not None, part.within_s)
            self._finish_task(child)
            return
        self._start(child)
        self._children.append(child)

    def _await_members(self) -> None:
        for child in self._children:
            if isinstance(child.part, Member) and child.part.ready and child not in self._ready:
                self._await(child, child.part.ready, child.part.ready_within_s)
                self._ready.append(child)

    def _await(self, child: _Child, question: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not self._signals and not question():
            if child.deaths >= _HOPELESS_AFTER:
                raise Unavailable("family.dead", f"{child.part.name} cannot start: what it said stands above.")
            if time.monotonic() > deadline:
                if child not in self._children:
                    self._children.append(child)
                raise Unavailable("family.slow", f"{child.part.name} is not ready after {within_s:.0f} s.")
            self._tick(_STARTING_TICK_S)

    def _finish_task(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        if process.poll() is None:  # we were asked to stop in the middle
            self._children.append(child)
            return
        self._drain(child)
        if process.returncode:
            raise Unavailable("family.task", f"{child.part.name} {_how_it_ended(process.returncode)}.")

    def _start(self, child: _Child) -> None:
        environment = {**os.environ, **child.part.env, "PYTHONUNBUFFERED": "1", orphans.MARK: child.mark}  # noqa: TID251 - handed on, not read
        child.process = subprocess.Popen(
            [*orphans.command("run", str(os.getpid())), *child.part.argv],
            env=environment,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child.started = time.monotonic()
        if child.process.stdout:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _tick(self, patience_s: float) -> None:
        """Pass on what the children say, and see who has died."""
        for key, _ in self._selector.select(patience_s):
            self._pass_on(key.data)
        self._flush()
        for child in self._children:
            self._look_after(child)
        for engine in self._engines:
            if not self._signals and not engine.runs():
                self._revive(engine)
        if self._sentry and self._sentry.poll() is not None:
            self._watch_over_us()

    def _look_after(self, child: _Child) -> None:
        if isinstance(child.part, Task) or self._signals:
            return
        if child.process is None:
            if time.monotonic() >= child.next_start:
                self._start(child)
        elif child.process.poll() is not None:
            self._drain(child)
            orphans.sweep(child.mark, grace_s=0)
            if time.monotonic() - child.started > _STEADY_AFTER_S:
                child.pause_s = 0.5
            child.deaths += 1
            how = _how_it_ended(child.process.returncode)
            self._say(child.part.name, f"{how}; starting it again in {child.pause_s:g} s")
            child.process = None
            child.next_start = time.monotonic() + child.pause_s
            child.pause_s = min(child.pause_s * 2, _LONGEST_PAUSE_S)

    def _revive(self, engine: Engine) -> None:
        self._say(engine.name, "has ended; starting it again")
        try:
            engine.ensure()
        except Unavailable as error:
            self._say(engine.name, error.message)

    def _watch_over_us(self) -> None:
        if self._sentry and self._sentry.stdin:
            self._sentry.stdin.close()
        argv = orphans.command("sweep", f"{self.mark}.", str(_SENTRY_GRACE_S), str(self.run_dir / orphans.LEASE))
        self._sentry = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _stop(self) -> None:
        if self.output.isatty():
            self._write("\n")
        self._say("guichet", "stopping")
        self._flush()
        for wave in range(self._wave, -1, -1):
            self._stop_children([child for child in reversed(self._children) if child.wave == wave])
        orphans.sweep(f"{self.mark}.", grace_s=0 if self._signals > 1 else 1)
        if self._sentry and self._sentry.stdin:
            self._sentry.stdin.write(b"all have ended\n")
            self._sentry.stdin.close()
            self._sentry.wait()
        self._selector.close()
        self.release()
        orphans.reap_all()
        self._say("guichet", "stopped")
        self._flush()

    def _stop_children(self, children: list[_Child]) -> None:
        """What stands between two gates is stopped together."""
        began = time.monotonic()
        for child in children:
            if child.process and child.process.poll() is None:
                child.process.terminate()
        for child in children:
            patience_s = child.part.stop_within_s if isinstance(child.part, Member) else _TASK_STOPS_WITHIN_S
            while child.process and child.process.poll() is None:
                if time.monotonic() > began + patience_s or self._signals > 1:
                    child.process.kill()
                    child.process.wait()
                for key, _ in self._selector.select(_STARTING_TICK_S):
                    self._pass_on(key.data)
                self._flush()
            self._drain(child)

    def _drain(self, child: _Child) -> None:
        """Pass on the last words and let go of the pipe."""
        while self._pass_on(child):
            pass
        self._let_go(child)

    def _let_go(self, child: _Child) -> None:
        if child.process and child.process.stdout and not child.process.stdout.closed:
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()

    def _pass_on(self, child: _Child) -> bool:
        """Write what a child has said, line by line under its name; False when there is nothing (more) to read."""
        if child.process is None or child.process.stdout is None or child.process.stdout.closed:
            return False
        try:
            said = os.read(child.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, child.rest = (child.rest + said).split(b"\n")
        if not said:
            lines, child.rest = [child.rest] if child.rest else [], b""
            self._let_go(child)
        for line in lines:
            self._say(child.part.name, line.decode(errors="replace"))
        return bool(said)

    def _say(self, name: str, words: str) -> None:
        label = f"{name:>{max(self._width, 7)}} |"
        if self.output.isatty():
            label = f"\x1b[{_COLOURS[sum(name.encode()) % len(_COLOURS)]}m{label}\x1b[0m"
        for line in words.rstrip().splitlines():
            self._write(f"{label} {_CONTROL.sub('', line)}\n")

    def _write(self, words: str) -> None:
        try:
            self.output.write(words)
        except (OSError, ValueError):  # the terminal has gone; the family goes on, or is about to be told to stop
            self.output = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of our life

    def _flush(self) -> None:
        try:
            self.output.flush()
        except (OSError, ValueError):
            self.output = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of our life


def require_free_ports(host: str, ports: Sequence[int]) -> None:
    """Raises Conflict, in one line that says what to do, when another program listens on one of them."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                advice = f"Choose another: make run PORT={ports[0] + 10}"
                raise Conflict("family.port", f"Port {port} is taken ({error.strerror}). {advice}") from error


def listens(host: str, port: int) -> Callable[[], bool]:
    """A readiness question: does somebody accept connections there?"""

    def ask() -> bool:
        try:
            socket.create_connection((host, port), timeout=2).close()
        except OSError:
            return False
        return True

    return ask


def answers(host: str, port: int, path: str) -> Callable[[], bool]:
    """A readiness question: does this page answer without a server error?"""

    def ask() -> bool:
        connection = HTTPConnection(host, port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return ask


def _how_it_ended(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
