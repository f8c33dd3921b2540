"""A Factur-X against bare WeasyPrint of the same HTML, in one run. Aim: at most 1.3 times.

    python -m tests.bench --only facturx

Bare is what a program without us would do: the page with its style sheet in it, fonts of the machine, a plain PDF,
neither archive format, nor tags for screen readers, nor data. `ratio_same_caches` gives the bare program our parsed
style sheet and loaded fonts as well: what is left is the price of PDF/A-3, tags and EN 16931 data.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from shared.documents import facturx, render
from shared.documents.facts import Brand, InvoiceFacts
from shared.kit import pdf
from tests.support import papers


def invoices(count: int, seed: int) -> list[InvoiceFacts]:
    """Invoices of 3 to 12 lines, the same for the same seed."""
    chance = random.Random(seed)
    words = [
        "étude",
        "pose",
        "réglage",
        "luminaire",
        "câble",
        "entretien",
        "livraison",
        "conseil",
        "dépannage",
        "fourniture",
    ]
    found = []
    for number in range(count):
        lines = tuple(
            papers.line(
                " ".join(chance.choices(words, k=chance.randint(2, 7))).capitalize(),
                str(chance.randint(1, 40)),
                f"{chance.randint(100, 99_999) / 100:.2f}",
                rate=chance.choice(["20", "10", "5.5"]),
            )
            for _ in range(chance.randint(3, 12))
        )
        found.append(papers.invoice(lines, number=f"F-2026-{number:04d}"))
    return found


def seconds(act: Callable[[InvoiceFacts], object], facts: InvoiceFacts) -> float:
    started = time.perf_counter()
    act(facts)
    return time.perf_counter() - started


def measure(*, count: int, seed: int) -> dict[str, Any]:
    """Make each invoice three times, in turns."""
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    style = (pdf.STYLES / "paper.css").read_text(encoding="utf-8")
    fonts = FontConfiguration()
    pdf.warm()
    facturx.xml(papers.invoice())

    def bare(facts: InvoiceFacts) -> bytes:
        html, assets, _title = render.invoice_page(facts, Brand())
        page = html.replace("</head>", f"<style>:root {{ --paper-font: 'DejaVu Sans' }} {style}</style></head>")
        made: bytes = HTML(string=page, url_fetcher=pdf._fetcher(assets)).write_pdf()
        return made

    sheet = CSS(string=f":root {{ --paper-font: 'DejaVu Sans' }} {style}", font_config=fonts)

    def bare_with_caches(facts: InvoiceFacts) -> bytes:
        html, assets, _title = render.invoice_page(facts, Brand())
        page = HTML(string=html, url_fetcher=pdf._fetcher(assets))
        made: bytes = page.write_pdf(stylesheets=[sheet], font_config=fonts)
        return made

    def ours(facts: InvoiceFacts) -> bytes:
        made = render.invoice(facts)
        if not made.is_electronic:
            raise AssertionError("not a Factur-X")
        return made.content

    times: dict[str, list[float]] = {"bare": [], "bare_with_caches": [], "facturx": []}
    for facts in invoices(count, seed):
        # In turns, so that whatever else the machine does touches all three alike.
        times["bare"].append(seconds(bare, facts))
        times["bare_with_caches"].append(seconds(bare_with_caches, facts))
        times["facturx"].append(seconds(ours, facts))
    middle = {name: median(values) for name, values in times.items()}
    return {
        "count": count,
        "seed": seed,
        "median_ms": {name: round(value * 1000, 1) for name, value in middle.items()},
        "ratio": round(middle["facturx"] / middle["bare"], 2),
        "ratio_same_caches": round(middle["facturx"] / middle["bare_with_caches"], 2),
        "aim": 1.3,
    }
