"""What no message could be sent with is refused before the program starts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.kit.settings import Settings


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:99999"])
def test_a_mail_server_nobody_can_speak_to_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(mode="test", secret_key="s" * 40, smtp_url=url)


@pytest.mark.parametrize("sender", ["", "Guichet", "Guichet <>", "a@b"])
def test_a_sender_no_message_can_come_from_stops_the_start(sender: str) -> None:
    with pytest.raises(ValidationError):
        Settings(mode="test", secret_key="s" * 40, mail_sender=sender)


def test_a_sender_may_have_a_name_and_a_domain_in_its_own_letters() -> None:
    assert Settings(mode="test", secret_key="s" * 40, mail_sender="Guichet <g@société.fr>").mail_sender


GOOD = {
    "mode": "production",
    "secret_key": "0123456789abcdef" * 4,
    "public_url": "https://paiement.example.fr",
    "smtp_url": "smtp://user:word@mail.example:587",
    "stripe_api_key": "sk_live_x",
    "stripe_webhook_secret": "whsec_0123456789abcdef",
}


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"public_url": "http://paiement.example.fr"}, "PUBLIC_URL"),
        ({"secret_key": "k" * 32}, "SECRET_KEY"),
        ({"secret_key": "abcabcab" * 8}, "SECRET_KEY"),
        ({"stripe_webhook_secret": "x"}, "STRIPE_WEBHOOK_SECRET"),
        ({"stripe_webhook_secret": "whsec_0123456789abcdef,y"}, "STRIPE_WEBHOOK_SECRET"),
        ({"smtp_url": "smtp://user:word@mail.example"}, "SMTP_URL"),
        ({"smtp_url": "smtp://user:word@mail.example:25"}, "SMTP_URL"),
    ],
)
def test_production_does_not_start_on_what_only_a_demo_may_have(odd: dict[str, str], named: str) -> None:
    with pytest.raises(ValidationError, match=f"GUICHET_{named} "):
        Settings(**(GOOD | odd))


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"public_url": "http://127.0.0.1:8000"},
        {"smtp_url": "smtp://localhost"},
        {"smtp_url": "smtps://u:p@mail.example"},
    ],
)
def test_a_good_production_starts(other: dict[str, str]) -> None:
    assert Settings(**(GOOD | other)).mode == "production"
