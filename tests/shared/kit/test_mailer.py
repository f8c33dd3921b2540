"""Headers arrive as they were written."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.mailer import MAIL_POLICY

WORDS = (
    "Menuiserie",
    "Paul",
    "demande un",
    "échéancier\u00a0:",
    "à",
    "décider",
    "€1,200.00",
    "«\u202fÉté\u202f»",
    "F-1",
    "l’avoir",
)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=25).map(" ".join)


def sent(subject: str, name: str) -> bytes:
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=name, addr_spec="compta@atelier.example")
    mail["To"] = Address(display_name=name, addr_spec="dora@client.example")
    mail["Subject"] = subject
    mail.set_content("Bonjour", cte="quoted-printable")
    return mail.as_bytes()


@given(texts, texts)
def test_subjects_and_names_arrive_as_they_were_written(subject: str, name: str) -> None:
    data = sent(subject, name)

    got = message_from_bytes(data, policy=default)
    assert got["Subject"] == subject
    raw = message_from_bytes(data)
    assert (
        str(make_header(decode_header(raw["To"].replace("\r\n", "")))).replace('"', "")
        == f"{name} <dora@client.example>"
    )
    assert [one.addr_spec for one in got["To"].addresses] == ["dora@client.example"]
    head = data.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(len(line) for line in head.split(b"\r\n")) <= 78
    assert not re.search(rb"\?==\?|[^\s]=\?utf-8", head), "encoded words must not touch anything (RFC 2047 §5)"


@pytest.mark.parametrize("text", ["Menuiserie Rivoal demande un échéancier\u00a0: à vous de décider", "Plain words"])
def test_a_space_after_a_colon_stays(text: str) -> None:
    assert message_from_bytes(sent(text, text), policy=default)["Subject"] == text
