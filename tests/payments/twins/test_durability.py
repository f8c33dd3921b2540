"""`kill -9` at any moment: what was answered is kept, what was not is not half there."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import stripe

from payments.twins.app import create_app
from payments.twins.world import LiveKeys, Options
from tests.payments.twins.conftest import Cards, Debits, Sink, gocardless_client, stripe_client
from tests.support.twins import start_twins


def test_everything_survives_a_kill(tmp_path: Path, sink: Sink):
    sink.clear()
    with start_twins(tmp_path, app_url=f"http://127.0.0.1:{sink.port}", begin_at="2026-03-10T09:00:00Z") as twins:
        cards, debits = Cards(twins, stripe_client(twins)), Debits(twins, gocardless_client(twins))
        sink.answer = lambda _path: 503
        twins.fault("slow", match="POST /v1/refunds", times=3)
        session = cards.open(key="k-1")
        intent = cards.paid(card="chargeback")
        payment = debits.pay(debits.mandate(), key="k-2")
        twins.advance(seconds=3600)
        before = [twins.objects("stripe", "event"), twins.objects("gocardless", "events")]
        now = twins.now()["now"]

        twins.kill()
        sink.answer = lambda _path: 200
        twins.restart()

        assert [twins.objects("stripe", "event"), twins.objects("gocardless", "events")] == before
        assert 0 <= twins.now()["now"] - now < 60
        assert cards.open(key="k-1").id == session.id
        assert twins.faults()[0]["left"] == 3
        assert cards.client.v1.disputes.list({"payment_intent": intent.id}).data == []
        twins.advance(bank_days=6)
        assert cards.client.v1.disputes.list({"payment_intent": intent.id}).data != []
        assert debits.status(payment) == "paid_out"
        assert set(twins.flush()) == {"delivered"}
        sent = {json.loads(body)["id"] for body in sink.bodies("stripe")}
        assert sent == {event["id"] for event in twins.objects("stripe", "event")}


def test_killed_under_load_it_keeps_what_it_answered(tmp_path: Path):
    with start_twins(tmp_path) as twins:
        answered: list[tuple[str, str]] = []

        def hammer(worker: int) -> None:
            cards = Cards(twins, stripe_client(twins))
            for number in range(200):
                key = f"{worker}-{number}"
                try:
                    answered.append((key, cards.open(key=key).id))
                except stripe.APIConnectionError:
                    return

        for round_ in range(3):
            threads = [threading.Thread(target=hammer, args=(10 * round_ + worker,)) for worker in range(3)]
            for thread in threads:
                thread.start()
            while len(answered) < 10 * (round_ + 1):
                threads[0].join(0.05)
            twins.kill()
            for thread in threads:
                thread.join()
            twins.restart()

        kept = {one["id"] for one in twins.objects("stripe", "checkout.session")}
        assert {id_ for _, id_ in answered} <= kept
        cards = Cards(twins, stripe_client(twins))
        for key, id_ in answered[:: max(1, len(answered) // 20)]:
            assert cards.open(key=key).id == id_


def test_live_keys_are_refused(tmp_path: Path):
    for keys in (
        {"stripe_api_key": "sk_live_abc"},
        {"stripe_api_key": "rk_live_abc"},
        {"gocardless_access_token": "live_abc"},
    ):
        with pytest.raises(LiveKeys):
            create_app(tmp_path, public_url="http://127.0.0.1:1", **keys)


def test_an_empty_secret_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="gocardless_webhook_secret"):
        Options(state_dir=tmp_path, public_url="", gocardless_webhook_secret=" ")
