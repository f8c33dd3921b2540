"""The hosted pages as a browser without JavaScript meets them, the control page and the inbox."""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from tests.payments.twins.conftest import Cards, Debits
from tests.support.twins import TwinsProcess

CARD = {
    "number": "4242 4242 4242 4242",
    "expiry": "12 / 34",
    "cvc": "123",
    "name": "Dora Petit",
    "email": "d@example.com",
}


def _post(url: str, **fields: str) -> requests.Response:
    return requests.post(url, data=fields, allow_redirects=False, timeout=10)


def _get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, allow_redirects=False, timeout=10)


def test_a_card_is_typed_and_the_browser_sent_back(cards: Cards):
    session = cards.open(123_456)
    shown = _get(session.url)
    assert "1\u202f234,56\xa0€" in shown.text
    assert "Payer par carte" in shown.text
    assert "script" not in shown.text.lower()

    paid = _post(session.url, **CARD)

    assert paid.status_code == 303
    assert paid.headers["Location"] == f"https://portal.example/done?session={session.id}"
    charge = cards.twins.objects("stripe", "charge")[0]
    assert (charge["billing_details"]["name"], charge["payment_method_details"]["card"]["exp_year"]) == (
        "Dora Petit",
        2034,
    )
    assert _post(session.url, **CARD).text.count("Ce paiement a été effectué") == 1
    assert len(cards.twins.objects("stripe", "charge")) == 1


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"number": "4000 0000 0000 0002"}, 402, "Your card was declined."),
        ({"number": "4000000000009995"}, 402, "insufficient funds"),
        ({"number": "4242 4242 4242 4241"}, 422, "Your card number is invalid."),
        ({"number": "4111 1111 1111 1111"}, 402, "This is a test page"),
        ({"expiry": "13 / 34"}, 422, "expiry date is incomplete"),
        ({"expiry": "12 / 20"}, 422, "in the past"),
        ({"cvc": "1"}, 422, "security code is incomplete"),
        ({"name": ""}, 422, "enter the name"),
    ],
)
def test_what_is_wrong_is_said_and_the_page_stays(cards: Cards, typed: dict[str, str], status: int, said: str):
    session = cards.open(locale="en")
    answer = _post(session.url, **(CARD | typed))
    assert answer.status_code == status
    assert said in answer.text
    assert cards.client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_challenge_is_a_page_of_its_own(cards: Cards):
    session = cards.open(locale="en")
    asked = _post(session.url, **(CARD | {"number": "4000 0025 0000 3155"}))
    challenge = cards.twins.url + asked.headers["Location"]
    assert "Complete authentication" in _get(challenge).text
    assert "unable to authenticate" in _post(challenge, answer="fail").text
    _post(session.url, **(CARD | {"number": "4000 0025 0000 3155"}))
    assert _post(challenge, answer="complete").headers["Location"].startswith("https://portal.example/done")


def test_a_card_page_that_is_over_says_so(cards: Cards):
    session = cards.open(locale="en")
    cards.client.v1.checkout.sessions.expire(session.id)
    answer = _get(session.url)
    assert (answer.status_code, "This page has expired" in answer.text) == (410, True)
    assert _get(f"{cards.twins.url}/c/pay/cs_test_nothing").status_code == 404


DETAILS = {
    "company_name": "Boulangerie Dora",
    "email": "dora@example.com",
    "address_line1": "3 rue du Four",
    "postal_code": "35000",
    "city": "Rennes",
    "country_code": "FR",
    "iban": "FR14 2004 1010 0505 0001 3M02 606",
}


def test_a_mandate_is_read_and_signed(debits: Debits):
    flow = debits.flow(language="fr")
    first = _get(flow.authorisation_url)
    assert "Boulangerie Dora" in first.text
    assert "dora@example.com" in first.text
    given = _post(flow.authorisation_url, **DETAILS)
    confirm = _get(debits.twins.url + given.headers["Location"])
    assert "huit semaines" in confirm.text
    assert "FR14 2004 1010 0505 0001 3M02 606" in confirm.text

    signed = _post(f"{flow.authorisation_url}/confirm")

    assert signed.headers["Location"] == f"https://portal.example/mandate/done?outcome=success&id={flow.id}"
    mandate = debits.twins.objects("gocardless", "mandates")[0]
    customer = debits.client.customers.get(mandate["links"]["customer"])
    assert (customer.company_name, customer.city) == ("Boulangerie Dora", "Rennes")
    assert "est en place" in _get(flow.authorisation_url).text
    assert _post(f"{flow.authorisation_url}/confirm").status_code == 200
    assert len(debits.twins.objects("gocardless", "mandates")) == 1
    paper = debits.client.mandate_pdfs.create(params={"links": {"mandate": mandate["id"]}})
    assert mandate["reference"] in _get(paper.url).text


def test_a_wrong_iban_is_marked_and_nothing_is_signed_unread(debits: Debits):
    flow = debits.flow(language="en")
    answer = _post(flow.authorisation_url, **(DETAILS | {"iban": "FR14 2004 1010 0505 0001 3M02 607"}))
    assert (answer.status_code, "This IBAN is not valid" in answer.text) == (422, True)
    assert _post(f"{flow.authorisation_url}/confirm").headers["Location"] == f"/billing/{flow.id}"
    assert debits.twins.objects("gocardless", "mandates") == []


def test_a_flow_expires_and_a_cancelled_request_closes_its_page(debits: Debits):
    old, cancelled = debits.flow(), debits.flow()
    debits.client.billing_requests.cancel(cancelled.links.billing_request)
    assert _get(cancelled.authorisation_url).status_code == 410
    debits.twins.advance(8)
    assert _get(old.authorisation_url).status_code == 410
    assert _get(f"{debits.twins.url}/billing/BRF404").status_code == 404


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_control_page_moves_time_and_tells_what_there_is(cards: Cards, debits: Debits, language: str):
    cards.paid(card="chargeback")
    debits.pay(debits.mandate())
    url = f"{cards.twins.url}/_twin/?lang={language}"
    assert {"fr": "mardi 10 mars 2026", "en": "10 March 2026"}[language] in _get(url).text
    _post(f"{cards.twins.url}/_twin/go", advance_days="1")
    page = _get(url).text
    assert {"fr": "mercredi 11 mars 2026", "en": "11 March 2026"}[language] in page
    assert "needs_response" in page
    assert "4000 0000 0000 0259" in page
    assert "FR0820041010050000000AM0403" in page
    assert _post(f"{cards.twins.url}/_twin/go", advance_days="-1").status_code == 422
    _post(
        f"{cards.twins.url}/_twin/faults", kind="slow", times="2", seconds="0.1", provider="stripe", match="", status=""
    )
    assert cards.twins.faults()[0]["left"] == 2
    _post(f"{cards.twins.url}/_twin/faults/clear")
    assert cards.twins.faults() == []


def test_pages_are_neither_kept_nor_scripted(cards: Cards):
    for path in ("/_twin/", "/inbox/", f"/c/pay/{cards.open().id}"):
        answer = _get(cards.twins.url + path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"https?://(?!127|portal\.example)", answer.text)


def _send(twins: TwinsProcess, to: str, subject: str, html: str = "", **more: Any) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Guichet <compta@example.com>", to, subject
    message.set_content("Bonjour, voir https://portal.example/l/abc")
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in more.items():
        message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{name}.pdf")
    with smtplib.SMTP("127.0.0.1", twins.smtp_port) as smtp:
        smtp.send_message(message)


def test_mails_arrive_in_the_inbox_with_their_parts(twins: TwinsProcess):
    _send(twins, "dora@example.com", "Rappel – échéance", "<p>Bonjour</p><script>alert(1)</script>", facture=b"%PDF")
    _send(twins, "paul@example.com", "Autre")

    assert [mail["subject"] for mail in twins.inbox()] == ["Autre", "Rappel – échéance"]
    mail = twins.inbox("Dora@Example.com")[0]
    assert (mail["to"], mail["text"].strip()) == (["dora@example.com"], "Bonjour, voir https://portal.example/l/abc")
    assert mail["headers"]["From"] == "Guichet <compta@example.com>"
    assert requests.get(twins.url + mail["attachments"][0]["url"], timeout=5).content == b"%PDF"
    shown = _get(f"{twins.url}/inbox/{mail['id']}")
    assert 'sandbox="allow-popups' in shown.text
    assert 'href="https://portal.example/l/abc"' in shown.text
    frame = _get(f"{twins.url}/inbox/{mail['id']}/html")
    assert frame.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "allow-scripts" not in frame.headers["Content-Security-Policy"]
    assert "paul@" not in _get(f"{twins.url}/inbox/?to=dora").text
    twins.clear_inbox()
    assert twins.inbox() == []
    assert _get(f"{twins.url}/inbox/{mail['id']}").status_code == 404


def test_every_text_of_the_pages_is_in_french_too():
    from pathlib import Path

    from babel.messages.extract import extract_from_dir
    from babel.messages.pofile import read_po

    root = Path(__file__).parents[3]
    found = {
        message
        for folder, methods in (
            ("payments/twins", [("**.py", "python")]),
            ("templates/twins", [("**.html", "jinja2")]),
        )
        for _, _, message, _, _ in extract_from_dir(root / folder, method_map=methods, keywords={"_": None})
    }
    with (root / "shared/translations/fr/twins.po").open("rb") as file:
        french = {message.id for message in read_po(file) if message.id and message.string and not message.fuzzy}
    assert found == french


def test_the_pages_name_the_company_that_collects(tmp_path) -> None:
    """What the demo tells the twins of its company is what GoCardless would know of its creditor."""
    import requests

    from tests.support.twins import GOCARDLESS_TOKEN, TwinsProcess

    told = ["--creditor-name", "Atelier des Lices", "--creditor-ics", "FR72ZZZ123456"]
    twins = TwinsProcess(tmp_path, extra=told).start()
    try:
        headers = {"Authorization": f"Bearer {GOCARDLESS_TOKEN}", "GoCardless-Version": "2015-07-06"}
        answer = requests.get(f"{twins.url}/creditors", headers=headers, timeout=10).json()
    finally:
        twins.stop()

    (creditor,) = answer["creditors"]
    assert creditor["name"] == "Atelier des Lices"
    assert creditor["scheme_identifiers"][0]["reference"] == "FR72ZZZ123456"


def test_a_mail_server_that_is_away_and_a_mailbox_that_is_not_there_are_answered_as_such(twins: TwinsProcess):
    twins.fault("mail_refused", match="gone@", times=0)
    twins.fault("mail_away", match="dora@")

    def send(to: str) -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", twins.smtp_port) as smtp:
            smtp.ehlo()
            smtp.mail("us@example.com")
            answer = smtp.rcpt(to)
            smtp.rset()
            return answer

    assert send("Gone@example.com") == (550, b"5.1.1 there is no such mailbox")
    assert [send("dora@example.com")[0] for _ in range(2)] == [421, 250]
    assert send("gone@example.com")[0] == 550
