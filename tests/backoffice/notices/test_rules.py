"""Who hears of what."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time

import pytest

from backoffice.access.permissions import PERMISSIONS, Role
from backoffice.notices import labels
from backoffice.notices.models import NoticeGroup, Scope
from backoffice.notices.rules import (
    DECIDES,
    DEFAULTS,
    DIGEST_FROM,
    MAILS_AN_HOUR,
    NEEDS_SECOND,
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


HEARD = {
    "disputes": "raised said resolved reopened withdrawn overdue assigned file_refused",
    "plans": "asked accepted declined offered missed defaulted resumed completed cancelled",
    "promises": "made changed kept broken cancelled",
    "declarations": "made matched refused expired file_refused",
    "payments": (
        "chargeback.opened chargeback.due chargeback.won chargeback.lost chargeback.give_up_asked payment.went_back "
        "payment.lost payment.debited_twice payment.holder_deceased payment.needs_details payment.needs_proof "
        "payment.blocked_at_bank payment.not_processed payment.refund_waits payment.refund_failed payment.asked_about "
        "mandate.lost mandate.suspended "
        "debit.withdrawn debit.left debit.unannounced debit.given_up"
    ),
}


def test_each_group_hears_of_what_its_rooms_publish() -> None:
    said = {
        name if "." in name else f"{group.removesuffix('s')}.{name}": group
        for group, names in HEARD.items()
        for name in names.split()
    }
    assert {topic: said[topic] for topic in TOPICS if topic in said} == {
        topic: group.value for topic, group in TOPICS.items() if topic in said
    }
    assert set(said) <= set(TOPICS)
    assert not [topic for topic in TOPICS if topic.startswith("XX")]


def test_what_is_decided_by_a_second_person_is_known_by_its_topic() -> None:
    assert {"chargeback.give_up_asked", "payment.refund_waits"} <= set(NEEDS_SECOND)
    assert set(NEEDS_SECOND) <= set(TOPICS)
    assert set(DECIDES) <= set(TOPICS)
    assert {DECIDES.get(topic) for topic in NEEDS_SECOND} == {"giving.approve"}
    assert {
        topic: DECIDES.get(topic) for topic in ("plan.asked", "chargeback.give_up_asked", "payment.refund_waits")
    } == {
        "plan.asked": "plans.decide",
        "chargeback.give_up_asked": "giving.approve",
        "payment.refund_waits": "giving.approve",
    }


def test_by_default_a_member_hears_of_his_own_at_once_or_in_the_morning() -> None:
    assert {group.value: (wish.delivery.value, wish.scope.value) for group, wish in DEFAULTS.items()} == {
        "disputes": ("immediate", "mine"),
        "plans": ("immediate", "mine"),
        "promises": ("daily", "mine"),
        "declarations": ("daily", "mine"),
        "payments": ("immediate", "mine"),
    }
    assert (30, time(8)) == (MAILS_AN_HOUR, DIGEST_FROM)


def test_no_more_than_one_day_lies_between_two_morning_digests() -> None:
    before, after = (
        last_digest_moment(datetime(2026, 3, 10, 6, minute, tzinfo=UTC), "Europe/Paris") for minute in (0, 59)
    )
    assert before == after
    at = last_digest_moment(datetime(2026, 3, 10, 7, 0, tzinfo=UTC), "Europe/Paris")
    assert (at - after).total_seconds() == 86_400


def test_an_event_belongs_to_the_group_of_its_topic() -> None:
    assert Event("plan.asked", "contact", None, None).group is NoticeGroup.PLANS
