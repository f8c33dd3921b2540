"""`guichet correct`: two people at the command line, each with a second factor of their own."""

from __future__ import annotations

import json

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from backoffice.access import second_factor, service
from backoffice.access.permissions import Role
from backoffice.system.commands import correct
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import Refused
from tests.support.people import SYSTEM, a_company, a_debtor


def member(email: str, role: Role, frozen) -> list[str]:
    """Somebody at the desk; gives recovery codes, each good for one act."""
    with transaction() as session:
        made = service.add_member(
            session, email=email, name=email, role=role, language="fr", password_hash="x", by=SYSTEM
        )
        salt = second_factor.new_salt()
        first = pyotp.TOTP(second_factor.secret_of(salt)).at(frozen.now())
        codes = service.confirm_enrolment(session, made.id, salt=salt, code=first, by=SYSTEM)
    assert codes
    return codes


@pytest.fixture
def spoilt(database, settings, frozen):
    with transaction() as session:
        debtor_id = a_debtor(session, a_company(session)).id
        session.execute(text("UPDATE debtor SET credit_minor = 1"))
    return debtor_id


def run(*words: str, code: str = "") -> str:
    answer = CliRunner().invoke(correct, list(words), input=f"{code}\n", catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_one_proposes_and_another_approves(spoilt, frozen):
    ines, charles = member("ines@a.example", Role.ACCOUNTANT, frozen), member("charles@a.example", Role.MANAGER, frozen)
    listed = json.loads(run("list", "--local", "--json"))
    (one,) = listed["differences"]
    assert (one["check"], one["subject"], one["remedy"]) == ("debtor credit", "411DORA", "restate")
    assert "copy" in one["cause"]

    said = run(
        "propose", "debtor credit", "411DORA", "--local", "--reason", "a slip", "--by", "Ines@a.example", code=ines[0]
    )
    identity = next(word for word in said.split() if word.count("-") == 4)
    assert identity in run("list", "--local")

    with pytest.raises(Refused):
        run("approve", identity, "--by", "ines@a.example", code=ines[1])
    frozen.advance(minutes=5)
    zoe = member("zoe@a.example", Role.MANAGER, frozen)
    with pytest.raises(Refused, match="after this was asked for"):
        run("approve", identity, "--by", "zoe@a.example", code=zoe[0])
    assert "put right" in run("approve", identity, "--by", "charles@a.example", code=charles[0])
    with reading() as session:
        assert session.get_one(Debtor, spoilt).credit_minor == 0


def test_who_may_not_refund_may_not_correct(spoilt, frozen):
    codes = member("max@a.example", Role.AUDITOR, frozen)

    with pytest.raises(Refused):
        run(
            "propose",
            "debtor credit",
            "411DORA",
            "--local",
            "--reason",
            "a slip",
            "--by",
            "max@a.example",
            code=codes[0],
        )


def test_a_wrong_code_or_a_stranger_does_nothing(spoilt, frozen):
    member("ines@a.example", Role.ADMIN, frozen)

    for email in ("ines@a.example", "nobody@a.example"):
        with pytest.raises(Refused):
            run("propose", "debtor credit", "411DORA", "--local", "--reason", "a slip", "--by", email, code="000000")
