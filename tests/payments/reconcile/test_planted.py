"""One row or one cent of money, spoilt behind our back: each kind is found and named."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.reconcile.proof import Proof
from payments.reconcile.verify import LOCAL, check_books, verify
from shared.kit.seals import SEALED
from tests.payments.reconcile.planted import AT_PROVIDERS, HERE
from tests.support.spoil import spoiling, spoiling_for_a_moment

NEVER_IN_THIS_WORLD = {
    "plan completed",
    "announced and its debit",
    "debit beyond what was announced",
    "invoice taken back",
}


def test_a_world_that_has_lived_is_clean(world):
    proof = verify()

    assert [str(one) for one in proof.differences] == []
    assert {name for name, count in proof.compared.items() if not count} == NEVER_IN_THIS_WORLD
    assert proof.compared["stripe payment"] >= 5
    assert proof.compared["gocardless payment"] >= 4
    assert proof.compared["stripe payout"] >= 1
    assert proof.compared["gocardless payout"] >= 1


@pytest.mark.parametrize(("check", "statements"), [pytest.param(p[1], p[2:], id=p[0]) for p in HERE])
def test_what_is_spoilt_is_found_and_named(spoilt, check, statements):
    with spoiling_for_a_moment() as session:
        for statement in statements:
            assert session.execute(text(statement)).rowcount
        proof = Proof()
        check_books(session, proof)

    assert check in {one.check for one in proof.differences}


@pytest.mark.parametrize(("check", "statements"), [pytest.param(p[1], p[2:], id=p[0]) for p in AT_PROVIDERS])
def test_what_only_a_provider_knows_is_found_and_named(world, check, statements):
    with spoiling() as session:
        for statement in statements:
            assert session.execute(text(statement)).rowcount

    assert check in {one.check for one in verify().differences}


def test_more_than_sixty_kinds_are_planted_and_no_check_is_left_out():
    planted = [*HERE, *AT_PROVIDERS]
    assert len({one[0] for one in planted}) == len(planted) > 100
    named = {one[1] for one in planted}
    assert set(LOCAL) - named == set()
    assert {name for name in named if " row " in name} <= {
        f"{table} row {what}" for table in SEALED for what in ("gone", "changed", "not sealed")
    }
