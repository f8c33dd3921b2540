"""Exports of programs as they are: each is recognised, said, and adds up to what its own lines say."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.imports.conventions import Choices
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.presets import PRESETS
from backoffice.imports.source import Source

PROGRAMS = Path(__file__).resolve().parents[2] / "data" / "imports" / "programs"

# What is open, in cents, added up by hand from the files: by number, credit notes below zero.
TRUTH: dict[str, tuple[str | None, dict[str, int], int]] = {
    "xero": ("Xero, sales invoices", {"XINV-1": 12000, "XINV-2": 20000, "CN-1": -3000}, 2),
    "quickbooks": ("QuickBooks, open invoices or aging detail", {"1001": 123450, "1002": -3450, "1003": 20000}, 0),
    "zoho": ("Zoho, invoices", {"INV-1": 12000, "INV-2": 20000, "INV-4": 0}, 2),
    "freshbooks": ("FreshBooks, invoice details", {"0000001": 10800, "0000002": 0}, 1),
    "harvest": ("Harvest, invoice report", {"2026-01": 2016000, "2026-02": 20000}, 0),
    "odoo": (
        "Odoo, invoices",
        {"INV/2026/0001": 12000, "INV/2026/0002": 20000, "RINV/2026/0001": -3000, "INV/2026/0003": 0},
        1,
    ),
    "odoo-technical": ("Odoo, account.move", {"INV/1": 12000, "RINV/1": -3000, "INV/2": 0}, 3),
    "odoo-fr": ("Odoo, factures", {"FAC/2026/0001": 12000, "FAC/2026/0002": 20000, "RFAC/2026/0001": -3000}, 1),
    "dolibarr": ("Dolibarr, factures clients", {"FA2606-0001": 12000, "FA2606-0002": 0, "AV2606-0001": -3000}, 2),
    "sap": ("SAP, customer line items (FBL5N)", {"1800000001": 123456, "1600000001": -3456, "1800000002": 0}, 0),
    "business-central": (
        "Business Central, customer ledger entries", {"103001": 120000, "103002": 0, "104001": -6000}, 0,
    ),
    "stripe": ("Stripe, invoices", {"A1B2-0001": 12000, "A1B2-0002": 0, "A1B2-0004": 6000}, 2),
    "pennylane": ("Pennylane, factures clients", {"F-2026-01": 12000, "F-2026-02": 20000, "A-2026-01": -3000}, 2),
    "german": (None, {"RE-1": 119000, "RE-2": 0, "GS-1": -11900}, 1),
    "spanish": (None, {"F-1": 12100, "F-2": 0}, 1),
    "italian": (None, {"1/2026": 12200, "2/2026": 0, "3/2026": -1220}, 0),
}  # fmt: skip


def read(name: str, **choices: object):
    return read_table(Source(PROGRAMS / f"{name}.csv"), Choices(**choices))


@pytest.mark.parametrize("name", TRUTH)
def test_an_export_is_recognised_and_adds_up(name):
    called, truth, left_out = TRUTH[name]

    plan = read(name)

    assert (plan.fault_counts, plan.questions) == ({}, ())
    assert plan.facts["preset"] == called
    documents = [item for item in plan.items if item.kind != "credit"]
    payments = sum(
        item.open for item in plan.items if item.kind == "credit"
    )  # money that settles no invoice of the file
    assert {i.number: i.open if i.kind == "invoice" else -i.open for i in documents} == truth
    assert payments == (5000 if name in {"quickbooks", "business-central", "sap"} else 0)
    assert plan.counts["left_out"] == left_out
    assert sum(line.balance for line in plan.certificate) == sum(truth.values()) - payments
    assert plan.sound


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_program_has_all_that_an_invoice_needs(preset):
    assert {"number", "issued_on", "total"} <= set(preset.roles.values())
    assert {"debtor_name", "debtor_code"} & set(preset.roles.values())


def test_an_account_of_the_ledger_is_no_customer():
    [alpha, beta] = read("xero").debtors

    assert [(d.code, d.email) for d in (alpha, beta)] == [
        ("Alpha Ltd", "compta@alpha.example"),
        ("Beta SA", "compta@beta.example"),
    ]
    assert alpha.country == "GB"


def test_a_ledger_of_debits_and_credits_keeps_its_payments():
    plan = read("ledger")

    assert (plan.form, plan.fault_counts) == ("ledger", {})
    assert {line.debtor: line.balance for line in plan.certificate} == {"C1": 16000, "C2": 20000}
    assert {i.number: i.open for i in plan.items if i.open} == {"RAN-20260101-C1": 10000, "F2": 6000, "F3": 20000}
    assert plan.sound
    assert {i.number: i.due_derived for i in plan.items if i.number == "F2"} == {"F2": False}


def test_a_ledger_is_written_and_certified(desk):
    outcome = desk.take((PROGRAMS / "ledger.csv").read_bytes())

    assert (outcome.faults, outcome.form) == ((), "ledger")
    assert desk.debtors() == {"C1": (16000, 0), "C2": (20000, 0)}
    assert desk.take((PROGRAMS / "ledger.csv").read_bytes()).result["invoices_changed"] == 0


@pytest.mark.parametrize("name", TRUTH)
def test_an_export_is_imported_twice_without_a_change(desk, name):
    first = desk.take((PROGRAMS / f"{name}.csv").read_bytes())
    again = desk.take((PROGRAMS / f"{name}.csv").read_bytes())

    assert (first.faults, again.faults) == ((), ())
    assert (again.result["invoices_added"], again.result["invoices_changed"]) == (0, 0)
    assert sum(open_ for open_, _ in desk.debtors().values()) == sum(TRUTH[name][1].values())
