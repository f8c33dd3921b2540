"""Headers arrive as they were written."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit import mime

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
    return mime.compose(
        [
            ("From", mime.mailbox("From", name, "compta@atelier.example")),
            ("To", mime.mailbox("To", name, "dora@client.example")),
            ("Subject", mime.header("Subject", subject)),
        ],
        text="Bonjour",
        html="<p>Bonjour</p>",
    )


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


@pytest.mark.parametrize(
    "name",
    [
        "Etablissements Dupont, Durand (Rennes); Fils et Compagnie de la Menuiserie Generale de l Ouest",
        'Dupont, "Dudu" \\ Durand',
        "x" * 300,
        "=?utf-8?q?x?=",
        "Éts Dupont, Durand; (Ouest)",
        "<a@b.example>, c@d.example",
    ],
)
def test_a_long_name_with_a_comma_is_one_address(name: str) -> None:
    data = sent("Facture", name)

    raw = message_from_bytes(data)["To"].replace("\r\n", "")
    assert getaddresses([raw])[0][1] == "dora@client.example"
    assert len(getaddresses([raw])) == 1
    got = message_from_bytes(data, policy=default)["To"].addresses
    assert [(one.display_name, one.addr_spec) for one in got] == [(name, "dora@client.example")]


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=2000))
def test_nothing_that_is_written_keeps_a_message_from_being_composed(subject: str, name: str, body: str) -> None:
    data = mime.compose(
        [("To", mime.mailbox("To", name, "d@c.example")), ("Subject", mime.header("Subject", subject))],
        text=body,
        html=body,
        files=[mime.File(name, "application/pdf", b"%PDF")],
    )

    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    got = message_from_bytes(data, policy=default)
    assert [one.addr_spec for one in got["To"].addresses] == ["d@c.example"]
    assert set(got.keys()) == {"To", "Subject", "MIME-Version", "Content-Type"}
    said = body.encode("utf-8", "replace").decode()
    assert got.get_body(("plain",)).get_content().split() == said.split()
    (file,) = got.iter_attachments()
    assert file.get_content() == b"%PDF"


def test_both_parts_and_the_files_arrive() -> None:
    text = "Bonjour,\n\n.un point\n" + "mot " * 60 + "\nà régler\u00a0: 12,00\u00a0€\n=3D\n"
    data = mime.compose(
        [("Subject", "x")],
        text=text,
        html="<p>été</p>" * 500,
        files=[mime.File("Relevé « été ».pdf", "application/pdf", bytes(range(256)))],
    )
    got = message_from_bytes(data, policy=default)

    assert got.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
    assert got.get_body(("html",)).get_content().strip() == "<p>été</p>" * 500
    (file,) = got.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Relevé « été ».pdf", bytes(range(256)))
