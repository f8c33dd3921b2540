"""Virtual time: one offset, kept in a file that Guichet reads too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from payments.twins.clock import VirtualClock, bank_day, days_after, iso, moment_of
from shared.kit.clock import OffsetClock
from tests.payments.twins.conftest import Debits


def test_guichet_reads_the_same_time_from_the_twins_file(debits: Debits):
    twins = debits.twins
    guichet = OffsetClock(twins.clock_file)
    for _ in range(2):
        told = twins.advance(3)
        assert abs(guichet.now().timestamp() - told["now"]) < 5
        assert json.loads(twins.clock_file.read_text()) == {"offset_seconds": told["offset_seconds"]}


def test_days_are_calendar_days_where_the_banks_are():
    before = int(datetime(2026, 3, 28, 9, tzinfo=UTC).timestamp())
    after = days_after(before, 1)
    assert (iso(before), iso(after)) == ("2026-03-28T09:00:00.000Z", "2026-03-29T08:00:00.000Z")
    assert bank_day(moment_of(bank_day(before))) == bank_day(before)


def test_time_moves_to_a_date_by_bank_days_and_never_back(debits: Debits):
    twins = debits.twins
    assert twins.now()["today"] == "2026-03-10"
    assert twins.advance(bank_days=4)["today"] == "2026-03-16"
    assert twins.ask("POST", "/_twin/clock", json={"to": "2026-04-03"})["today"] == "2026-04-03"
    assert twins.advance(bank_days=1)["today"] == "2026-04-07"
    for odd in (
        {"to": "2026-04-01"},
        {"advance_days": -1},
        {"advance_days": "x"},
        {},
        {"to": "soon"},
        {"advance_days": 9999},
    ):
        with pytest.raises(AssertionError, match="422"):
            twins.ask("POST", "/_twin/clock", json=odd)
    assert twins.now()["today"] == "2026-04-07"


def test_events_bear_the_moment_at_which_they_happened(debits: Debits):
    payment = debits.pay(debits.mandate())
    debits.twins.advance(60)
    events = debits.client.events.list(params={"payment": payment.id}).records
    moments = [event.created_at for event in reversed(events)]
    assert moments == sorted(moments)
    assert moments[-1].startswith("2026-03-17T23:00:")


def test_a_clock_begins_where_its_file_says(tmp_path: Path):
    first = VirtualClock(tmp_path)
    assert first.offset_seconds == 0
    first.move_to(first.now() + 1000)
    first.move_to(first.now() - 500)
    assert 999 <= VirtualClock(tmp_path, begin_at=5).offset_seconds <= 1001
