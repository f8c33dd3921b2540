"""Messages at the desk: word by word, without what opens a door."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shared.access.models import LinkPurpose
from shared.kit.db import reading, transaction
from shared.messages import service
from shared.messages.models import Message, MessageStatus


@pytest.fixture
def message(world):
    with transaction() as session:
        written = service.write(
            session, kind="link", debtor_id=world.dora, reason="because", dedupe_key="k", link=LinkPurpose.STAFF
        )
    return written[0]


def test_the_text_is_shown_with_the_link_masked(ines, world, message):
    page = ines.get(f"/messages/{message}").text

    assert "/l/•••" in page
    assert "PERSONAL-LINK" not in page
    assert "PERSONAL-LINK" not in ines.get(f"/messages/{message}/html").text


def test_the_mail_page_can_do_nothing(ines, world, message):
    policy = ines.get(f"/messages/{message}/html").headers["Content-Security-Policy"]

    assert policy.startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("state=waiting", True),
        ("state=sent", False),
        ("kind=link", True),
        ("kind=receipt", False),
        ("q=411dora@client.example", True),
        ("q=dora", True),
        ("q=octave", False),
    ],
)
def test_filters_narrow_the_list(ines, world, message, query, found):
    assert (str(message) in ines.get(f"/messages?{query}").text) is found


def test_only_an_uncertain_or_refused_message_goes_out_again(ines, world, message):
    assert ines.post(f"/messages/{message}/again").status_code == 409
    with transaction() as session:
        session.get_one(Message, message).status = MessageStatus.UNCERTAIN

    assert ines.post(f"/messages/{message}/again").status_code == 303

    with reading() as session:
        assert session.scalars(select(Message.status)).one() is MessageStatus.WAITING


def test_messages_of_another_company_are_not_found(ines, world):
    with transaction() as session:
        theirs = service.write(session, kind="link", debtor_id=world.foreign_debtor, reason="x", dedupe_key="f")[0]

    for path in ("", "/html", "/files/0"):
        assert ines.get(f"/messages/{theirs}{path}").status_code == 404
    assert ines.post(f"/messages/{theirs}/again").status_code == 404
