"""What a company grants: the rules' own words until it has others, and a line for each time that it changes them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from shared.company import policy
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.promises.models import PromisePolicy
from shared.promises.rules import Limits
from tests.support.people import SYSTEM, a_company

ACTION = "promise.limits_changed"


def test_words_are_kept_once_and_only_what_is_new_in_them_is_recorded(database, frozen) -> None:
    with transaction() as session:
        company_id = a_company(session).id
        usual = policy.read(session, PromisePolicy, company_id, Limits)
        said = [
            policy.write(session, PromisePolicy, company_id, words, action=ACTION, by=SYSTEM)
            for words in (
                usual,
                replace(usual, grace_days=5),
                replace(usual, grace_days=5),
                replace(usual, grace_days=5, days_ahead=9),
            )
        ]
    with reading() as session:
        kept = policy.read(session, PromisePolicy, company_id, Limits)
        lines = session.scalars(select(AuditLine).where(AuditLine.action == ACTION).order_by(AuditLine.id)).all()

    assert usual == Limits()
    assert said == [False, True, False, True]
    assert kept == replace(usual, grace_days=5, days_ahead=9)
    assert [(line.before, line.after) for line in lines] == [
        ({"grace_days": usual.grace_days}, {"grace_days": 5}),
        ({"days_ahead": usual.days_ahead}, {"days_ahead": 9}),
    ]
