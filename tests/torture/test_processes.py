"""The demo's real family: any of its processes may be killed, and none is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from shared.kit import orphans, servers
from shared.kit.supervisor import answers
from tests.support.ports import three_free_ports

CODE = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def eventually(question: Callable[[], bool], what: str, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


def birth(pid: int) -> tuple[int, int]:
    """When it was born, in clock ticks since the machine started, and its parent; zeros when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return int(fields[19]), int(fields[1])


class Demo:
    """`guichet demo` as a person would start it, in a directory of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = three_free_ports()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUICHET_")}
        self.process = subprocess.Popen(
            [sys.executable, str(CODE / "wsgi.py"), "demo", "--port", str(self.port)],
            cwd=CODE,
            env=environment | {"GUICHET_VAR_DIR": str(var)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops" in line:
                break
        else:
            pytest.fail(self.said)
        self.is_healthy = answers("127.0.0.1", self.port, "/healthz")
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def processes(self) -> dict[int, str]:
        """Everything that belongs to it, by its environment or by one of its directories."""
        found = {}
        places = {
            str(self.var),
            str(Path(unquote(servers.addresses(self.var).redis_url.removeprefix("unix://"))).parent),
        }
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) not in {os.getpid(), self.process.pid}:
                try:
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    told = (entry / "environ").read_bytes()
                except OSError:
                    continue
                is_ours = f"GUICHET_VAR_DIR={self.var}".encode() in told or any(place in words for place in places)
                if is_ours and orphans.is_alive(int(entry.name), ""):
                    found[int(entry.name)] = words
        return found

    def listen(self) -> None:
        """Take what it says until it ends, so that its pipe never fills: a family that nobody hears stands still."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line

    def end(self) -> None:
        """Ask it to stop, if it runs, and hear its last words."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(90)
        self.listener.join(30)
        if self.process.stdout:
            self.process.stdout.close()

    def oldest_first(self, word: str) -> list[int]:
        """The standing processes that this word names: the first one and its children.

        Theirs come and go (RQ forks a process for each job), so nobody may count on those.
        """
        born = {pid: birth(pid) for pid, words in self.processes().items() if word in words}
        known = sorted((ticks, pid, parent) for pid, (ticks, parent) in born.items() if ticks)
        passing = {pid for _ticks, pid, parent in known if parent in born and parent != known[0][1]}
        return [pid for _ticks, pid, _parent in known if pid not in passing]

    def standing(self, word: str, least: int = 1) -> list[int]:
        """The same, once there are so many: one that another's death took along is on its way back."""
        found: list[int] = []

        def are_there() -> bool:
            found[:] = self.oldest_first(word)
            return len(found) >= least

        eventually(are_there, f"{word} is there")
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "var")
    yield demo
    demo.end()
    eventually(lambda: not demo.processes(), "nothing is left")


MEMBERS = ("payments.twins", "gunicorn", "wsgi.py worker", "wsgi.py clock", "/postgres -D", "valkey-server", "sweep")


def test_any_process_may_be_killed_and_an_interrupt_ends_all(demo):
    for word in MEMBERS:
        usual = len(demo.standing(word))
        for which in (-1, 0) if usual > 1 else (0,):  # a forked one first, then the one that it came from
            victim = demo.standing(word, usual)[which]
            os.kill(victim, signal.SIGKILL)

            eventually(
                lambda word=word, victim=victim, usual=usual: len(set(demo.oldest_first(word)) - {victim}) >= usual,
                f"{word} is back",
            )
            eventually(demo.is_healthy, f"the page answers after {word} was killed")

    demo.process.send_signal(signal.SIGINT)

    eventually(lambda: demo.process.poll() is not None, "it has ended")
    demo.end()
    assert demo.process.returncode == 0
    assert demo.said.rstrip().endswith("stopped")
    assert not demo.processes()


def test_a_killed_supervisor_leaves_nothing_behind_and_its_data_whole(demo):
    first = demo.processes()
    assert len(first) > len(MEMBERS)

    demo.process.kill()
    demo.process.wait(10)

    eventually(lambda: not demo.processes(), "nothing is left")
    again = Demo(demo.var)
    try:
        assert "the world is there" in again.said
    finally:
        again.end()
