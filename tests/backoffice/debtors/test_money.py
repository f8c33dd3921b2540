"""Money recorded by hand, and credit put to use."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from payments.models import Payment
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.audit import AuditLine
from shared.kit.db import reading


def form_of(desk, world, path="receipts/new") -> dict[str, str]:
    page = desk.get(f"/debtors/{world.dora}/{path}").text
    return {"attempt": re.search(r'name="attempt"[^>]*value="([^"]+)"', page)[1]}


def receipt(desk, world, **more: str):
    form = {"means": "transfer", "amount": "100", "received_on": "9/3/2026", "spread": "oldest", "act": "record"}
    return desk.post(f"/debtors/{world.dora}/receipts/new", {**form_of(desk, world), **form, **more})


def open_of(*identities) -> list[int]:
    with reading() as session:
        return [session.get_one(Invoice, each).open_minor for each in identities]


def credit_of(world) -> int:
    with reading() as session:
        return session.get_one(Debtor, world.dora).credit_minor


def test_a_transfer_settles_the_oldest_first_and_the_rest_is_credit(ines, world):
    answer = receipt(ines, world, amount="1 210,00")

    assert answer.status_code == 303
    assert open_of(world.late, world.coming) == [0, 0]
    assert credit_of(world) == 101_000
    with reading() as session:
        payment = session.scalars(select(Payment)).one()
    assert (payment.status, payment.amount_minor) == (PaymentStatus.CONFIRMED, 121_000)


def test_a_part_stays_a_part(ines, world):
    receipt(ines, world, amount="130")

    assert open_of(world.late, world.coming) == [0, 7_000]
    assert credit_of(world) == 0


def test_by_hand_the_debtor_chooses(ines, world):
    receipt(ines, world, amount="100", spread="by_hand", **{f"part-{world.coming}": "80,00"})

    assert open_of(world.late, world.coming) == [12_000, 0]
    assert credit_of(world) == 2_000


def test_looking_shows_the_spread_and_writes_nothing(ines, world):
    page = receipt(ines, world, amount="130", act="look")

    assert page.status_code == 200
    assert re.search(rf'name="part-{world.late}"\s+value="€120.00"', page.text)
    assert open_of(world.late, world.coming) == [12_000, 8_000]


@pytest.fixture
def narrow(monkeypatch):
    """A page has room for one invoice."""
    monkeypatch.setattr("backoffice.debtors.money.spread.SHOWN", 1)


def test_money_is_spread_over_all_invoices_and_not_only_over_those_on_the_page(ines, world, narrow):
    receipt(ines, world, amount="200")

    assert open_of(world.late, world.coming) == [0, 0]
    assert credit_of(world) == 0


def test_a_page_that_shows_some_invoices_says_so_and_finds_the_others_by_number(ines, world, narrow):
    page = ines.get(f"/debtors/{world.dora}/receipts/new").text
    assert "1 of 2 open invoices are shown" in page
    assert f"part-{world.coming}" not in page
    with reading() as session:
        number = session.get_one(Invoice, world.coming).number

    found = receipt(ines, world, act="find", find=number, amount="", **{f"part-{world.late}": "5,00"})

    assert found.status_code == 200
    assert re.search(rf'<input class="form-control form-control-sm"\s+name="part-{world.coming}"', found.text)
    assert re.search(rf'<input type="hidden"\s+name="part-{world.late}"\s+value="5,00">', found.text)


def test_a_fault_beside_an_invoice_that_is_not_on_the_page_is_shown(ines, world, narrow):
    page = receipt(ines, world, amount="100", spread="by_hand", **{f"part-{world.coming}": "999,00"})

    assert page.status_code == 422
    assert "At most €80.00 can be settled." in page.text


def test_the_same_form_sent_twice_is_one_receipt(ines, world):
    form = form_of(ines, world) | {
        "means": "cheque",
        "amount": "50",
        "received_on": "9/3",
        "spread": "oldest",
        "act": "record",
    }
    form["received_on"] = "9/3/2026"

    for _ in range(2):
        assert ines.post(f"/debtors/{world.dora}/receipts/new", form).status_code == 303

    assert open_of(world.late) == [7_000]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"amount": "lots"}, "This is not an amount"),
        ({"amount": "0"}, "more than zero"),
        ({"amount": ""}, "Write an amount"),
        ({"received_on": "11/3/2026"}, "still to come"),
        ({"received_on": "31/2/2026"}, "This is not a day"),
        ({"means": "card"}, "Not a valid choice"),
        ({"spread": "by_hand"}, None),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(ines, world, more, said):
    page = receipt(ines, world, memo="VIR 4711", **more)

    if said is None:
        assert credit_of(world) == 10_000
        return
    assert page.status_code == 422
    assert said in page.text
    assert 'value="VIR 4711"' in page.text
    assert open_of(world.late) == [12_000]


@pytest.mark.parametrize("typed", ["120.01", "-5", "x"])
def test_an_invoice_gets_no_more_than_it_can_take(ines, world, typed):
    page = receipt(ines, world, amount="500", spread="by_hand", **{f"part-{world.late}": typed})

    assert page.status_code == 422
    assert f'value="{typed}"' in page.text
    assert open_of(world.late) == [12_000]


def test_no_more_is_spread_than_came(ines, world):
    parts = {f"part-{world.late}": "120", f"part-{world.coming}": "80"}

    page = receipt(ines, world, amount="150", spread="by_hand", **parts)

    assert page.status_code == 422
    assert "€50.00 more than there is" in page.text


def test_credit_is_used_for_what_is_open(ines, world):
    receipt(ines, world, amount="50", spread="by_hand")
    assert credit_of(world) == 5_000

    ines.post(f"/debtors/{world.dora}/credit", {**form_of(ines, world, "credit"), "spread": "oldest"})

    assert credit_of(world) == 0
    assert open_of(world.late) == [7_000]
    with reading() as session:
        assert session.scalars(select(AuditLine).where(AuditLine.action == "credit.applied")).one()


def test_an_undone_receipt_opens_what_it_settled(ines, world):
    receipt(ines, world, amount="120")
    with reading() as session:
        payment = session.scalars(select(Payment.id)).one()

    assert ines.post(f"/payments/{payment}/undo", {"reason": "wrong debtor"}).status_code == 303

    assert open_of(world.late) == [12_000]
    assert "wrong debtor" in ines.get(f"/payments/{payment}").text
    assert ines.post(f"/payments/{payment}/undo", {"reason": "again"}).status_code == 409
