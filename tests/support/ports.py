"""Ports for servers that a test starts by number."""

from __future__ import annotations

import socket
from random import SystemRandom

_DICE = SystemRandom()  # not the tests' own: two workers with one seed would ask for the same


def three_free_ports() -> int:
    """The first of three ports in a row that nobody listens on, below those that the kernel lends to outgoing connections."""
    while True:
        port = _DICE.randrange(20_000, 32_000)
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port
