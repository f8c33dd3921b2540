"""The web server's worker, in a real gunicorn: who is slow costs nobody else anything."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shared.kit.heard import LARGEST_BODY, Heard, Progress

APP = """
import threading, time
from shared.kit import aside
from shared.kit.errors import Unavailable

LANE = aside.Lane("slow", at_once=2)
LINE = aside.Line("silent", at_once=2)
GATE = threading.Event()

def app(environ, start_response):
    path = environ["PATH_INFO"]
    try:
        words = {"/wait": wait, "/silent": silent, "/open": let_go}.get(path, plain)(environ)
        status = "200 OK"
    except aside.Engaged as engaged:
        words, status = engaged.code.encode(), "503 Service Unavailable"
    except TimeoutError:
        words, status = b"no answer", "504 Gateway Timeout"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(words)))])
    return [words]

def plain(environ):
    size = int(environ["QUERY_STRING"] or 0)
    return b"x" * size or environ["wsgi.input"].read() or b"hello"

def wait(environ):
    with LANE.aside():
        GATE.wait(30)
    return b"came back"

def let_go(environ):
    GATE.set()
    return b"open"

def silent(environ):
    with LINE.call():
        time.sleep(1.1)
        raise TimeoutError
"""


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    (folder / "slow_app.py").write_text(APP)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        port = listening.getsockname()[1]
        listening.set_inheritable(True)
        where = ["--pythonpath", str(folder), "--bind", f"fd://{listening.fileno()}"]
        words = ["--config", "python:shared.kit.gunicorn_conf", "--workers", "1", *where, *flags, "slow_app:app"]
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *words],
                pass_fds=[listening.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
    try:
        assert ask(port, "/") == (200, b"hello")
        yield port, server
    finally:
        server.terminate()
        assert server.wait(40) == 0, (folder / "server.log").read_text()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with serving(tmp_path) as (number, _server):
        yield number


def connected(port: int, said: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=40)
    connection.sendall(said)
    return connection


def answer(connection: socket.socket) -> tuple[int, bytes]:
    said = b""
    while piece := connection.recv(65536):
        said += piece
    head, _blank, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def ask(port: int, path: str, body: bytes = b"", *headers: bytes) -> tuple[int, bytes]:
    lines = [b"%b %b HTTP/1.1" % (b"POST" if body else b"GET", path.encode()), b"Host: x", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    with connected(port, b"\r\n".join([*lines, b"", body])) as connection:
        return answer(connection)


def test_half_open_connections_and_slow_bodies_keep_nobody_waiting(port):
    with ExitStack() as stack:
        for said in (
            [b""] * 8
            + [b"GET / HTTP/1.1\r\nHost:"] * 8
            + [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"] * 8
        ):
            last = stack.enter_context(connected(port, said))
        for _ in range(5):
            assert ask(port, "/") == (200, b"hello")
        last.sendall(b"defghi")
        assert answer(last) == (200, b"abcdefghi")


def test_who_waits_for_somebody_outside_lets_others_come_forward(port):
    with connected(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n") as one, connected(port) as two:
        two.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ask(port, "/") == (200, b"hello")
        assert ask(port, "/wait") == (503, b"lane.full")
        assert ask(port, "/open") == (200, b"open")
        assert answer(one) == answer(two) == (200, b"came back")


def test_nobody_calls_who_has_been_silent_twice(port):
    assert [ask(port, "/silent")[0] for _ in range(2)] == [504, 504]
    assert ask(port, "/silent") == (503, b"line.silent")


def test_a_body_in_chunks_a_nod_and_a_large_answer(port):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    with connected(port, head) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for piece in (b"3\r\nab", b"c\r\n2", b"\r\nde\r\n", b"0\r\nX-Sum: 1\r\n", b"\r\n"):
            connection.sendall(piece)
        assert answer(connection) == (200, b"abcde")
    status, body = ask(port, "/?5000000")
    assert (status, len(body)) == (200, 5_000_000)


def test_who_takes_a_large_answer_slowly_keeps_nobody_waiting(port):
    with connected(port, b"GET /?20000000 HTTP/1.1\r\nHost: x\r\n\r\n") as slow:
        slow.recv(1000)
        assert ask(port, "/") == (200, b"hello")
        rest = 1000
        while piece := slow.recv(1_000_000):
            rest += len(piece)
        assert rest > 20_000_000


def test_a_body_that_is_announced_too_large_is_answered_before_it_comes(port):
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nabc" % (LARGEST_BODY + 1)
    with connected(port, head) as connection:
        assert answer(connection)[0] == 200  # the application decides: this one reads what is there


def test_what_is_no_request_is_refused_and_the_next_one_served(port):
    with connected(port, b"\x16\x03\x01 hello\r\n\r\n") as connection:
        assert answer(connection)[0] == 400
    with connected(port, b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000) as connection:
        assert answer(connection)[0] == 431
    assert ask(port, "/") == (200, b"hello")


def test_who_is_being_served_is_served_to_the_end_and_a_killed_worker_is_started_again(tmp_path):
    with serving(tmp_path) as (port, server):
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        subprocess.run(["kill", "-9", children.read_text().split()[0]], check=True)
        assert ask(port, "/") == (200, b"hello")
        with connected(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na") as half:
            assert ask(port, "/") == (200, b"hello")
            server.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            half.sendall(b"b")
            assert answer(half) == (200, b"ab")


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_a_request_is_whole_with_its_last_byte_however_it_comes(step):
    for said in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length : 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n0\r\nX: 1\r\n\r\n",
    ):
        heard = Heard(10)
        pieces = [said[at : at + step] for at in range(0, len(said), step)]
        states = [heard.add(piece) for piece in pieces]
        assert states[-1] is Progress.WHOLE
        assert set(states[:-1]) <= {Progress.GOES_ON}
        assert heard.read(1000) == said
        heard.close()
