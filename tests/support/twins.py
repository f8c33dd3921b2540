"""A twin process for tests: started on ports of its own, spoken to over HTTP, killed and started again at will."""

from __future__ import annotations

import email
import email.policy
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import requests

ROOT = Path(__file__).parents[2]
STRIPE_KEY = "sk_test_twin"
GOCARDLESS_TOKEN = "sandbox_twin"
STRIPE_WEBHOOK_SECRET = "whsec_of_the_twin_of_stripe"
GOCARDLESS_WEBHOOK_SECRET = "secret_of_the_twin_of_gocardless"


@dataclass
class TwinsProcess:
    """The twins as another process. Everything here goes over HTTP."""

    state_dir: Path
    app_url: str = ""
    extra: list[str] = field(default_factory=list)
    port: int = 0
    smtp_port: int = 0
    process: subprocess.Popen[str] | None = None
    has_world: bool = False

    stripe_key = STRIPE_KEY
    gocardless_token = GOCARDLESS_TOKEN
    stripe_webhook_secret = STRIPE_WEBHOOK_SECRET
    gocardless_webhook_secret = GOCARDLESS_WEBHOOK_SECRET

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    stripe_base = url
    gocardless_base = url

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}"

    @property
    def clock_file(self) -> Path:
        return self.state_dir / "clock.json"

    def start(self) -> Self:
        """Start, on the same ports as before if there were any; back when ready."""
        command = [sys.executable, "-m", "payments.twins", "--port", str(self.port), "--smtp-port", str(self.smtp_port)]
        command += ["--state-dir", str(self.state_dir), "--app-url", self.app_url, *self.extra]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = re.search(r":(\d+) \(mail on port (\d+)\)", line)
        assert ready, f"the twins did not start: {line!r}"
        self.port, self.smtp_port = int(ready[1]), int(ready[2])
        return self

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> Self:
        """Start again on the same state and ports."""
        if self.process is not None:
            self.kill()
        return self.start()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def __enter__(self) -> Self:
        return self if self.process is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """One request to the control interface; an answer that is no success raises with its text."""
        answer = requests.request(method, self.url + path, timeout=120, **given)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def advance(self, days: int = 0, *, bank_days: int = 0, seconds: int = 0, deliver: bool = False) -> dict[str, Any]:
        """Move virtual time, letting happen what falls due. `deliver` posts each day's webhooks before the next day."""
        wish = (
            {"advance_bank_days": bank_days}
            if bank_days
            else {"advance_seconds": seconds}
            if seconds
            else {"advance_days": days}
        )
        return self.ask("POST", "/_twin/clock", json=wish | {"deliver": deliver})

    def now(self) -> dict[str, Any]:
        return self.ask("GET", "/_twin/clock")

    def pay(self, session: str, card: str = "success", **more: Any) -> dict[str, Any]:
        """Pay on the hosted page: session id or URL; card by name (`declined`, `insufficient`, …) or number."""
        return self.ask("POST", "/_twin/pay", json={"session": session, "card": card} | more)

    def authorise(self, flow: str, iban: str = "success", **details: str) -> dict[str, Any]:
        """Sign on the hosted mandate page: flow (id or URL) or billing request; IBAN or the name of a fate."""
        return self.ask(
            "POST", "/_twin/authorise", json={"billing_request_flow": flow, "iban": iban, "details": details or None}
        )

    def objects(self, provider: str, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind as it stands, oldest first."""
        return self.ask("GET", f"/_twin/objects?provider={provider}&kind={kind}")["data"]

    def object(self, id_: str) -> dict[str, Any]:
        return self.ask("GET", f"/_twin/objects/{id_}")

    def fault(self, kind: str, **rule: Any) -> dict[str, Any]:
        """A rule of misbehaviour, or (with `object=`) something that befalls one object now."""
        return self.ask("POST", "/_twin/faults", json={"kind": kind} | rule)

    def limit(self, per_minute: int | None) -> None:
        """GoCardless takes so many requests a minute of virtual time; None for any number."""
        self.ask("POST", "/_twin/pace", json={"gocardless_per_minute": per_minute})

    def refused(self) -> int:
        """How many requests were beyond that limit."""
        return int(self.ask("GET", "/_twin/pace")["refused"])

    def faults(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/_twin/faults")["faults"]

    def clear_faults(self) -> None:
        self.ask("DELETE", "/_twin/faults")

    def flush(self) -> dict[str, int]:
        """Deliver every waiting webhook once, now; gives back deliveries per status."""
        return self.ask("POST", "/_twin/webhooks/flush")["counts"]

    def deliveries(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/_twin/webhooks")["deliveries"]

    def inbox(self, to: str = "") -> list[dict[str, Any]]:
        """Mails (to an address), newest first."""
        return self.ask("GET", "/inbox/api", params={"to": to})["mails"]

    def mails(self) -> list[dict[str, Any]]:
        """Every mail that was ever received, oldest first: when (seconds since 1970), to whom, and its text."""
        found = []
        with closing(sqlite3.connect(f"file:{self.state_dir / 'twins.sqlite3'}?mode=ro", uri=True)) as db:
            for received_at, recipients, raw in db.execute(
                "SELECT received_at, recipients, raw FROM mails ORDER BY id"
            ):
                message = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                part = message.get_body(("plain",))
                text = part.get_content() if part else ""
                found.append({"received_at": received_at, "to": recipients.strip(",").split(","), "text": text})
        return found

    def clear_inbox(self) -> None:
        self.ask("DELETE", "/inbox/api")

    def reset(self, begin_at: str | None = None) -> None:
        """Forget everything; time begins at the real present or at `begin_at` (ISO)."""
        self.ask("POST", "/_twin/reset", json={"begin_at": begin_at})


def start_twins(tmp_path: Path, *, app_url: str = "", **options: str) -> TwinsProcess:
    """Start twins with their state under `tmp_path/twins`.

    `app_url` is where webhooks go (`<app_url>/webhooks/stripe`); other options are the command line's, such as
    `stripe_webhook_url="http://…"` or `begin_at="2026-03-10T09:00:00Z"` (where the frozen clock of a test stands). The
    caller stops them (or uses `with`).
    """
    extra = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    return TwinsProcess(state_dir=tmp_path / "twins", app_url=app_url, extra=extra).start()
