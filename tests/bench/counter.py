"""Does the counter stay open? Others' pages and webhooks while forty people press *Pay* at a silent Stripe.

Beside them: connections that say nothing, half heads, bodies that drip, and people who all want a paper. Before and during
that, some visitors look at their accounts and Stripe's webhooks come in. What is measured is how long *they* wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lxml import html
from pydantic import SecretStr

from shared.kit.db import transaction
from shared.kit.settings import Settings
from tests.bench.load import Server, serving
from tests.bench.portal import seat, with_our_cookies
from tests.bench.server import empty_database
from tests.support.people import a_company, a_debtor, an_invoice
from tests.support.twins import TwinsProcess, start_twins

AIM_P95_S = 1.0
LOOKERS = 4
SILENT_S = 20.0
IDLE, HALF, DRIPPING = 8, 8, 4
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many press, how many want a paper, and how often others ask in each phase."""

    payers: int
    papers: int
    looks: int
    webhooks: int


LARGE = Size(payers=40, papers=12, looks=240, webhooks=120)
SMALL = Size(payers=10, papers=3, looks=30, webhooks=15)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    head: str
    body: bytes
    seconds: float


def measure(size: Size, *, seed: int, flags: Sequence[str] = ()) -> dict[str, Any]:
    """One calm phase and one storm; `flags` for gunicorn, to compare models of serving."""
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, ExitStack() as stack:
        url = stack.enter_context(empty_database())
        twins = stack.enter_context(start_twins(Path(folder)))
        settings = _settings(twins, Path(folder))
        with transaction() as session:
            company = a_company(session)
            people = []
            for number in range(size.payers + LOOKERS):
                debtor = a_debtor(session, company, f"411B{number:04d}", f"Client {number}", language="fr")
                an_invoice(session, debtor, f"B-{number}", 10_000 + number, due_in=10)
                people.append(debtor.id)
            session.flush()
            tokens = [seat(session, identity) for identity in people]
        socket_path = Path(folder) / "counter.sock"
        argv = ["--config", "python:shared.kit.gunicorn_conf", *flags, "wsgi:portal"]
        server = stack.enter_context(serving(argv, _environment(settings, url), socket_path))
        cookies = [visit.cookie for visit in with_our_cookies(server, settings, tokens)]
        return asyncio.run(_phases(server, twins, settings, cookies=cookies, size=size, seed=seed))


def _settings(twins: TwinsProcess, folder: Path) -> Settings:
    return Settings(
        mode="production",
        secret_key=SecretStr(secrets.token_hex(32)),
        public_url="http://127.0.0.1",
        var_dir=folder / "var",
        stripe_api_key=SecretStr(twins.stripe_key),
        stripe_webhook_secret=SecretStr(twins.stripe_webhook_secret),
        stripe_api_base=twins.url,
    )


def _environment(settings: Settings, url: str) -> dict[str, str]:
    from shared.kit.family import environment

    return environment(settings) | {"GUICHET_DATABASE_URL": url, "GUICHET_REDIS_URL": "redis://127.0.0.1:1/0"}


async def _phases(
    server: Server, twins: TwinsProcess, settings: Settings, *, cookies: Sequence[str], size: Size, seed: int
) -> dict[str, Any]:
    lookers, payers = cookies[:LOOKERS], cookies[LOOKERS:]
    forms = [await _pay_form(server, cookie) for cookie in payers]
    await asyncio.gather(*(_paper(server, cookie) for cookie in [*lookers, *lookers]))  # what is loaded once is loaded
    calm = await _others(server, settings, lookers, size, seed)
    await asyncio.to_thread(
        twins.fault,
        "timeout_before",
        provider="stripe",
        match="POST /v1/checkout/sessions",
        times=0,
        seconds=SILENT_S,
    )
    began = time.perf_counter()
    slow = [asyncio.create_task(_hang(server, said)) for said in _silences()]
    paying = [
        asyncio.create_task(_ask(server, "/pay", cookie, form=form)) for cookie, form in zip(payers, forms, strict=True)
    ]
    papers = [asyncio.create_task(_paper(server, cookie)) for cookie in payers[: size.papers]]
    await asyncio.sleep(0.5)
    storm = await _others(server, settings, lookers, size, seed + 1)
    pressed = await asyncio.gather(*paying)
    printed = await asyncio.gather(*papers)
    took = time.perf_counter() - began
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await asyncio.to_thread(twins.clear_faults)
    return {
        "payers": len(pressed),
        "told_that_it_is_being_opened": sum(each.status == 303 and "opening=1" in each.head for each in pressed),
        "payers_p95_s": _p95([each.seconds for each in pressed]),
        "papers": sum(each.status == 200 and each.body.startswith(b"%PDF") for each in printed),
        "papers_asked_to_come_again": sum(each.status == 503 for each in printed),
        "papers_p95_s": _p95([each.seconds for each in printed]),
        "storm_seconds": round(took, 1),
        "calm": calm,
        "storm": storm,
        "aim": {"page_p95_s": AIM_P95_S, "webhook_p95_s": AIM_P95_S},
    }


async def _others(
    server: Server, settings: Settings, cookies: Sequence[str], size: Size, seed: int
) -> dict[str, float]:
    """Pages, webhooks and the health page, asked by a few at once."""
    chance = random.Random(seed)
    chosen = chance.choices(cookies, k=size.looks)
    pages = _in_turns([lambda c=cookie: _ask(server, "/", c) for cookie in chosen], LOOKERS)
    hooks = _in_turns(
        [lambda n=number: _webhook(server, settings, f"evt_{seed}_{n}") for number in range(size.webhooks)], 2
    )
    health = _in_turns([lambda: _ask(server, "/healthz", "") for _ in range(10)], 1)
    found = await asyncio.gather(pages, hooks, health)
    for answers in found:
        if odd := [each for each in answers if each.status != 200]:
            raise RuntimeError(f"{len(odd)} of {len(answers)} were refused: {odd[0].status} {odd[0].head[:300]}")
    names = ("page", "webhook", "health")
    figures = {
        f"{name}_p95_s": _p95([each.seconds for each in answers]) for name, answers in zip(names, found, strict=True)
    }
    return figures | {"page_slowest_s": round(max(each.seconds for each in found[0]), 3)}


async def _in_turns(asks: Sequence[Callable[[], Awaitable[_Answer]]], at_once: int) -> list[_Answer]:
    waiting = iter(asks)

    async def one() -> list[_Answer]:
        return [await ask() for ask in waiting]

    return [answer for answers in await asyncio.gather(*(one() for _ in range(at_once))) for answer in answers]


async def _webhook(server: Server, settings: Settings, name: str) -> _Answer:
    event = {
        "id": name,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "type": "customer.updated",
        "data": {"object": {"id": "cus_1", "object": "customer"}},
    }
    body, at = json.dumps(event).encode(), int(time.time())
    secret = settings.stripe_webhook_secret.get_secret_value() if settings.stripe_webhook_secret else ""
    sign = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return await _ask(server, "/webhooks/stripe", "", body=body, headers=(f"Stripe-Signature: t={at},v1={sign}",))


async def _paper(server: Server, cookie: str) -> _Answer:
    return await _ask(server, "/documents/statement?since=1/1/2026&until=31/12/2026&form=pdf", cookie)


async def _pay_form(server: Server, cookie: str) -> bytes:
    answer = await _ask(server, "/pay?what=all", cookie)
    for form in html.fromstring(answer.body).forms:
        fields = form.form_values()
        if any(name == "attempt" for name, _value in fields):
            return urlencode(
                [*((name, value) for name, value in fields if name != "means"), ("means", "card")]
            ).encode()
    raise RuntimeError(f"no form to pay with: {answer.status} {answer.body[:400]!r}")


def _silences() -> list[bytes]:
    drip = b"POST /pay HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
    return [b""] * IDLE + [b"GET / HTTP/1.1\r\nHost: 127"] * HALF + [drip] * DRIPPING


async def _hang(server: Server, said: bytes) -> None:
    """Connect, say this, then a byte now and then if it was a body, and connect anew whenever one is sent away."""
    while True:
        reader, writer = await asyncio.open_unix_connection(server.path)
        try:
            writer.write(said)
            while not reader.at_eof():
                if said.startswith(b"POST"):
                    writer.write(b"x")
                await asyncio.wait_for(reader.read(1), 1)
        except (TimeoutError, OSError):
            pass
        finally:
            writer.close()


async def _ask(
    server: Server,
    path: str,
    cookie: str,
    *,
    form: bytes | None = None,
    body: bytes | None = None,
    headers: Sequence[str] = (),
) -> _Answer:
    sent = form if form is not None else body
    lines = [f"{'GET' if sent is None else 'POST'} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Language: fr", *headers]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += ["Content-Type: application/x-www-form-urlencoded"] if form is not None else []
    lines += [f"Content-Length: {len(sent)}"] if sent is not None else []
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_unix_connection(server.path)
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + (sent or b""))
        said = await reader.read()
    writer.close()
    head, _blank, rest = said.partition(b"\r\n\r\n")
    return _Answer(int(head.split()[1]), head.decode(errors="replace"), rest, time.perf_counter() - began)


def _p95(times: Sequence[float]) -> float:
    return round(sorted(times)[int(len(times) * 0.95)] if times else 0.0, 3)
