"""The short form of the programme: the same two weeks each time. The long one is `make torture`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.torture.stage import ROOT

pytestmark = pytest.mark.slow

SHORT = ("--seed", "3", "--workers", "1", "--payments", "12", "--kills", "10", "--days", "9", "--notice", "9")


def test_after_days_of_war_nothing_differs_and_no_debit_was_taken_that_should_not_have_been():
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.run", *SHORT], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
