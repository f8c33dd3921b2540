"""Sixteen visitors at once on a Unix socket, and gunicorn to serve them."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONNECTIONS = 16
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visitor asks with, and a word that the right page must hold."""

    cookie: str
    word: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """What so many requests took: wall time, each request's time, the workers' processor time."""

    seconds: float
    times: Sequence[float]
    cpu_seconds: float
    bytes_each: int


class Server:
    """Gunicorn with two synchronous workers on a Unix socket."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], socket_path: Path) -> None:
        self.path = str(socket_path)
        self._log = socket_path.with_suffix(".log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--bind", f"unix:{socket_path}", "--workers", "2", *argv],
                cwd=REPOSITORY,
                env=os.environ | dict(env),
                stdout=log,
                stderr=log,
            )

    def wait(self, within_s: float = 60) -> None:
        """Until it answers."""
        deadline = time.monotonic() + within_s
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as knock:
                try:
                    knock.connect(self.path)
                except OSError:
                    time.sleep(0.05)
                else:
                    return
        raise RuntimeError(f"gunicorn did not start:\n{self._log.read_text()}")

    def cpu_seconds(self) -> float:
        """What its workers have computed so far."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        total = 0
        for child in children:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def said(self) -> str:
        return self._log.read_text()


@contextmanager
def serving(argv: Sequence[str], env: Mapping[str, str], socket_path: Path) -> Iterator[Server]:
    """A server for a while."""
    server = Server(argv, env, socket_path)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def visit(server: Server, visits: Sequence[Visit], count: int, seed: int, connections: int = CONNECTIONS) -> Round:
    """Ask `count` times for the page at `/`, each time as another visitor; raises when a page is not the right one."""
    chosen = random.Random(seed).choices(visits, k=count)
    before = server.cpu_seconds()
    began = time.perf_counter()
    times, size = asyncio.run(_all(server.path, chosen, connections))
    taken = time.perf_counter() - began
    return Round(taken, times, server.cpu_seconds() - before, size // count)


async def _all(path: str, visits: Sequence[Visit], connections: int) -> tuple[list[float], int]:
    waiting = iter(visits)
    times: list[float] = []
    sizes: list[int] = []

    async def visitor() -> None:
        for each in waiting:
            began = time.perf_counter()
            answer = await _ask(path, each.cookie)
            times.append(time.perf_counter() - began)
            sizes.append(len(answer))
            if not answer.startswith(b"HTTP/1.1 200") or each.word not in answer:
                raise RuntimeError(f"not the page of {each.word!r}: {answer[:600]!r}")

    await asyncio.gather(*(visitor() for _ in range(connections)))
    return times, sum(sizes)


async def _ask(path: str, cookie: str) -> bytes:
    # Synchronous workers close after each answer: a visitor connects anew, as a reverse proxy's connection would.
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, path)
        await loop.sock_sendall(
            connection,
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nAccept-Language: fr\r\n"
            b"User-Agent: bench\r\nCookie: " + cookie.encode() + b"\r\nConnection: close\r\n\r\n",
        )
        parts = []
        while part := await loop.sock_recv(connection, 65536):
            parts.append(part)
        return b"".join(parts)


def ask(server: Server, cookie: str) -> str:
    """The page of one visitor, headers included."""
    return asyncio.run(_ask(server.path, cookie)).decode()


def first_cookie(server: Server, cookie: str) -> str:
    """The cookie that a browser holds after its first page (it then carries the token of forms as well)."""
    answer = asyncio.run(_ask(server.path, cookie)).decode("utf-8", "replace")
    head = answer.partition("\r\n\r\n")[0]
    for line in head.split("\r\n"):
        name, _colon, value = line.partition(":")
        if name.lower() == "set-cookie":
            return value.strip().partition(";")[0]
    return cookie
