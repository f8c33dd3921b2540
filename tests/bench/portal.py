"""The portal's account page against the same page as bare Flask and ORM. Aim: not slower, p99 below 60 ms.

Both are served by gunicorn with two synchronous workers, asked by sixteen visitors at once, in turns (A B A B …), so that
whatever else the machine does touches both alike. Every visitor is another debtor with a session of its own.
"""

from __future__ import annotations

import html
import random
import re
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask.sessions import SecureCookieSessionInterface
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

import wsgi
from shared.access import service as access
from shared.access.models import LinkPurpose
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.invoices.models import Invoice
from shared.kit.db import transaction
from shared.kit.settings import Settings
from tests.bench.load import Round, Server, Visit, ask, first_cookie, serving, visit
from tests.bench.world import World

AIM_RATIO = 1.0
AIM_P99_MS = 60
COMPARED = 10


def measure(world: World, *, rounds: int, requests: int, visitors: int, seed: int) -> dict[str, Any]:
    """`rounds` times `requests` requests to each of the two."""
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, ExitStack() as stack:
        settings = Settings(
            mode="production",
            secret_key=SecretStr(secrets.token_hex(32)),
            public_url="http://127.0.0.1",
            var_dir=Path(folder) / "var",
        )
        with transaction() as session:
            tokens = [seat(session, debtor_id) for debtor_id in _debtors(session, world, visitors, seed)]
        ours = stack.enter_context(serving(_OURS, _environment(world, settings), Path(folder) / "ours.sock"))
        bare = stack.enter_context(
            serving(["tests.bench.bare:app"], {"BENCH_DATABASE_URL": world.url}, Path(folder) / "bare.sock")
        )
        to_ours = with_our_cookies(ours, settings, tokens)
        to_bare = [Visit(f"sid={token}", word) for token, word in tokens]
        for mine, theirs in zip(to_ours[:COMPARED], to_bare, strict=False):
            _compare(ask(ours, mine.cookie), ask(bare, theirs.cookie))
        for server, visits in ((ours, to_ours), (bare, to_bare)):
            visit(server, visits, max(100, requests // 10), seed)
        done: dict[str, list[Round]] = {"ours": [], "bare": []}
        for number in range(rounds):
            done["ours"].append(visit(ours, to_ours, requests, seed + number))
            done["bare"].append(visit(bare, to_bare, requests, seed + number))
        return _figures(done, requests)


_OURS = ["--config", "python:shared.kit.gunicorn_conf", "wsgi:app"]


def _environment(world: World, settings: Settings) -> dict[str, str]:
    return {
        "GUICHET_MODE": settings.mode,
        "GUICHET_SECRET_KEY": settings.secret_key.get_secret_value(),
        "GUICHET_PUBLIC_URL": settings.public_url,
        "GUICHET_VAR_DIR": str(settings.var_dir),
        "GUICHET_DATABASE_URL": world.url,
        "GUICHET_REDIS_URL": "redis://127.0.0.1:1/0",  # pages never speak to it
    }


def _compare(ours: str, bare: str) -> None:
    """Both show the same words, or the figures would compare two different pages."""
    if (mine := _words(ours)) != (theirs := _words(bare)):
        raise RuntimeError(f"two different pages:\n{mine}\n{theirs}")


def _words(page: str) -> str:
    body = re.sub(r"<svg.*?</svg>", "", page.partition("<body")[2], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def _debtors(session: Session, world: World, count: int, seed: int) -> list[Any]:
    """Debtors picked by chance who owe something and read French (the bare page speaks nothing else)."""
    of_company = Debtor.company_id == world.company_id
    found = session.scalars(
        select(Debtor.id).where(of_company, Debtor.open_minor > 0, Debtor.language == "fr").order_by(Debtor.id)
    ).all()
    return random.Random(seed).sample(found, min(count, len(found)))


def seat(session: Session, debtor_id: Any) -> tuple[str, bytes]:
    """A session opened with a magic link: its token, and the number of an invoice that its page shows."""
    contact_id = session.scalars(
        select(Contact.id).join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id)
    ).first()  # fmt: skip
    link = access.make_link(session, debtor_id=debtor_id, contact_id=contact_id, purpose=LinkPurpose.REMINDER)
    session.flush()
    opened = access.redeem(session, token=link, address="", user_agent="bench")
    number = session.scalars(
        select(Invoice.number)
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
    ).first()
    if opened is None or number is None:
        raise RuntimeError("no session")
    return opened.token, number.encode()


def with_our_cookies(server: Server, settings: Settings, tokens: Sequence[tuple[str, bytes]]) -> list[Visit]:
    door = wsgi.build_portal(settings)
    cookies = door.session_interface
    if not isinstance(cookies, SecureCookieSessionInterface) or (sign := cookies.get_signing_serializer(door)) is None:
        raise RuntimeError("no key")
    name = door.config["SESSION_COOKIE_NAME"]
    visits = []
    for token, word in tokens:
        signed = sign.dumps({"_user_id": token, "_fresh": True})
        visits.append(Visit(first_cookie(server, f"{name}={signed}"), word))
    return visits


def _figures(done: dict[str, list[Round]], requests: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"requests_each": requests * len(done["ours"])}
    for name, rounds in done.items():
        times = sorted(time for each in rounds for time in each.times)
        figures[name] = {
            "requests_per_second": round(len(times) / sum(each.seconds for each in rounds)),
            "p50_ms": round(times[len(times) // 2] * 1000, 1),
            "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
            "worker_cpu_ms": round(sum(each.cpu_seconds for each in rounds) / len(times) * 1000, 2),
            "page_bytes": rounds[0].bytes_each,
        }
    ours, bare = figures["ours"], figures["bare"]
    figures["ratio"] = round(ours["requests_per_second"] / bare["requests_per_second"], 2)
    figures["cpu_ratio"] = round(bare["worker_cpu_ms"] / ours["worker_cpu_ms"], 2) if ours["worker_cpu_ms"] else None
    figures["aim"] = {"ratio": AIM_RATIO, "p99_ms": AIM_P99_MS}
    return figures
