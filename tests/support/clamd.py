"""A small clamd on a real socket: it speaks PING and INSTREAM, finds EICAR, and can be told to misbehave."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """Listens on `place`; `mood` is one of "honest", "full", "silent", "cut", "odd"."""

    def __init__(self, listener: socket.socket, place: str, largest: int = 20_000_000) -> None:
        self.listener, self.place, self.largest = listener, place, largest
        self.mood = "honest"
        self.scanned: list[bytes] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _address = self.listener.accept()
            except OSError:
                return
            with line:
                line.settimeout(10)
                self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        if self.mood == "cut":
            return
        command = self._until_nul(line)
        if command != b"zINSTREAM":
            line.sendall(b"UNKNOWN COMMAND\0")
            return
        content = self._content(line)
        self.scanned.append(content)
        said = {
            "honest": b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0",
            "full": b"INSTREAM size limit exceeded. ERROR\0",
            "odd": b"stream: hmm\0",
            "silent": b"",
        }[self.mood]
        line.sendall(said)

    def _content(self, line: socket.socket) -> bytes:
        made = b""
        while size := struct.unpack(">I", self._exactly(line, 4))[0]:
            made += self._exactly(line, size)
            if len(made) > self.largest:
                self.mood = "full"
                break
        return made

    @staticmethod
    def _exactly(line: socket.socket, size: int) -> bytes:
        made = b""
        while len(made) < size:
            made += line.recv(size - len(made))
        return made

    @staticmethod
    def _until_nul(line: socket.socket) -> bytes:
        made = b""
        while not made.endswith(b"\0"):
            made += line.recv(1)
        return made[:-1]


@contextmanager
def listening(path: Path | None = None) -> Iterator[Clamd]:
    """A clamd on a port of its own, or on a socket at `path`."""
    if path is not None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        place = str(path)
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    clamd = Clamd(listener, place)
    try:
        yield clamd
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        clamd.thread.join(5)
