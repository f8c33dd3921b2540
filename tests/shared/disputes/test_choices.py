"""What whoever contests may choose from."""

from __future__ import annotations

import pytest

from shared.disputes import choices
from shared.disputes.service import Claim
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import speaking
from tests.shared.disputes.conftest import another_debtor

F = "F-1"


def test_what_may_be_contested_is_what_is_open_and_not_frozen(case) -> None:
    case.raises(Claim(case.invoices[F], minor=2_000))
    _other, foreign = another_debtor(case)

    with reading() as session:
        left = {each.number: each.left_minor for each in choices.contestable(session, case.debtor_id)}
        [shown] = choices.contestable(session, case.debtor_id, [case.invoices["F-3"]])
        with pytest.raises(NotFound):
            choices.contestable(session, case.debtor_id, [foreign])
    assert left == {"F-1": 10_000, "F-2": 8_000, "F-3": 17_275}
    assert [(text, gross) for _id, text, gross in shown.lines] == [("Oak boards", 12_000), ("Books", 5_275)]


def test_a_reason_speaks_the_language_of_the_moment(case) -> None:
    with reading() as session:
        reason = choices.reasons(session, case.company_id)[3]
    assert reason.label == "I have already paid"
    with speaking("fr"):
        assert reason.label == "J’ai déjà payé"
