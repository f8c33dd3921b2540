from __future__ import annotations

import io
import re
import uuid

import pytest
from sqlalchemy import select

from shared.attachments.models import Attachment
from shared.disputes.models import Dispute, DisputePart
from shared.invoices.models import Invoice
from shared.kit.db import reading


def made() -> list[Dispute]:
    with reading() as session:
        return list(session.scalars(select(Dispute)))


def fields(desk, path: str, **more: object) -> dict[str, object]:
    """The form as it is shown, with the contact that stands first."""
    text = desk.get(path).text
    attempt = re.search(r'name="attempt"[^>]*value="([^"]+)"', text)[1]
    contact = re.search(r'name="contact".*?value="([0-9a-f-]{36})"', text, re.DOTALL)[1]
    return {"attempt": attempt, "contact": contact, "reason": "price", "text": "He telephoned: too dear.", **more}


def test_staff_open_one_over_an_amount(ines, world) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    sent = fields(ines, path, invoice=str(world.late), **{f"amount-{world.late}": "30"})
    answer = ines.post(path, sent)
    again = ines.post(path, sent)

    [dispute] = made()
    assert answer.headers["Location"] == again.headers["Location"] == f"/disputes/{dispute.id}"
    assert (dispute.claimed_minor, dispute.opened_by_kind, dispute.opened_by_name) == (3_000, "staff", "Inès Morel")
    with reading() as session:
        assert session.get_one(Invoice, world.late).frozen_minor == 3_000


def test_an_empty_amount_is_all_of_it_and_several_invoices_go_together(ines, world) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    ines.post(path, fields(ines, path, invoice=[str(world.late), str(world.coming)]))

    with reading() as session:
        assert sorted(session.scalars(select(DisputePart.amount_minor))) == [8_000, 12_000]


def test_from_an_invoice_that_invoice_is_ticked(ines, world) -> None:
    text = ines.get(f"/debtors/{world.dora}/disputes/new?invoice={world.coming}").text

    assert "F-2026-002" in text
    assert "F-2026-001" not in text
    assert re.search(rf'value="{world.coming}"\s+checked', text)


def test_a_file_goes_with_it(ines, world) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    data = fields(
        ines, path, invoice=str(world.late), csrf_token=ines.token(path), files=(io.BytesIO(b"a note"), "n.txt")
    )
    assert ines.client.post(path, data=data, headers={"Accept-Language": "en"}).status_code == 303

    with reading() as session:
        assert session.scalars(select(Attachment.name)).one() == "n.txt"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"invoice": ""}, "Tick at least one invoice."),
        ({"reason": ""}, "Choose a reason."),
        ({"text": ""}, "Write a few words."),
        ({"amount": "130"}, "At most €120.00."),
        ({"amount": "0"}, "At most €120.00."),
        ({"amount": "much"}, "This is not an amount."),
        ({"contact": str(uuid.uuid4())}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(ines, world, changed: dict[str, str], words: str) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    changed = dict(changed)
    amount = changed.pop("amount", "30")
    sent = fields(ines, path, invoice=str(world.late), **{f"amount-{world.late}": amount}) | changed
    answer = ines.post(path, sent)

    assert answer.status_code == 422
    assert words in answer.text
    assert made() == []
    if sent["text"]:
        assert "He telephoned: too dear.</textarea>" in answer.text


def test_another_companys_debtor_or_invoice_is_not_there(ines, world) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    sent = fields(ines, path)

    assert ines.get(f"/debtors/{world.foreign_debtor}/disputes/new").status_code == 404
    assert ines.post(f"/debtors/{world.foreign_debtor}/disputes/new", sent).status_code == 404
    assert ines.get(f"{path}?invoice={world.foreign_invoice}").status_code == 404
    assert ines.get(f"{path}?invoice=nonsense").status_code == 404
    assert ines.post(path, sent | {"invoice": str(world.foreign_invoice)}).status_code == 422
    assert made() == []


def test_when_nothing_is_left_the_page_says_so(ines, world) -> None:
    path = f"/debtors/{world.dora}/disputes/new"
    ines.post(path, fields(ines, path, invoice=[str(world.late), str(world.coming)]))

    assert "Nothing can be contested" in ines.get(path).text


def test_debtor_and_invoice_lead_here_and_tell_of_it(ines, world) -> None:
    debtor, invoice = f"/debtors/{world.dora}", f"/invoices/{world.late}"
    assert f'href="{debtor}/disputes/new"' in ines.get(debtor).text
    assert f'href="{debtor}/disputes/new?invoice={world.late}"' in ines.get(invoice).text
    ines.post(f"{debtor}/disputes/new", fields(ines, f"{debtor}/disputes/new", invoice=str(world.late)))

    [dispute] = made()
    for page in (debtor, invoice, f"{debtor}?story=said"):
        text = ines.get(page).text
        assert f'href="/disputes/{dispute.id}"' in text, page
        assert dispute.reference in text
