"""Typed settings: the only reader of the environment, read once, and it refuses to start on anything odd.

Every variable is named `GUICHET_…`; a secret may come from a file named by `GUICHET_…_FILE`. What staff may change
while the program runs (wording, terms, limits) is not a setting but a row.
"""

import os
import re
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kit import addresses
from shared.kit.errors import Invalid

PREFIX = "GUICHET_"
MINIMUM_SECRET_LENGTH = 32
FEWEST_CHARACTERS = 10
"""Different characters of a secret key: 32 random hexadecimal digits have fewer once in ten thousand times."""
SHORTEST_WEBHOOK_SECRET = 16


class Settings(BaseSettings):
    """Everything that differs between one installation and another."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_file=None)

    mode: Literal["demo", "production", "test"] = "production"
    """`demo` runs against the twins with a virtual clock; `production` refuses both; `test` is for the suite."""

    database_url: SecretStr | None = None
    """PostgreSQL address (`postgresql://…`); unset means the embedded server."""

    redis_url: SecretStr | None = None
    """Redis or Valkey address (`redis://…`, `unix://…`); unset means the embedded server."""

    var_dir: Path = Path("var")
    """Where files, embedded servers and the twins keep their state."""

    secret_key: SecretStr
    """Signs cookies and forms; at least 32 characters."""

    public_url: str = "http://127.0.0.1:8000"
    """The address that debtors see, without a slash at the end."""

    proxy_hops: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies of ours add X-Forwarded-For; 0 trusts none."""

    stripe_api_key: SecretStr | None = None
    stripe_api_base: str | None = None
    stripe_webhook_secret: SecretStr | None = None
    """One secret, or two with a comma between them during a rotation."""

    gocardless_access_token: SecretStr | None = None
    gocardless_base_url: str | None = None
    gocardless_webhook_secret: SecretStr | None = None

    hosted_pages: str = ""
    """Further origins on which debtors pay or sign, with spaces between them: a domain of one's own at Stripe."""

    smtp_url: str | None = None
    """`smtp://user:password@host:587` (STARTTLS when offered), `smtps://…`; unset keeps messages waiting."""

    mail_sender: str = "Guichet <guichet@localhost.localdomain>"
    """Who our mails come from: an address, with a name before it if wanted."""

    clamd: str | None = None
    """The virus scanner: `host:port`, or the path of its socket (`/run/clamav/clamd.ctl`). Unset: files are not scanned."""

    staff_totp: Literal["required", "optional"] | None = None
    """Whether staff must use a second factor; unset means required in production, optional in the demo."""

    twin_control_url: str | None = None
    """Where the twins' control page lives (demo)."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
            raise ValueError("must be smtp://host[:port] or smtps://host[:port]")
        return value.strip()

    @field_validator("mail_sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        if addresses.wire(parseaddr(value)[1]) is None:
            raise ValueError("must be an e-mail address, or a name and <an address>")
        return value

    @field_validator("hosted_pages")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in value.split():
            if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
                raise ValueError(f"{origin} is no origin (https://pay.example.com, without a path)")
        return " ".join(value.split())

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        url = value.get_secret_value()
        for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
            if url.startswith(prefix):
                return SecretStr("postgresql+psycopg://" + url.removeprefix(prefix))
        raise ValueError("must be a postgresql:// address")

    @field_validator("clamd")
    @classmethod
    def _scanner(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        clamd_place(value.strip())
        return value.strip()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.secret_key.get_secret_value()) < MINIMUM_SECRET_LENGTH:
            raise ValueError(f"{PREFIX}SECRET_KEY must have at least {MINIMUM_SECRET_LENGTH} characters")
        _secret_beside_key(self.stripe_api_key, self.stripe_webhook_secret, "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")
        _secret_beside_key(
            self.gocardless_access_token,
            self.gocardless_webhook_secret,
            "GOCARDLESS_ACCESS_TOKEN",
            "GOCARDLESS_WEBHOOK_SECRET",
        )
        if self.uses_live_keys and (self.mode != "production" or self.stripe_api_base or self.gocardless_base_url):
            raise ValueError(f"live provider keys are refused outside production and beside {PREFIX}*_BASE addresses")
        if self.mode == "production":
            self._fit_for_production()
        return self

    def _fit_for_production(self) -> None:
        """What a demo may do and real money may not; raises ValueError with a sentence that names the variable."""
        if self.twin_control_url:
            raise ValueError(f"{PREFIX}TWIN_CONTROL_URL belongs to the demo")
        place = urlsplit(self.public_url).hostname or ""
        if not self.is_https and not _is_here(place):
            raise ValueError(f"{PREFIX}PUBLIC_URL must begin with https://: links and sessions would travel in clear")
        if len(set(self.secret_key.get_secret_value())) < FEWEST_CHARACTERS:
            raise ValueError(f"{PREFIX}SECRET_KEY is easy to guess: make one with `openssl rand -hex 32`")
        for name, secret in (
            ("STRIPE_WEBHOOK_SECRET", self.stripe_webhook_secret),
            ("GOCARDLESS_WEBHOOK_SECRET", self.gocardless_webhook_secret),
        ):
            parts = secret.get_secret_value().split(",") if secret else []
            if any(len(part.strip()) < SHORTEST_WEBHOOK_SECRET or len(set(part)) < 5 for part in parts):
                raise ValueError(f"{PREFIX}{name} is too short to keep forged events out: take the provider's own")
        mail = urlsplit(self.smtp_url or "")
        if mail.scheme == "smtp" and mail.password and mail.port in (None, 25) and not _is_here(mail.hostname or ""):
            raise ValueError(
                f"{PREFIX}SMTP_URL would send its password to port 25, perhaps in clear: take smtps:// or port 587"
            )

    @property
    def uses_live_keys(self) -> bool:
        """True when a key moves real money."""
        stripe_key = self.stripe_api_key.get_secret_value() if self.stripe_api_key else ""
        return stripe_key.startswith(("sk_live_", "rk_live_")) or self.uses_live_debits

    @property
    def uses_live_debits(self) -> bool:
        """True when GoCardless' token is of the live environment."""
        token = self.gocardless_access_token
        return token is not None and token.get_secret_value().startswith("live_")

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def totp_is_required(self) -> bool:
        return self.staff_totp == "required" if self.staff_totp else self.mode == "production"

    @property
    def clock_file(self) -> Path:
        """Where the twins keep the virtual time."""
        return self.var_dir / "twins" / "clock.json"


def _is_here(host: str) -> bool:
    """Whether a host is this machine: nothing travels."""
    return host in ("localhost", "::1") or host.startswith("127.")


def clamd_place(text: str) -> tuple[str, int] | str:
    """Where clamd listens: host and port, or the path of a socket; raises ValueError."""
    path = text.removeprefix("unix:")
    if path.startswith("/"):
        return path
    host, _colon, port = text.removeprefix("tcp://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port or the path of a socket")
    return host.strip("[]"), int(port)


def _secret_beside_key(key: SecretStr | None, secret: SecretStr | None, key_name: str, secret_name: str) -> None:
    if secret is not None and not all(part.strip() for part in secret.get_secret_value().split(",")):
        raise ValueError(f"{PREFIX}{secret_name} is empty: anyone could forge events")
    if key is not None and secret is None:
        raise ValueError(f"{PREFIX}{secret_name} is missing although {PREFIX}{key_name} is set")


def read_settings(kind: type[Settings] = Settings, **fixed: str) -> Settings:
    """Read the environment, secrets also from the files that `GUICHET_…_FILE` names; what is `fixed` is not asked of it.

    Raises Invalid with a sentence that names the variable.
    """
    given: dict[str, str] = {}
    for name, path in os.environ.items():
        field = name.removeprefix(PREFIX).removesuffix("_FILE").lower()
        if name.startswith(PREFIX) and name.endswith("_FILE") and field in Settings.model_fields:
            if name.removesuffix("_FILE") in os.environ:
                raise Invalid("settings.twice", f"{name} and {name.removesuffix('_FILE')} are both set")
            try:
                given[field] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise Invalid("settings.file", f"{name}: cannot read {path}: {error.strerror}") from error
    try:
        return kind(**(given | fixed))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        where = PREFIX + "_".join(str(part) for part in first["loc"]).upper() if first["loc"] else ""
        said = "is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        raise Invalid("settings.invalid", f"{where} {said}".strip()) from error


_override: list[Settings] = []


@lru_cache(maxsize=1)
def _from_environment() -> Settings:
    return read_settings()


def get_settings() -> Settings:
    """The settings of this process."""
    return _override[-1] if _override else _from_environment()


def use_settings(settings: Settings) -> None:
    """Set this process's settings by hand (the composition root and the tests)."""
    _override[:] = [settings]
