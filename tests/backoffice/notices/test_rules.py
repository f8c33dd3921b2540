"""Who hears of what."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from backoffice.access.permissions import PERMISSIONS, Role
from backoffice.notices import labels
from backoffice.notices.models import NoticeGroup, Scope
from backoffice.notices.rules import (
    DEFAULTS,
    PERMISSION,
    TOPICS,
    Event,
    concerns,
    last_digest_moment,
    may_hear,
    may_hear_of,
)
from shared.kit.words import speaking

ME, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize(
    ("by", "assignee", "doer", "scope", "hears"),
    [
        ("contact", ME, None, Scope.MINE, True),
        ("contact", None, None, Scope.MINE, True),
        ("contact", OTHER, None, Scope.MINE, False),
        ("contact", OTHER, None, Scope.ALL, True),
        ("system", OTHER, None, Scope.ALL, True),
        ("clock", ME, None, Scope.MINE, True),
        ("staff", ME, OTHER, Scope.MINE, True),
        ("staff", ME, ME, Scope.ALL, False),
        ("staff", OTHER, OTHER, Scope.ALL, False),
        ("staff", OTHER, ME, Scope.ALL, False),
        ("staff", None, OTHER, Scope.ALL, False),
        ("staff", ME, None, Scope.ALL, False),
    ],
)
def test_whom_an_event_concerns(by, assignee, doer, scope, hears) -> None:
    assert concerns(Event("dispute.said", by, assignee, doer), ME, scope) is hears


def test_every_topic_has_words_in_both_languages_and_every_group_a_default_and_a_permission() -> None:
    for topic in TOPICS:
        said = {}
        for language in ("en", "fr"):
            with speaking(language):
                said[language] = labels.sentence(topic, "Dora")
        assert "Dora" in said["en"]
        assert "Dora" in said["fr"]
        assert said["en"] != said["fr"]
    assert set(DEFAULTS) == set(PERMISSION) == set(labels.GROUPS) == set(labels.ICONS) == set(NoticeGroup)


def test_whoever_only_reads_hears_nothing() -> None:
    assert {PERMISSION[group] for group in NoticeGroup} <= set(PERMISSIONS)
    assert not [group for group in NoticeGroup if may_hear(Role.AUDITOR, group)]
    assert all(may_hear(Role.MANAGER, group) for group in NoticeGroup)


def test_only_those_who_decide_hear_of_what_is_to_be_decided() -> None:
    assert may_hear_of(Role.MANAGER, "plan.asked")
    assert not may_hear_of(Role.AGENT, "plan.asked")
    assert may_hear_of(Role.AGENT, "plan.missed")


def test_the_moment_of_the_daily_digest_is_eight_in_the_companys_zone() -> None:
    assert last_digest_moment(datetime(2026, 3, 10, 6, 59, tzinfo=UTC), "Europe/Paris").day == 9
    assert last_digest_moment(datetime(2026, 3, 10, 7, 0, tzinfo=UTC), "Europe/Paris").day == 10


def test_whoever_asks_for_a_second_person_is_not_that_person() -> None:
    event = Event("payment.refund_waits", "staff", None, ME)

    assert not concerns(event, ME, Scope.ALL)
    assert concerns(event, OTHER, Scope.MINE)
    assert not may_hear_of(Role.ACCOUNTANT, "payment.refund_waits")
    assert may_hear_of(Role.MANAGER, "payment.refund_waits")
