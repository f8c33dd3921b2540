"""The web server's settings, in a real web server."""

import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
TOKEN = "q3Z0Vw7dT1mUe5kXyR8sA2bC4nF6gH9jK-_LpOiUyTr"


@pytest.fixture
def address(tmp_path: Path):
    (tmp_path / "tiny.py").write_text(APP)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        listening.set_inheritable(True)
        flags = ["--config", "python:shared.kit.gunicorn_conf", "--bind", f"fd://{listening.fileno()}"]
        where = ["--pythonpath", str(tmp_path), "--access-logfile", str(tmp_path / "access.log")]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *flags, *where, "tiny:app"],
            pass_fds=[listening.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    yield port
    server.terminate()
    assert server.wait(20) == 0


def test_the_access_log_holds_nothing_that_opens_a_door(address, tmp_path):
    connection = HTTPConnection("127.0.0.1", address, timeout=20)
    connection.request("GET", f"/l/{TOKEN}?code=12345678", headers={"Referer": f"https://x.example/l/{TOKEN}"})
    assert connection.getresponse().status == 200
    connection.close()

    log = tmp_path / "access.log"
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    said = log.read_text()

    assert '"GET /l/…" 200 5' in said
    assert TOKEN not in said
    assert "12345678" not in said
