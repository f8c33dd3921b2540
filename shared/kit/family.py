"""The demo's family of processes: engines, twins, web, workers and clock, on one machine with nothing to install.

The composition root decides when; this file knows who belongs to it, in which order, and what they must be told.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.kit import servers
from shared.kit.errors import Invalid, Refused, Unavailable
from shared.kit.settings import PREFIX, Settings, get_settings, read_settings, use_settings
from shared.kit.supervisor import Engine, Family, Gate, Member, Part, Task, answers, listens, require_free_ports

__all__ = ["Engine", "Family", "Member", "Task", "demo_settings", "guichet_family", "settings_here"]

DEFAULT_PORT = 8000
QUEUES = ("now", "money", "news", "soon", "night")
"""The queues that the family's worker works on."""

BEFORE = (("demo", "--seed"),)
"""What `guichet` is told to do before anybody is told the addresses."""

_CODE = Path(__file__).resolve().parents[2]
_NOTE = "demo.json"


def demo_settings(port: int, *, host: str = "127.0.0.1") -> Settings:
    """The settings of a demo on this port; its twins answer on the next port, their mail server on the one after.

    Another port than 8000 is another world, in a directory of its own, unless GUICHET_VAR_DIR names one. Keys and secrets are made
    once and kept there.
    """
    given = _given()
    _refuse_production(given)
    var_dir = given.var_dir
    if "var_dir" not in given.model_fields_set and port != DEFAULT_PORT:
        var_dir /= f"port-{port}"
    var_dir = var_dir.resolve()
    made: dict[str, Any] = {name: make() for name, make in _SECRETS.items()} | _read_note(var_dir)
    made |= {"port": port, "host": host}
    made["public_url"] = given.public_url if "public_url" in given.model_fields_set else None
    made["database_url"] = given.database_url and given.database_url.get_secret_value()
    made["redis_url"] = given.redis_url and given.redis_url.get_secret_value()
    try:
        _write_private(var_dir / _NOTE, json.dumps(made, indent=2))
    except OSError as error:
        raise Unavailable("family.folder", servers.cannot_write(var_dir, error)) from error
    return _settings(var_dir, made)


def _refuse_production(given: Settings) -> None:
    """A shell that holds a production's settings must not open its database with made-up money and open doors."""
    advice = "the demo is not started here: type it in a shell without these settings"
    if "mode" in given.model_fields_set and given.mode == "production":
        raise Refused("family.production", f"{PREFIX}MODE is production: {advice}.")
    if given.uses_live_keys:
        raise Refused("family.production", f"The environment holds live keys: {advice}.")


def last_demo_settings(var_dir: Path) -> Settings | None:
    """The settings of the demo that was last started in this directory; None when there was none."""
    note = _read_note(var_dir.resolve())
    return _settings(var_dir.resolve(), note) if note else None


def settings_here() -> Settings:
    """What the environment says; for a command beside a demo, where it says nothing, what that demo was started with.

    Raises Invalid when neither says enough. A production's environment is never mixed with a demo: one variable besides
    GUICHET_VAR_DIR, and only the environment counts.
    """
    try:
        return get_settings()
    except Invalid as error:
        if not error.message.startswith(f"{PREFIX}SECRET_KEY is missing"):
            raise
        given = _given()
        demo = last_demo_settings(given.var_dir) if given.model_fields_set <= {"secret_key", "var_dir"} else None
        if demo is None:
            advice = "set it (.env.example explains), or start a demo here first (make run)"
            raise Invalid(error.code, f"{error.message}: {advice}") from error
        use_settings(demo)
        return demo


def guichet_family(
    settings: Settings,
    port: int,
    *,
    host: str = "127.0.0.1",
    announce: Callable[[], None] = lambda: None,
    before: Sequence[Sequence[str]] = BEFORE,
    creditor: Sequence[str] = (),
    look: Callable[[str], None] = lambda _url: None,
) -> Family:
    """Everything that a demo consists of, in the order of its start. Raises Conflict when one of its ports is taken.

    `look` sees the database's address before anything else is started, and raises when a demo must not open it.
    `creditor`: what the twins are told of the company that collects, as words of their command line.
    """
    require_free_ports(host, [port, port + 1, port + 2])
    var_dir = settings.var_dir.resolve()
    engines: list[Part] = []
    if settings.database_url:
        look(settings.database_url.get_secret_value())
    else:
        engines.append(
            Engine("postgres", lambda: look(servers.ensure_postgres(var_dir)), lambda: servers.postgres_runs(var_dir))
        )
    if not settings.redis_url:
        engines.append(Engine("valkey", lambda: servers.ensure_valkey(var_dir), lambda: servers.valkey_runs(var_dir)))
    env = environment(settings) | _engine_addresses(settings)
    web = _gunicorn("wsgi:app", host=host, port=port, access_log=var_dir / "log" / "access.log")
    parts: list[Part] = [
        *engines,
        Member("twins", [*_twins(settings, port, host), *creditor], env, ready=listens(_near(host), port + 1)),
        Member("web", web, env, ready=answers(_near(host), port, "/healthz")),
        *(Task(" ".join(words), [*_guichet(), *words], env) for words in before),
        Gate(),  # the first page must not wait for the processor's attention
        Member("worker", [*_guichet(), "worker", *(f"--queue={queue}" for queue in QUEUES)], env),
        Member("clock", [*_guichet(), "clock"], env),
    ]
    return Family(
        parts, run_dir=var_dir / "run", announce=announce, release=lambda: servers.release(var_dir), cwd=_CODE
    )


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that say them: what a child process is told."""
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    return {f"{PREFIX}{name}".upper(): _plain(value) for name, value in given.items() if value is not None}


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _engine_addresses(settings: Settings) -> dict[str, str]:
    addresses = servers.addresses(settings.var_dir)
    given = environment(settings)
    return {
        f"{PREFIX}DATABASE_URL": given.get(f"{PREFIX}DATABASE_URL", addresses.database_url),
        f"{PREFIX}REDIS_URL": given.get(f"{PREFIX}REDIS_URL", addresses.redis_url),
    }


def _guichet() -> list[str]:
    return [sys.executable, str(_CODE / "wsgi.py")]


def _twins(settings: Settings, port: int, host: str) -> list[str]:
    """The twins' command line; what is secret in it stands in a file that it names."""
    words = {name.replace("_", "-"): _plain(getattr(settings, name)) for name in _SECRETS if name != "secret_key"}
    arguments = settings.var_dir / "twins.arguments"
    _write_private(arguments, "".join(f"--{name}={value}\n" for name, value in words.items()))
    ports = ["--host", host, "--port", str(port + 1), "--smtp-port", str(port + 2)]
    where = ["--state-dir", str(settings.var_dir / "twins"), "--app-url", f"http://{_near(host)}:{port}"]
    public = ["--public-url", str(settings.stripe_api_base)]
    return [sys.executable, "-m", "payments.twins", *ports, *where, *public, f"@{arguments}"]


def _gunicorn(app: str, *, host: str, port: int, access_log: Path) -> list[str]:
    access_log.parent.mkdir(parents=True, exist_ok=True)
    flags = ["--config", "python:shared.kit.gunicorn_conf", "--preload", "--bind", f"{host}:{port}"]
    return [sys.executable, "-m", "gunicorn", *flags, "--access-logfile", str(access_log), app]


def _twin_password(prefix: str) -> Callable[[], str]:
    return lambda: prefix + secrets.token_hex(16)


_SECRETS: Mapping[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(48),
    "stripe_api_key": _twin_password("sk_test_"),
    "stripe_webhook_secret": _twin_password("whsec_"),
    "gocardless_access_token": _twin_password("sandbox_"),
    "gocardless_webhook_secret": lambda: secrets.token_urlsafe(30),
}


def _settings(var_dir: Path, note: Mapping[str, Any]) -> Settings:
    port = note["port"]
    public_url = note["public_url"] or f"http://{_near(note['host'])}:{port}"
    twins = f"http://{urlsplit(public_url).hostname}:{port + 1}"
    return Settings(
        mode="demo",
        var_dir=var_dir,
        database_url=note["database_url"],
        redis_url=note["redis_url"],
        secret_key=SecretStr(note["secret_key"]),
        stripe_api_key=SecretStr(note["stripe_api_key"]),
        stripe_webhook_secret=SecretStr(note["stripe_webhook_secret"]),
        gocardless_access_token=SecretStr(note["gocardless_access_token"]),
        gocardless_webhook_secret=SecretStr(note["gocardless_webhook_secret"]),
        public_url=public_url,
        stripe_api_base=twins,
        gocardless_base_url=twins,
        twin_control_url=f"{twins}/_twin/",
        smtp_url=f"smtp://127.0.0.1:{port + 2}",
    )


class _Given(Settings):
    """What the environment says, before it is known whether a production or a demo starts with it."""

    def _fit_for_production(self) -> None:
        """Asked of a production, which this is not: a demo in plain HTTP on another machine is one."""


def _given() -> Settings:
    """What the environment says about where to be; who we are is decided here. Raises Invalid."""
    return read_settings(_Given, secret_key=secrets.token_urlsafe(48))


def _near(host: str) -> str:
    """How this machine itself reaches what listens on `host`."""
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound


def _read_note(var_dir: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads((var_dir / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note


def _write_private(file: Path, text: str) -> None:
    """Readable by its owner only, and never half-written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    fresh.replace(file)
