"""Whatever lowers a claim or sends money back without money coming in is named here, and asks the one book of what is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from backoffice.urls import ROUTES
from shared.giving.models import GiftKind

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("shared", "payments", "portal", "backoffice")

LOWERING = {"write_off", "move_elsewhere", "take_off", "make_note", "take_back"}
MODULES = {"", "ledger", "cancel", "cancelling", "credit"}
"""The verbs of the ledger by which a claim goes, or money goes back, without money coming in."""

ACTS: dict[str, GiftKind | str] = {
    "payments/refunds/service.py:_step": GiftKind.REFUND,
    "payments/refunds/service.py:_write_off": GiftKind.REFUND,
    "payments/chargebacks/service.py:give_up": GiftKind.CHARGEBACK,
    "backoffice/invoices/service.py:_take_off": GiftKind.CANCELLATION,
    "shared/disputes/decide.py:_credit": GiftKind.CREDIT,
    "shared/ledger/cancel.py:take_off": "the verb itself",
    "payments/service.py:_move_ledger": "the bank took it back: nobody gives it",
    "backoffice/debtors/merge.py:merge": "the same document stays owed under the account that stays",
}
"""Where a lowering verb is called: the act to which it belongs, or why nobody gives anything there."""

ASKS: dict[GiftKind, str] = {
    GiftKind.REFUND: "payments/refunds/service.py",
    GiftKind.CREDIT: "backoffice/disputes/service.py",
    GiftKind.CHARGEBACK: "payments/chargebacks/service.py",
    GiftKind.CANCELLATION: "backoffice/invoices/service.py",
}
"""Who weighs each act, and lets a second person agree to it."""

BEGUN_AT: dict[GiftKind, set[str]] = {
    GiftKind.REFUND: {"backoffice.payments.ask_refund", "backoffice.payments.decide_refund"},
    GiftKind.CREDIT: {"backoffice.disputes.decide.accept", "backoffice.disputes.decide.approve_credit"},
    GiftKind.CHARGEBACK: {"backoffice.chargebacks.give_up"},
    GiftKind.CANCELLATION: {"backoffice.invoices.cancel", "backoffice.invoices.approve_cancellation"},
}
"""The addresses by which each act is asked for and agreed to."""


def test_every_place_that_lowers_a_claim_is_known() -> None:
    found = set()
    for name, place in called():
        module, _dot, verb = name.rpartition(".")
        if verb in LOWERING and module in MODULES:
            found.add(place)

    assert found == set(ACTS)


def test_a_dispute_is_accepted_only_where_its_credit_is_weighed() -> None:
    places = {place.partition(":")[0] for name, place in called() if name == "disputes.accept"}

    assert places == {"backoffice/disputes/service.py"}


def test_every_act_that_gives_something_away_is_weighed_and_agreed_to_in_the_one_book() -> None:
    asked = {name: {place.partition(":")[0] for each, place in called() if each == name} for name in VERBS}

    assert set(ASKS) == set(GiftKind)
    assert asked == {name: set(ASKS.values()) for name in VERBS}


VERBS = ("giving.weigh", "giving.agree", "giving.decide")


def test_the_book_is_written_beside_its_verbs_by_imports_alone() -> None:
    """They note thousands in one statement, up to the limit, and leave the rest to the desk."""
    written = {
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "INSERT INTO gift " in path.read_text() and "migrations" not in path.parts
    }

    assert written == {"backoffice/imports/known.py"}


def test_nothing_is_given_away_without_a_fresh_proof() -> None:
    guards = {route.endpoint: route.guard.name for route in ROUTES if "POST" in route.methods}

    assert set(BEGUN_AT) == set(GiftKind)
    assert {name for names in BEGUN_AT.values() for name in names if not guards[name].endswith(":fresh")} == set()


def called() -> Iterator[tuple[str, str]]:
    """Every call in the source: what is called (as it is written) and "path:function around it"."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT)
            if "twins" in where.parts:  # stand-ins of providers: no books of ours
                continue
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef):
                    for node in ast.walk(function):
                        if isinstance(node, ast.Call):
                            yield ast.unparse(node.func), f"{where}:{function.name}"
