"""What no message could be sent with is refused before the program starts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.kit.settings import Settings


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:99999"])
def test_a_mail_server_nobody_can_speak_to_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(secret_key="s" * 40, smtp_url=url)


@pytest.mark.parametrize("sender", ["", "Guichet", "Guichet <>", "a@b"])
def test_a_sender_no_message_can_come_from_stops_the_start(sender: str) -> None:
    with pytest.raises(ValidationError):
        Settings(secret_key="s" * 40, mail_sender=sender)


def test_a_sender_may_have_a_name_and_a_domain_in_its_own_letters() -> None:
    assert Settings(secret_key="s" * 40, mail_sender="Guichet <g@société.fr>").mail_sender
