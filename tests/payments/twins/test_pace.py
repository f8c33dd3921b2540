"""GoCardless's minute at the twin: counted only when it is asked for, told with each answer, and 429 beyond it."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
import requests
from gocardless_pro import errors

from tests.payments.twins.conftest import Debits
from tests.support.twins import TwinsProcess


def test_what_is_left_of_a_minute_is_told_and_beyond_it_nothing_is_done(twins: TwinsProcess, debits: Debits):
    twins.limit(3)
    left = []
    for _ in range(3):
        debits.client.creditors.list()
        left.append(debits.client.rate_limit["ratelimit-remaining"])

    with pytest.raises(errors.RateLimitError):
        debits.client.creditors.list()

    assert left == [2, 1, 0]
    assert debits.client.rate_limit["ratelimit-limit"] == 3
    assert parsedate_to_datetime(debits.client.rate_limit["ratelimit-reset"]).second == 0
    assert twins.refused() == 1
    twins.advance(seconds=60)
    debits.client.creditors.list()


def test_no_limit_is_set_unless_somebody_asks_for_it(twins: TwinsProcess, debits: Debits):
    twins.limit(1)
    twins.limit(None)
    for _ in range(3):
        debits.client.creditors.list()
    assert twins.refused() == 0
    for odd in (0, -1, "many", True, 1.5):
        answer = requests.post(f"{twins.url}/_twin/pace", json={"gocardless_per_minute": odd}, timeout=30)
        assert answer.status_code == 422
