"""The providers' door: only what they signed comes in, once, and is answered after the commit."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select

from payments.gateways.base import EventSeen
from payments.models import Provider
from payments.webhooks.models import EventState, InboxEvent
from payments.webhooks.receive import store
from payments.webhooks.views import LARGEST_BODY
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.settings import Settings, get_settings, use_settings
from tests.support.twins import GOCARDLESS_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET


def an_event(event_id="evt_1", kind="checkout.session.expired", **changes):
    body = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_930_000_000,
        "livemode": False,
        "type": kind,
        "data": {"object": {"id": "cs_1", "object": "checkout.session", "client_reference_id": None}},
    }
    return json.dumps(body | changes).encode()


def a_batch(event_id="EV1"):
    event = {
        "id": event_id,
        "created_at": "2031-03-11T09:00:00.000Z",
        "resource_type": "payments",
        "action": "confirmed",
        "links": {"payment": "PM1"},
        "details": {},
        "resource_metadata": {},
    }
    return json.dumps({"events": [event]}).encode()


def stripe_signature(body, secret=STRIPE_WEBHOOK_SECRET, at=None):
    at = at or int(time.time())
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def gocardless_signature(body, secret=GOCARDLESS_WEBHOOK_SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def set_aside():
    with reading() as session:
        query = select(InboxEvent.provider).where(InboxEvent.state == EventState.SET_ASIDE)
        return sorted(session.scalars(query), key=lambda provider: provider.value)


def kept():
    with reading() as session:
        return session.scalar(select(func.count()).select_from(InboxEvent))


@pytest.fixture
def post(counter):
    client = counter.door.app.test_client()

    def send(provider, body, signature=None):
        header = {"stripe": "Stripe-Signature", "gocardless": "Webhook-Signature"}[provider]
        headers = {header: signature} if signature is not None else {}
        return client.post(f"/webhooks/{provider}", data=body, headers=headers).status_code

    return send


def test_what_stripe_signed_is_kept_and_answered_with_200(post):
    body = an_event()
    assert post("stripe", body, stripe_signature(body)) == 200
    assert kept() == 1


def test_what_gocardless_signed_is_kept_and_answered_with_204(post):
    body = a_batch()
    assert post("gocardless", body, gocardless_signature(body)) == 204
    assert kept() == 1


def test_the_same_event_is_kept_once_however_often_it_comes(post):
    body, batch = an_event(), a_batch()
    for _ in range(3):
        post("stripe", body, stripe_signature(body))
        post("gocardless", batch, gocardless_signature(batch))
    assert kept() == 2


@pytest.mark.parametrize("secret", ["", "wrong", " "])
def test_a_forged_signature_is_refused(post, secret):
    body, batch = an_event(), a_batch()
    assert post("stripe", body, stripe_signature(body, secret)) == 400
    assert post("gocardless", batch, gocardless_signature(batch, secret)) == 498
    assert kept() == 0


@pytest.mark.parametrize("signature", [None, "", "t=1", "v1=", "é", "t=abc,v1=def", "\x00" * 9 and "0" * 64])
def test_an_odd_header_is_refused_and_never_breaks_us(post, signature):
    assert post("stripe", an_event(), signature) == 400
    assert post("gocardless", a_batch(), signature) == 498


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": "x"}', b'{"events": 3}', b'{"events": [{}]}'])
def test_a_signed_body_that_is_no_event_is_kept_and_set_aside(post, body):
    for _ in range(2):
        assert post("stripe", body, stripe_signature(body)) == 200
        assert post("gocardless", body, gocardless_signature(body)) == 204
    assert set_aside() == [Provider.GOCARDLESS, Provider.STRIPE]
    with reading() as session:
        assert body in session.scalars(select(InboxEvent.body)).all()


ODD = (None, 7, "", "x" * 129, "evt_\x00", "evt_\ud800", ["evt"], {"a": 1}, True)


@pytest.mark.parametrize("identity", ODD)
def test_an_event_with_an_odd_id_is_answered_and_set_aside(post, identity):
    body = an_event(identity)
    assert post("stripe", body, stripe_signature(body)) == 200
    assert set_aside() == [Provider.STRIPE]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "k" * 97},
        {"type": None},
        {"type": "a\x00b"},
        {"created": 10**30},
        {"created": "soon"},
        {"created": None},
        {"data": None},
        {"data": {"object": []}},
        {"data": {"object": {"object": "charge", "payment_intent": "pi_\udfff"}}},
        {"data": {"object": {"object": "charge", "payment_intent": "p" * 300}}},
        {"data": {"object": {"object": "charge", "payment_intent": {"no": "id"}}}},
        {"livemode": None, "data": 3},
    ],
)
def test_an_event_with_odd_words_is_answered_and_set_aside(post, change):
    body = an_event("evt_1", **change)
    assert post("stripe", body, stripe_signature(body)) == 200
    assert set_aside() == [Provider.STRIPE]


def test_one_odd_event_does_not_lose_its_batch(post):
    events = [json.loads(a_batch(f"EV{n}"))["events"][0] for n in range(250)]
    events[100]["id"] = "EV\x00"
    events[101] = None
    events[102]["links"] = 7
    events[103]["action"] = "a" * 97
    body = json.dumps({"events": events}).encode()

    assert post("gocardless", body, gocardless_signature(body)) == 204
    assert kept() == 250
    assert set_aside() == [Provider.GOCARDLESS] * 4


def test_what_the_database_alone_refuses_is_set_aside_and_its_neighbours_are_kept(counter):
    def event(name, subject):
        return EventSeen(name, "charge.refunded", clock.now(), subject, {}, raw="{}")

    assert store(Provider.STRIPE, [event("evt_1", "payment"), event("evt_2", "x" * 17)]) == 2
    assert set_aside() == [Provider.STRIPE]


def test_an_old_signature_of_stripe_is_refused(post):
    body = an_event()
    assert post("stripe", body, stripe_signature(body, at=int(time.time()) - 600)) == 400


def test_an_event_of_the_other_mode_is_refused(post):
    body = an_event(livemode=True)
    assert post("stripe", body, stripe_signature(body)) == 400
    assert kept() == 0


def test_an_event_in_another_version_is_kept_with_a_remark(post):
    body = an_event(api_version="2020-01-01")
    assert post("stripe", body, stripe_signature(body)) == 200
    with reading() as session:
        assert "2020-01-01" in session.scalars(select(InboxEvent.remark)).one()


def test_a_kind_that_does_not_matter_is_kept_as_ignored(post):
    body = an_event(kind="product.created")
    assert post("stripe", body, stripe_signature(body)) == 200
    with reading() as session:
        assert session.scalars(select(InboxEvent.state)).one() is EventState.IGNORED


def test_a_body_too_large_is_refused_unread(post):
    body = b"x" * (LARGEST_BODY + 1)
    assert post("stripe", body, "t=1,v1=1") == 413
    assert post("gocardless", body, "1") == 413


@pytest.mark.parametrize(("surplus", "answer"), [(0, 200), (1, 413)])
def test_a_body_that_does_not_say_its_length_is_measured_while_it_is_read(counter, surplus, answer):
    body = an_event().ljust(LARGEST_BODY + surplus)
    unmeasured = {
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    headers = {"Stripe-Signature": stripe_signature(body)}

    response = counter.door.app.test_client().post("/webhooks/stripe", headers=headers, environ_overrides=unmeasured)

    assert response.status_code == answer
    assert kept() == (answer == 200)


def test_without_keys_the_door_is_closed(post):
    bare = Settings(mode="test", secret_key=SecretStr("t" * 48), var_dir=get_settings().var_dir)
    use_settings(bare)
    assert post("stripe", an_event(), "t=1,v1=1") == 404
    assert post("gocardless", a_batch(), "1") == 404


@pytest.mark.parametrize("secret", ["", " ", "whsec_1,", ","])
def test_an_empty_secret_refuses_to_start(secret):
    with pytest.raises(ValidationError, match="anyone could forge events"):
        Settings(
            mode="test",
            secret_key=SecretStr("t" * 48),
            stripe_api_key=SecretStr("sk_test_1"),
            stripe_webhook_secret=SecretStr(secret),
        )
    with pytest.raises(ValidationError):
        Settings(mode="test", secret_key=SecretStr("t" * 48), gocardless_access_token=SecretStr("sandbox_1"))


def test_an_empty_secret_that_slipped_through_still_refuses_forged_events(counter):
    from payments.gateways.forged import Forged
    from payments.gateways.gocardless_gateway import GoCardlessGateway
    from payments.gateways.stripe_gateway import StripeGateway

    body = a_batch()
    with pytest.raises(Forged):
        GoCardlessGateway(access_token="t", webhook_secret="", base_url="http://x", is_live=False).read_webhook(
            body, gocardless_signature(body, "")
        )
    with pytest.raises(Forged):
        StripeGateway(api_key="sk_test_1", webhook_secret="", api_base=None, is_live=False).read_webhook(
            body, stripe_signature(body, "")
        )


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    signature=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=90),
)
def test_no_junk_is_kept_and_none_breaks_us(post, body, signature):
    assert post("stripe", body, signature) == 400
    assert post("gocardless", body, signature) == 498
