"""A CSV of a million lines through the whole import against raw COPY of what it writes. Aim: at least a quarter of its speed.

The import keeps the file, reads and checks every line, recognises debtors and invoices, writes the ledger's movements, checks
the certificate. Raw COPY knows all of that beforehand: finished rows into equal tables with the same indexes, without foreign
keys and triggers.
"""

from __future__ import annotations

import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from backoffice.imports.models import RunState
from backoffice.imports.run import import_file
from shared.kit import clock, files
from shared.kit.actors import Actor
from shared.kit.db import transaction
from shared.kit.settings import Settings, use_settings
from tests.bench.server import cpu_seconds, empty_database
from tests.support.people import a_company

AIM = 0.25
TABLES = ("debtor", "contact", "debtor_contact", "invoice", "ledger_transfer")
HEAD = "Compte;Client;E-mail;N° de facture;Date;Échéance;Montant TTC;Reste dû;Libellé\n"


def csv(lines: int, each: int, seed: int) -> bytes:
    """`lines` invoices, `each` of them a debtor's in the order of their numbers; one in five is open."""
    chance = random.Random(seed)
    today = clock.today()
    debtors = max(1, lines // each)
    days = [today - timedelta(days=age) for age in range(460)]
    written = [f"{day:%d/%m/%Y}" for day in days]
    rows = [HEAD]
    for number in range(lines):
        who = chance.randrange(debtors)
        age = chance.randrange(30, 440)
        total = chance.randrange(1_000, 500_000)
        left = total if chance.randrange(5) == 0 else 0
        rows.append(
            f"411C{who:06};Client {who};c{who}@client.example;F{number:07};{written[age]};{written[age - 30]};"
            f"{total // 100},{total % 100:02};{left // 100},{left % 100:02};Fourniture\n"
        )
    return "".join(rows).encode()


def measure(*, lines: int, each: int, seed: int) -> dict[str, Any]:
    """One import into an empty database, then the copies."""
    content = csv(lines, each, seed)
    with empty_database() as url, tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder:
        use_settings(Settings(mode="test", secret_key=SecretStr("b" * 48), var_dir=Path(folder)))
        files.use_store(files.FileStore(Path(folder) / "files"))
        with transaction() as session:
            company_id = a_company(session).id
        computed, began = cpu_seconds(url), time.perf_counter()
        outcome = import_file(content, company_id=company_id, name="bench.csv", by=Actor.system("bench"))
        taken, computed_after = time.perf_counter() - began, cpu_seconds(url)
        if outcome.state is not RunState.DONE:
            raise RuntimeError(f"the import was refused: {outcome.faults[:3]}")
        counts, raw = _raw(url, Path(folder))
    return {
        "lines": lines,
        "megabytes": round(len(content) / 1e6, 1),
        "invoices": counts["invoice"],
        "movements": counts["ledger_transfer"],
        "rows": sum(counts.values()),
        "seconds": round(taken, 1),
        "cpu_seconds": round(computed_after - computed, 1) if computed and computed_after else None,
        "lines_per_second": round(lines / taken),
        "raw_copy_seconds": round(sum(raw.values()), 1),
        "raw_copy_seconds_by_table": {name: round(value, 1) for name, value in raw.items()},
        "ratio": round(sum(raw.values()) / taken, 2),
        "ratio_to_copying_invoices_alone": round(raw["invoice"] / taken, 2),
        "aim": AIM,
    }


def _raw(url: str, folder: Path) -> tuple[dict[str, int], dict[str, float]]:
    counts, seconds = {}, {}
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        for name in TABLES:
            table, copied, file = sql.Identifier(name), sql.Identifier(f"raw_{name}"), folder / f"{name}.copy"
            with file.open("wb") as out, connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
                for block in copy:
                    out.write(block)
            connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copied, table))
            connection.commit()
            began = time.perf_counter()
            cursor = connection.cursor()
            with file.open("rb") as rows, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(copied)) as copy:
                while block := rows.read(1 << 20):
                    copy.write(block)
            connection.commit()
            seconds[name] = time.perf_counter() - began
            counts[name] = cursor.rowcount
            file.unlink()
    return counts, seconds
