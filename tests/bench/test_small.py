from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_short_form_of_every_bench_gives_figures(tmp_path: Path, server_url: str) -> None:
    """Only that they work: times are never asserted."""
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--small", "--json", str(file)],
        cwd=REPOSITORY,
        env=os.environ | {"GUICHET_DATABASE_URL": server_url},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["portal"]["requests_each"] == 120
    assert found["portal"]["ours"]["page_bytes"] > 1_000
    assert found["portal"]["ratio"] > 0
    storm = found["open"]
    assert storm["told_that_it_is_being_opened"] == storm["payers"] == 10
    # Nobody else waited for the silent provider (20 s): a bound that holds on a machine ten times slower.
    assert max(storm["storm"].values()) < 15
    assert found["reminders"]["first_day"]["reminded"] > 0
    assert found["reminders"]["next_day"]["considered"] > found["reminders"]["next_day"]["reminded"]
    assert found["mail"]["in_rows"]["mails"] == 60
    assert found["mail"]["ratio"] > 0
    assert found["desk"]["pages"] > 60
    assert found["desk"]["slowest_ms"] > 0
    assert found["account"]["large"] == 300
    assert found["account"]["more_statements"] <= 10, "acts on all of an account are written as sets"
    assert found["debits"]["debits_each"] == 10
    assert found["debits"]["ratio"] > 0
    assert found["webhooks"]["events"] >= found["webhooks"]["payments"] == 10
    assert found["webhooks"]["per_second"] > 0
    assert found["import"]["invoices"] == found["import"]["lines"] == 20_000
    assert found["import"]["movements"] > found["import"]["invoices"]
    assert found["import"]["ratio"] > 0
    assert found["facturx"]["count"] == 3
    assert found["facturx"]["ratio"] > 0
    for what in (
        "account page / bare",
        "others' pages, 10 at a silent Stripe",
        "reminder run, first day",
        "mails in rows",
        "slowest list",
        "slowest page of that account",
        "debits at once / one by one",
        "webhooks handled by one process",
        "import / raw COPY",
        "Factur-X / bare",
    ):
        assert what in done.stdout
