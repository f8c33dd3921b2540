"""The embedded servers, with real processes and real kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from redis import Redis

from shared.kit import orphans, servers
from shared.kit.errors import Unavailable
from shared.kit.settings import Settings

HOLDER = """
import sys
from pathlib import Path
from shared.kit import servers
print(servers.ensure_postgres(Path(sys.argv[1])), servers.ensure_valkey(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    servers.release(tmp_path)
    servers.stop_valkey(tmp_path)
    servers.stop_postgres(tmp_path)


def sockets(var: Path) -> Path:
    """Beside the data, or elsewhere when this run's folder has too long a name for a socket."""
    return servers._Place.of(var).sockets


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def eventually(question: Callable[[], bool], within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def hold(var: Path) -> subprocess.Popen[str]:
    """Another process that uses the servers of this directory."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(var)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert "postgresql" in holder.stdout.readline()
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.communicate(timeout=20)


def test_the_application_is_no_superuser_and_owns_its_database_and_knows_accents(var):
    with connect(servers.ensure_postgres(var)) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolcreatedb, pg_get_userbyid(datdba), lower('ÉTÉ'), current_setting('fsync')"
            " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE EXTENSION pg_trgm")

    assert row == ("guichet", False, False, "guichet", "été", "on")


def test_only_its_own_user_may_enter_the_folder_of_the_sockets(var):
    servers.ensure_valkey(var)

    assert sockets(var).stat().st_mode & 0o077 == 0


def test_a_second_call_attaches_to_the_server_that_runs(var):
    url = servers.ensure_postgres(var)
    first = orphans.postmaster(var / "postgres")

    assert servers.ensure_postgres(var) == url
    assert orphans.postmaster(var / "postgres") == first


def test_a_killed_server_comes_back_with_what_was_committed(var):
    url = servers.ensure_postgres(var)
    with connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(orphans.postmaster(var / "postgres"), signal.SIGKILL)

    servers.ensure_postgres(var)

    with connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_servers_stop_when_their_only_user_is_killed(var):
    holder = hold(var)
    assert servers.postgres_runs(var)
    assert servers.valkey_runs(var)

    holder.kill()
    end(holder)

    eventually(lambda: not servers.postgres_runs(var) and not servers.valkey_runs(var))


def test_the_servers_outlive_one_user_for_the_sake_of_another(var):
    first, second = hold(var), hold(var)
    postmaster = orphans.postmaster(var / "postgres")

    end(first)
    assert orphans.postmaster(var / "postgres") == postmaster

    end(second)
    assert not servers.postgres_runs(var)
    assert not servers.valkey_runs(var)


def test_whoever_comes_while_the_servers_are_being_stopped_finds_them_running(var):
    for _ in range(3):
        holder = hold(var)
        holder.kill()
        end(holder)

        with connect(servers.ensure_postgres(var)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        servers.release(var)
        assert not servers.postgres_runs(var)


def test_many_who_start_at_once_share_one_server(var):
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(var)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]

    said = {holder.stdout.readline() for holder in holders if holder.stdout}
    for holder in holders:
        end(holder)

    assert len(said) == 1
    assert "postgresql" in said.pop()


def test_a_deep_directory_with_odd_letters_works(tmp_path):
    deep = tmp_path / ("d" * 60) / ("l'été à « Guichet » 100%" + "x" * 40)
    deep.mkdir(parents=True)
    try:
        with connect(servers.ensure_postgres(deep)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert Redis.from_url(servers.ensure_valkey(deep)).ping()
    finally:
        servers.release(deep)


def test_a_directory_with_a_space_and_an_accent_works(tmp_path):
    odd = tmp_path / "l'été 100%"
    odd.mkdir()
    try:
        with connect(servers.ensure_postgres(odd)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert Redis.from_url(servers.ensure_valkey(odd)).ping()
    finally:
        servers.release(odd)


def test_a_process_number_that_belongs_to_somebody_else_by_now_is_no_obstacle(var):
    servers.ensure_postgres(var)
    note = (var / "postgres" / "postmaster.pid").read_text().splitlines()
    servers.release(var)
    (var / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *note[1:]]) + "\n")

    with connect(servers.ensure_postgres(var)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_first_start_that_was_interrupted_is_made_again(var):
    (var / "postgres.new").mkdir()
    (var / "postgres.new" / "PG_VERSION").write_text("18\n")

    with connect(servers.ensure_postgres(var)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_of_another_major_version_is_refused_with_a_way_out(var):
    (var / "postgres").mkdir()
    (var / "postgres" / "PG_VERSION").write_text("17\n")

    with pytest.raises(Unavailable, match=r"PostgreSQL 17 .* docs/operations/upgrading"):
        servers.ensure_postgres(var)


def test_a_folder_that_is_open_to_others_is_refused(var):
    folder = sockets(var)
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(Unavailable, match="open to others"):
        servers.ensure_valkey(var)


def test_a_killed_valkey_is_started_again_over_its_dead_socket(var):
    queue = Redis.from_url(servers.ensure_valkey(var))
    queue.set("word", "gone")
    os.kill(orphans.valkey(sockets(var) / "valkey.pid"), signal.SIGKILL)

    again = Redis.from_url(servers.ensure_valkey(var))

    assert again.get("word") is None
    queue.close()
    again.close()


def test_addresses_that_are_given_start_nothing(tmp_path):
    settings = Settings(
        mode="test",
        secret_key=SecretStr("x" * 32),
        var_dir=tmp_path,
        database_url=SecretStr("postgresql://db.example/guichet"),
        redis_url=SecretStr("redis://queue.example/1"),
    )

    assert servers.resolve(settings) == ("postgresql+psycopg://db.example/guichet", "redis://queue.example/1")
    assert list(tmp_path.iterdir()) == []


def test_the_servers_of_the_tests_let_their_role_make_databases():
    with connect(servers.ensure_test_postgres()) as connection:
        row = connection.execute("SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert row == (True, False)
