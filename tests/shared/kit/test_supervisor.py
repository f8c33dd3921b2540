"""The family of processes, with real processes and real signals."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.kit import orphans
from shared.kit.errors import Conflict
from shared.kit.supervisor import require_free_ports

FAMILY = """
import sys
from pathlib import Path
from shared.kit.supervisor import Family, Gate, Member, Task

folder = Path(sys.argv[1])
leaf = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"
trunk = (
    "import os, pathlib, subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', sys.argv[3], sys.argv[2]], process_group=0);"
    "pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); print('trunk is up'); time.sleep(600)"
)
deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + leaf


def words(code, name, *more):
    return [sys.executable, "-c", code, str(folder / name), *more]


parts = [
    Task("prepare", [sys.executable, "-c", "print('prepared')"]),
    Member("first", words(leaf, "first"), ready=(folder / "first").exists),
    Member("trunk", words(trunk, "trunk", str(folder / "leaf"), leaf), ready=(folder / "leaf").exists),
    Gate(),
    *(eval(sys.argv[2]) if len(sys.argv) > 2 else []),
]
sys.exit(Family(parts, run_dir=folder / "run", announce=lambda: print("all are ready")).run())
"""


class Run:
    """A family in a process of its own."""

    def __init__(self, folder: Path, more: str = "[]") -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", FAMILY, str(folder), more],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, words: str) -> None:
        assert self.process.stdout
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line

    def pid(self, name: str) -> int:
        eventually(lambda: (self.folder / name).exists() and (self.folder / name).read_text() != "")
        return int((self.folder / name).read_text())

    def end(self) -> int:
        assert self.process.stdout
        self.said += self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(more: str = "[]") -> Run:
        runs.append(Run(tmp_path, more))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
            run.end()


def is_running(pid: int) -> bool:
    return orphans.is_alive(pid, "")


def eventually(question: Callable[[], bool], within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_ends_well(start, number):
    run = start()
    run.until("all are ready")
    pids = [run.pid(name) for name in ("first", "trunk", "leaf")]

    run.process.send_signal(number)

    assert run.end() == 0
    assert "prepare | prepared" in run.said
    assert "trunk | trunk is up" in run.said
    assert not [pid for pid in pids if is_running(pid)]


def test_a_killed_supervisor_leaves_nothing_behind(start):
    run = start("[Member('deaf', words(deaf, 'deaf'), ready=(folder / 'deaf').exists)]")
    run.until("all are ready")
    pids = [run.pid(name) for name in ("first", "trunk", "leaf", "deaf")]

    run.process.kill()
    run.end()

    eventually(lambda: not any(is_running(pid) for pid in pids))


def test_a_killed_member_is_started_again_and_its_own_children_go_with_it(start):
    run = start()
    run.until("all are ready")
    trunk, leaf, first = run.pid("trunk"), run.pid("leaf"), run.pid("first")
    (run.folder / "trunk").unlink()

    os.kill(trunk, signal.SIGKILL)
    run.until("was killed by SIGKILL; starting it again")

    assert run.pid("trunk") != trunk
    assert not is_running(leaf)
    assert run.pid("first") == first
    assert is_running(first)


def test_a_member_that_does_not_listen_is_killed_in_the_end(start):
    run = start("[Member('deaf', words(deaf, 'deaf'), ready=(folder / 'deaf').exists, stop_within_s=0.2)]")
    run.until("all are ready")
    deaf = run.pid("deaf")

    run.process.terminate()

    assert run.end() == 0
    assert not is_running(deaf)


def test_a_second_interrupt_does_not_wait_for_anybody(start):
    run = start("[Member('deaf', words(deaf, 'deaf'), ready=(folder / 'deaf').exists, stop_within_s=600)]")
    run.until("all are ready")
    deaf = run.pid("deaf")

    run.process.send_signal(signal.SIGINT)
    run.until("stopping")
    run.process.send_signal(signal.SIGINT)

    assert run.end() == 0
    assert not is_running(deaf)


def test_a_task_that_fails_ends_the_family_and_says_why(start):
    run = start("[Task('migrate', [sys.executable, '-c', 'import sys; print(\"no such table\"); sys.exit(3)'])]")

    assert run.end() == 1
    assert "migrate | no such table" in run.said
    assert "migrate ended with status 3" in run.said
    assert not is_running(run.pid("first"))


def test_a_member_that_never_gets_ready_ends_the_family(start):
    run = start("[Member('slow', words(leaf, 'slow'), ready=lambda: False, ready_within_s=0.3)]")

    assert run.end() == 1
    assert "slow is not ready after 0 s" in run.said
    assert not is_running(run.pid("slow"))


def test_a_member_that_cannot_even_start_is_not_waited_for(start):
    code = "print('no such module'); raise SystemExit(3)"
    run = start(f"[Member('broken', [sys.executable, '-c', {code!r}], ready=lambda: False)]")

    assert run.end() == 1
    assert run.said.count("broken | no such module") == 3
    assert "broken cannot start" in run.said


def test_an_interrupt_in_the_middle_of_a_task_stops_it_too(start):
    run = start("[Task('long', words(leaf, 'long'))]")
    long = run.pid("long")

    run.process.send_signal(signal.SIGINT)

    assert run.end() == 0
    assert "all are ready" not in run.said
    assert not is_running(long)


def test_a_program_that_is_missing_is_named(start):
    run = start("[Task('prepare2', [str(folder / 'nowhere')])]")

    assert run.end() == 1
    assert "nowhere: No such file or directory" in run.said


def test_a_second_family_in_the_same_place_is_refused(start):
    run = start()
    run.until("all are ready")

    second = start()

    assert second.end() == 1
    assert "already runs" in second.said
    assert is_running(run.pid("first"))


def test_a_killed_sentry_is_replaced(start):
    run = start()
    run.until("all are ready")
    first = run.pid("first")
    sentries = [pid for pid in children(run.process.pid) if orphans.is_alive(pid, "sweep")]
    os.kill(sentries[0], signal.SIGKILL)
    eventually(lambda: any(orphans.is_alive(pid, "sweep") for pid in children(run.process.pid) if pid != sentries[0]))

    run.process.kill()
    run.end()

    eventually(lambda: not is_running(first))


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_taken_port_is_refused_with_advice():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Conflict, match=rf"Port {port} is taken .* make run PORT="):
            require_free_ports("127.0.0.1", [port])
