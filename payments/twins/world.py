"""What belongs together in one twin process: options, clock, store, and what happens next."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app

from payments.twins.clock import VirtualClock
from payments.twins.pace import Pace
from payments.twins.store import Store


class LiveKeys(Exception):  # noqa: N818 - it names what was found
    """Somebody tried to start the twins beside keys that move real money."""


@dataclass(frozen=True)
class Options:
    """Everything the twins are told at start. Secrets must not be empty: an empty one would let anybody forge events."""

    state_dir: Path
    public_url: str
    """Where people and programs reach the twins, without a slash at the end."""
    stripe_webhook_url: str = ""
    stripe_webhook_secret: str = "whsec_of_the_twin_of_stripe"  # noqa: S105 - the twins guard no real money
    gocardless_webhook_url: str = ""
    gocardless_webhook_secret: str = "secret_of_the_twin_of_gocardless"  # noqa: S105 - same
    stripe_api_key: str = "sk_test_twin"
    gocardless_access_token: str = "sandbox_twin"  # noqa: S105 - same
    app_url: str = ""
    """Where Guichet lives, for the links of the control page."""
    creditor_name: str = "Guichet Démonstration SAS"
    """Whose accounts at the providers these are: the hosted pages name it."""
    creditor_ics: str = "FR37ZZZ123456"
    """Its SEPA creditor identifier."""
    begin_at: int | None = None
    """The virtual moment at which a new state begins; real time without it."""

    def __post_init__(self) -> None:
        refuse_live(stripe_api_key=self.stripe_api_key, gocardless_access_token=self.gocardless_access_token)
        for name in ("stripe_webhook_secret", "gocardless_webhook_secret", "stripe_api_key", "gocardless_access_token"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} must not be empty")


def refuse_live(*, stripe_api_key: str | None, gocardless_access_token: str | None) -> None:
    """Raise `LiveKeys` when either key moves real money: twins and live keys never live in one installation."""
    if (stripe_api_key or "").startswith(("sk_live_", "rk_live_")):
        raise LiveKeys("the twins refuse to run beside a live Stripe key")
    if (gocardless_access_token or "").startswith("live_"):
        raise LiveKeys("the twins refuse to run beside a live GoCardless token")


@dataclass
class World:
    """One twin process: its options, its clock, its store."""

    options: Options
    clock: VirtualClock
    store: Store
    something_new: threading.Event = field(default_factory=threading.Event)
    """Set when there may be something to deliver or to let happen."""
    moving: threading.Lock = field(default_factory=threading.Lock)
    """Held while time is moved, so that two people pressing *next day* move one after the other."""
    in_flight: set[tuple[str, str]] = field(default_factory=set)
    """Idempotency keys whose first request has not been answered yet."""
    in_flight_lock: threading.Lock = field(default_factory=threading.Lock)
    pace: Pace = field(default_factory=Pace)
    """How many requests a minute GoCardless takes."""
    posting: dict[str, threading.Lock] = field(
        default_factory=lambda: {"stripe": threading.Lock(), "gocardless": threading.Lock()}
    )
    """One webhook at a time per provider."""


def build_world(options: Options) -> World:
    """Open (or create) the state in `options.state_dir`."""
    options.state_dir.mkdir(parents=True, exist_ok=True)
    clock = VirtualClock(options.state_dir, options.begin_at)
    return World(options=options, clock=clock, store=Store(options.state_dir / "twins.sqlite3", clock.now))


def current_world() -> World:
    """The world behind the request being answered."""
    world = current_app.extensions["twins"]
    if not isinstance(world, World):
        raise TypeError("no twin world in this app")
    return world


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(prefix: str, length: int = 14) -> str:
    """An identifier such as a provider would give."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
