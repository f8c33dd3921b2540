"""The twins as a process: one HTTP server with a thread per connection, one SMTP server, three background threads.

One process on purpose: SQLite has one writer, and `kill -9` leaves nothing behind but the file. Werkzeug's threaded server
gives the raw socket that *cut the connection* needs; nothing here faces the internet.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from payments.twins import agenda, inbox, webhooks
from payments.twins.app import app_for
from payments.twins.world import Options, World, build_world

log = logging.getLogger(__name__)


class Quiet(WSGIRequestHandler):
    """Keeps connections open, answers without Nagle's delay, logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: deliveries and objects tell the story."""


@dataclass
class Running:
    """A twin process that has begun."""

    world: World
    http: BaseWSGIServer
    smtp: inbox.Listener | None
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.http.port)

    @property
    def smtp_port(self) -> int | None:
        return None if self.smtp is None else int(self.smtp.port)

    def close(self) -> None:
        """End in order; everything is on disk already."""
        self.stop.set()
        self.world.something_new.set()
        self.http.shutdown()
        self.http.server_close()
        if self.smtp is not None:
            self.smtp.stop()
        for thread in self.threads:
            thread.join(timeout=webhooks.ANSWER_WITHIN + 1)
        self.world.store.close()


def start(options: Options, *, host: str = "127.0.0.1", port: int = 0, smtp_port: int | None = 0) -> Running:
    """Begin to serve in background threads; port 0 lets the system choose. `smtp_port` None means no mail."""
    listening = socket.create_server((host, port), backlog=128)
    actual = listening.getsockname()[1]
    if not options.public_url:
        options = replace(options, public_url=f"http://{host}:{actual}")
    world = build_world(options)
    app = app_for(world)
    http = make_server(host, actual, app, threaded=True, request_handler=Quiet, fd=listening.detach())
    smtp = inbox.open_smtp(world, host, smtp_port) if smtp_port is not None else None
    running = Running(world=world, http=http, smtp=smtp)
    for name, work in (
        ("http", http.serve_forever),
        ("agenda", lambda: _keep_time(running)),
        ("stripe webhooks", lambda: _post(running, "stripe")),
        ("gocardless webhooks", lambda: _post(running, "gocardless")),
    ):
        thread = threading.Thread(target=work, name=f"twins: {name}", daemon=True)
        thread.start()
        running.threads.append(thread)
    return running


def _keep_time(running: Running) -> None:
    """Let happen what falls due while real time passes."""
    world = running.world
    while not running.stop.wait(1.0):
        try:
            with world.moving:
                agenda.run_due(world, world.clock.now())
        except Exception:
            log.exception("the agenda stumbled")


def _post(running: Running, provider: str) -> None:
    """Deliver webhooks as they come, and again when their back-off is over."""
    world = running.world
    while not running.stop.is_set():
        try:
            while not running.stop.is_set() and webhooks.deliver_next(world, provider, before=time.time()):
                pass
        except Exception:
            log.exception("a webhook stumbled")
        # The event is shared by both posters, so nobody clears it for good: a short wait bounds the delay.
        world.something_new.wait(timeout=0.25)
        world.something_new.clear()


def serve(
    host: str,
    port: int,
    smtp_port: int,
    *,
    state_dir: Path,
    app_url: str = "",
    public_url: str = "",
    stripe_webhook_url: str | None = None,
    stripe_webhook_secret: str = "whsec_of_the_twin_of_stripe",  # noqa: S107 - the twins guard no real money
    gocardless_webhook_url: str | None = None,
    gocardless_webhook_secret: str = "secret_of_the_twin_of_gocardless",  # noqa: S107 - same
    stripe_api_key: str = "sk_test_twin",
    gocardless_access_token: str = "sandbox_twin",  # noqa: S107 - same
    begin_at: int | None = None,
    creditor_name: str = "Guichet Démonstration SAS",
    creditor_ics: str = "FR37ZZZ123456",
) -> None:
    """Serve until told to stop (SIGTERM or SIGINT). Webhook addresses follow from `app_url` unless given."""
    app_url = app_url.rstrip("/")
    options = Options(
        state_dir=state_dir,
        public_url=public_url.rstrip("/"),
        app_url=app_url,
        stripe_webhook_url=_webhook_url(stripe_webhook_url, app_url, "stripe"),
        stripe_webhook_secret=stripe_webhook_secret,
        gocardless_webhook_url=_webhook_url(gocardless_webhook_url, app_url, "gocardless"),
        gocardless_webhook_secret=gocardless_webhook_secret,
        stripe_api_key=stripe_api_key,
        gocardless_access_token=gocardless_access_token,
        begin_at=begin_at,
        creditor_name=creditor_name,
        creditor_ics=creditor_ics,
    )
    running = start(options, host=host, port=port, smtp_port=smtp_port)
    told = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sys.stdout.write(f"twins ready on http://{host}:{running.port} (mail on port {running.smtp_port})\n")
    sys.stdout.flush()
    told.wait()
    running.close()


def _webhook_url(given: str | None, app_url: str, provider: str) -> str:
    if given is not None:
        return given
    return f"{app_url}/webhooks/{provider}" if app_url else ""
