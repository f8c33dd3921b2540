"""Whoever acts for the account hears of a dispute: the one who raised it, and all who are reminded, each in true words."""

from __future__ import annotations

import pytest

from shared.debtors.models import Debtor
from shared.debtors.service import add_contact, remove_contact
from shared.disputes import decide, service
from shared.kit.db import transaction
from tests.shared.disputes.conftest import STAFF
from tests.support.people import SYSTEM

BOTH = {"411dora@client.example", "paul@client.example"}


@pytest.fixture
def paul(case):
    """Paul acts for Dora's account, and is reminded as she is."""
    with transaction() as session:
        debtor = session.get_one(Debtor, case.debtor_id)
        return add_contact(
            session, debtor=debtor, email="paul@client.example", name="Paul", language="fr", by=SYSTEM
        ).id


def told(case, kind):
    return {mail.to_address.lower(): mail.text_body for mail in case.mails(kind)}


@pytest.mark.usefixtures("paul")
def test_everybody_of_the_account_is_told_of_a_dispute_and_of_what_becomes_of_it(case):
    dispute = case.raises()
    received = told(case, "dispute_received")
    assert set(received) == BOTH
    assert "Thank you for telling us" in received["411dora@client.example"]
    assert "Dora Durand SARL nous a indiqué" in received["paul@client.example"]
    assert "Merci de nous l" not in received["paul@client.example"]

    case.act(service.say, dispute.id, text="Which two boxes?")
    assert set(told(case, "dispute_answer")) == BOTH
    case.act(decide.reject, dispute.id, grounds="They were delivered.")
    assert set(told(case, "dispute_decided")) == BOTH


@pytest.mark.usefixtures("paul")
def test_a_dispute_that_is_withdrawn_is_not_said_to_be_withdrawn_by_the_reader(case):
    dispute = case.raises()
    case.act(decide.withdraw, dispute.id, by=case.dora)
    said = told(case, "dispute_closed")
    assert set(said) == BOTH
    assert "Votre litige a été retiré." in said["paul@client.example"]


def test_what_staff_heard_from_one_is_told_to_the_others_as_his_words(case, paul):
    case.raises(by=STAFF, contact_id=paul)
    said = told(case, "dispute_received")
    assert "As Paul told us" in said["411dora@client.example"]
    assert "Comme vous nous l" in said["paul@client.example"]


def test_whoever_raised_it_is_told_though_he_is_not_reminded_and_not_when_he_has_left(case):
    with transaction() as session:
        debtor = session.get_one(Debtor, case.debtor_id)
        quiet = add_contact(
            session, debtor=debtor, email="quiet@client.example", name="Quiet", is_reminded=False, by=SYSTEM
        ).id
    dispute = case.raises(contact_id=quiet)
    assert set(told(case, "dispute_received")) == {"411dora@client.example", "quiet@client.example"}
    with transaction() as session:
        remove_contact(session, debtor_id=case.debtor_id, contact_id=quiet, by=SYSTEM)
    case.act(service.say, dispute.id, text="Which two boxes?")
    assert set(told(case, "dispute_answer")) == {"411dora@client.example"}
