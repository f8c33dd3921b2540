"""Large files: the memory that a reading may take, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
MEGABYTE = 1024 * 1024

MEASURE = """
import json, resource, sys
from pathlib import Path
from backoffice.imports.fec import read_fec
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.source import Source
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = {"table": read_table, "fec": read_fec}[sys.argv[1]]
plan = read(Source(Path(sys.argv[2])), sink=lambda item: None)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"counts": plan.counts, "faults": plan.fault_counts, "kilobytes": after - before,
                  "kept": len(plan.faults), "balance": plan.balance}))
"""


def measure(kind: str, path: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, kind, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_million_lines_are_read_in_little_memory(tmp_path):
    path = tmp_path / "million.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("Code client;Nom;N° facture;Date facture;Échéance;Montant TTC;Réglé le\n")
        for n in range(1_000_000):
            file.write(
                f"C{n % 50_000};Société {n % 50_000};F{n:07d};15/01/2026;14/02/2026;{n % 9000 + 1},{n % 100:02d};\n"
            )

    found = measure("table", path)

    assert found["faults"] == {}
    assert found["counts"]["open"] == 1_000_000
    assert found["kilobytes"] < 300 * 1024


@pytest.mark.slow
def test_a_million_faults_are_counted_and_not_kept(tmp_path):
    path = tmp_path / "faulty.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("Client;N° facture;Date facture;Montant TTC\n")
        for _ in range(1_000_000):
            file.write("C;F;nie;x\n")

    found = measure("table", path)

    assert found["faults"] == {"day.unreadable": 1_000_000, "amount.unreadable": 1_000_000}
    assert found["kept"] == 1_000
    assert found["kilobytes"] < 100 * 1024


@pytest.mark.slow
def test_one_line_of_a_hundred_megabytes_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "line.csv"
    with path.open("wb") as file:
        file.write(b"Client;No facture;Date;Montant\n")
        for _ in range(100):
            file.write(b"A" * MEGABYTE)

    found = measure("table", path)

    assert found["faults"] == {"file.open_quote": 1}
    assert found["kilobytes"] < 300 * 1024
