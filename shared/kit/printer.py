"""Papers for people who wait, made in a process beside the web's: a page must not share its interpreter with a paper.

Importing WeasyPrint takes a second, so the process stays for the next paper; it ends by itself when none comes, and with its
parent. Who asks is alone with it (`kit.pdf.LANE`).
"""

from __future__ import annotations

import atexit
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
IDLE_S = 300.0
_HEAD = struct.Struct(">BI")
_GOOD = 0


class PrinterFailed(Exception):  # noqa: N818 - it says what happened
    """The process ended or took too long; the next paper gets another one."""


class Refusal(Exception):  # noqa: N818 - it is an answer
    """The printer's answer is no: `name` is the kind of error, `words` what it said."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name, self.words = name, words


class Printer:
    """One process and its two pipes."""

    def __init__(self, program: str) -> None:
        """`program`: what Python is told to run in it."""
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def make(self, job: bytes, *, within_s: float) -> bytes:
        """The paper of a job. Raises Refusal, or PrinterFailed."""
        process = self._running()
        try:
            answer = _speak(process, job, time.monotonic() + within_s)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise PrinterFailed(type(error).__name__) from error
        kind, body = answer
        if kind != _GOOD:
            name, _zero, words = body.decode(errors="replace").partition("\0")
            raise Refusal(name, words)
        return body

    def close(self) -> None:
        if self._process is not None and self._pid == os.getpid():
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process.wait()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._pid != os.getpid():  # a fork has its own
            self._process = None
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._pid = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._program],
                cwd=ROOT,
                env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
            if self._process.stdin:
                os.set_blocking(self._process.stdin.fileno(), False)
            atexit.register(self.close)
        return self._process


def _speak(process: subprocess.Popen[bytes], job: bytes, deadline: float) -> tuple[int, bytes]:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    _write(process.stdin.fileno(), _HEAD.pack(_GOOD, len(job)) + job, deadline)
    kind, length = _HEAD.unpack(_read(process.stdout.fileno(), _HEAD.size, deadline))
    return kind, _read(process.stdout.fileno(), length, deadline)


def _write(pipe: int, said: bytes, deadline: float) -> None:
    left = memoryview(said)
    while left:
        if not select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]:
            raise TimeoutError
        left = left[os.write(pipe, left) :]


def _read(pipe: int, size: int, deadline: float) -> bytes:
    said = bytearray()
    while len(said) < size:
        if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        piece = os.read(pipe, min(size - len(said), 1 << 20))
        if not piece:
            raise EOFError
        said += piece
    return bytes(said)


def serve(make: Callable[[bytes], bytes]) -> None:
    """The printer's life: job after job, until none comes for a while or its parent has gone."""
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([jobs], [], [], IDLE_S)[0]:
        head = _exactly(jobs, _HEAD.size)
        if not head:
            return
        try:
            kind, body = _GOOD, make(_exactly(jobs, _HEAD.unpack(head)[1]))
        except Exception as error:  # noqa: BLE001 - it is told to who asked
            kind, body = 1, f"{type(error).__name__}\0{error}".encode(errors="replace")
        answers.write(_HEAD.pack(kind, len(body)) + body)
        answers.flush()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    said = stream.read(size)
    return said if len(said) == size else b""
