"""What the demo's processes are told, and in which order they come."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.kit import servers
from shared.kit import settings as settings_module
from shared.kit.errors import Conflict, Invalid, Refused, Unavailable
from shared.kit.family import demo_settings, environment, guichet_family, settings_here
from shared.kit.settings import Settings
from shared.kit.supervisor import Engine, Member, Task
from tests.support.ports import three_free_ports


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("GUICHET_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GUICHET_VAR_DIR", str(tmp_path))
    monkeypatch.setattr(settings_module, "_override", [])
    settings_module._from_environment.cache_clear()
    yield tmp_path
    settings_module._from_environment.cache_clear()


@pytest.fixture
def port() -> int:
    return three_free_ports()


def test_secrets_are_made_once_and_readable_by_their_owner_only(var):
    first, second = demo_settings(8000), demo_settings(8000)

    assert first == second
    assert first.gocardless_webhook_secret
    assert (var / "demo.json").stat().st_mode & 0o077 == 0


def test_two_demos_share_no_secret(var, monkeypatch, tmp_path_factory):
    first = demo_settings(8000)
    monkeypatch.setenv("GUICHET_VAR_DIR", str(tmp_path_factory.mktemp("other")))
    second = demo_settings(8000)

    assert first.secret_key != second.secret_key
    assert first.stripe_webhook_secret != second.stripe_webhook_secret


def test_another_port_of_the_same_clone_is_another_world(var, monkeypatch):
    monkeypatch.delenv("GUICHET_VAR_DIR")
    monkeypatch.chdir(var)

    assert demo_settings(8000).var_dir == var / "var"
    assert demo_settings(8010).var_dir == var / "var" / "port-8010"


def test_the_twins_answer_beside_the_app(var):
    settings = demo_settings(8100)

    assert settings.public_url == "http://127.0.0.1:8100"
    assert settings.stripe_api_base == "http://127.0.0.1:8101"
    assert settings.gocardless_base_url == "http://127.0.0.1:8101"
    assert settings.smtp_url == "smtp://127.0.0.1:8102"


def test_a_demo_for_another_machine_names_its_twins_by_the_same_host(var, monkeypatch):
    monkeypatch.setenv("GUICHET_PUBLIC_URL", "http://demo.example:8100")

    settings = demo_settings(8100, host="0.0.0.0")  # noqa: S104 - what a person would ask for

    assert settings.public_url == "http://demo.example:8100"
    assert settings.twin_control_url == "http://demo.example:8101/_twin/"


def test_a_command_beside_the_demo_finds_its_settings(var):
    with pytest.raises(Invalid, match="SECRET_KEY is missing"):
        settings_here()

    settings = demo_settings(8100)

    assert settings_here() == settings


def test_a_command_beside_a_demo_with_engines_of_its_own_finds_those_too(var, monkeypatch):
    monkeypatch.setenv("GUICHET_DATABASE_URL", "postgresql://db.example/guichet")
    settings = demo_settings(8100)
    monkeypatch.delenv("GUICHET_DATABASE_URL")

    assert settings_here() == settings


def test_a_key_that_is_too_short_is_said_and_not_passed_over(var, monkeypatch):
    demo_settings(8100)
    monkeypatch.setenv("GUICHET_SECRET_KEY", "short")

    with pytest.raises(Invalid, match="at least 32"):
        settings_here()


@pytest.mark.parametrize(
    ("name", "value"),
    [("GUICHET_DATABASE_URL", "postgresql://live.example/guichet"), ("GUICHET_MODE", "production")],
)
def test_a_production_that_lacks_a_setting_is_never_taken_for_a_demo(var, monkeypatch, name, value):
    demo_settings(8100)
    monkeypatch.setenv(name, value)

    with pytest.raises(Invalid, match="SECRET_KEY is missing"):
        settings_here()


def test_a_child_reads_the_same_settings_from_its_environment(var):
    settings = demo_settings(8100)
    script = (
        "import json; from shared.kit.settings import get_settings; from shared.kit.family import environment;"
        "print(json.dumps(environment(get_settings())))"
    )

    said = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)} | environment(settings),
    ).stdout

    assert json.loads(said) == environment(settings)


def test_the_family_has_engines_of_its_own_unless_addresses_are_given(var, port, monkeypatch):
    own = guichet_family(demo_settings(port), port)
    monkeypatch.setenv("GUICHET_DATABASE_URL", "postgresql://db.example/guichet")
    monkeypatch.setenv("GUICHET_REDIS_URL", "redis://queue.example/1")
    outside = guichet_family(demo_settings(port), port)

    assert [part.name for part in own.parts if isinstance(part, Engine)] == ["postgres", "valkey"]
    assert not [part for part in outside.parts if isinstance(part, Engine)]
    (web,) = [part for part in outside.parts if part.name == "web"]
    assert web.env["GUICHET_DATABASE_URL"] == "postgresql+psycopg://db.example/guichet"
    assert web.env["GUICHET_REDIS_URL"] == "redis://queue.example/1"


def test_children_are_told_where_the_embedded_engines_answer(var, port):
    family = guichet_family(demo_settings(port), port)

    (clock,) = [part for part in family.parts if part.name == "clock"]

    assert clock.env["GUICHET_DATABASE_URL"] == servers.addresses(var).database_url
    assert clock.env["GUICHET_REDIS_URL"] == servers.addresses(var).redis_url


def test_no_secret_stands_in_a_command_line(var, port):
    settings = demo_settings(port)
    family = guichet_family(settings, port)
    secrets = [
        value.get_secret_value()
        for value in (getattr(settings, name) for name in Settings.model_fields)
        if isinstance(value, SecretStr)
    ]

    words = [word for part in family.parts if isinstance(part, Member | Task) for word in part.argv]

    assert len(secrets) == 5
    assert not [word for word in words if any(secret in word for secret in secrets)]


def test_a_port_that_the_twins_need_is_checked_before_anything_starts(var, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(Conflict, match=r"Port \d+ is taken"):
            guichet_family(demo_settings(taken - 1), taken - 1)


@pytest.mark.parametrize(
    ("name", "value"), [("MODE", "production"), ("GOCARDLESS_ACCESS_TOKEN", "live_x"), ("STRIPE_API_KEY", "sk_live_x")]
)
def test_a_shell_that_holds_a_productions_settings_starts_no_demo(var, monkeypatch, name, value):
    monkeypatch.setenv("GUICHET_GOCARDLESS_WEBHOOK_SECRET", "x")
    monkeypatch.setenv("GUICHET_STRIPE_WEBHOOK_SECRET", "x")
    monkeypatch.setenv(f"GUICHET_{name}", value)

    with pytest.raises(Refused, match=r"MODE is production|live keys"):
        demo_settings(8000)
    assert not (var / "demo.json").exists()


def test_a_shell_that_names_a_file_with_a_live_key_starts_no_demo(var, monkeypatch, tmp_path):
    (tmp_path / "key").write_text("sk_live_x\n")
    monkeypatch.setenv("GUICHET_STRIPE_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("GUICHET_STRIPE_WEBHOOK_SECRET", "x")

    with pytest.raises(Refused, match="live keys"):
        demo_settings(8000)
    assert not (var / "demo.json").exists()


def test_an_odd_variable_is_said_in_one_sentence(var, monkeypatch):
    monkeypatch.setenv("GUICHET_PUBLIC_URL", "demo.example")

    with pytest.raises(Invalid, match=r"^GUICHET_PUBLIC_URL must begin with http:// or https://$"):
        demo_settings(8000)


def test_a_database_is_looked_at_before_anything_else_is_started(var, port, monkeypatch):
    monkeypatch.setenv("GUICHET_DATABASE_URL", "postgresql://somebody@127.0.0.1:1/ours")
    seen = []

    def look(url: str) -> None:
        seen.append(url)
        raise Refused("demo.foreign", "not ours")

    with pytest.raises(Refused):
        guichet_family(demo_settings(port), port, look=look)
    assert seen == ["postgresql+psycopg://somebody@127.0.0.1:1/ours"]


def test_a_folder_that_takes_nothing_is_said_in_one_sentence(var, monkeypatch):
    (var / "file").write_text("x")
    monkeypatch.setenv("GUICHET_VAR_DIR", str(var / "file"))
    with pytest.raises(Unavailable, match=r"cannot be written to \(.*\): make it writable, or name another one"):
        demo_settings(8000)


def test_a_user_without_a_name_is_told_what_to_do(var, monkeypatch):
    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("shared.kit.servers.pwd.getpwuid", nobody)
    with pytest.raises(Unavailable, match="has no name on this machine"):
        servers.ensure_valkey(var / "v")


def test_a_taken_port_is_said_before_anything_is_installed(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        script = Path(__file__).resolve().parents[3] / "tools" / "require_ports"
        done = subprocess.run([script, "127.0.0.1", str(port)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port + 1} is taken" in done.stderr


def test_sockets_never_lie_in_a_path_with_a_space(tmp_path):
    for name in ("un dossier", "a=b", "x?y", "100%"):
        assert " " not in servers.addresses(tmp_path / name).redis_url.replace("%20", " ")
        assert str(tmp_path) not in servers.addresses(tmp_path / name).redis_url
